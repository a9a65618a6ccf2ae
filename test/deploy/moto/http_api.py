"""Serves the HTTP APIs that were deployed, at `http://127.0.0.1:<port>/<api id>/<path>`.

A request goes the way it goes on AWS: the API's route, the integration that is its target, the permission of the
function to be invoked for that route, and the function's deployed code. Routes with an authorizer are refused (501).
Throttling and CORS are not emulated; reading the stack back compares them.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from functions import FunctionFailed, run_function
from moto.apigatewayv2.models import apigatewayv2_backends
from moto.awslambda.utils import get_backend

Answer = tuple[int, dict[str, str], str]


def refusal(status: int, message: str) -> Answer:
    return status, {"content-type": "application/json"}, json.dumps({"message": message})


def path_parameters(route_path: str, path: str) -> dict[str, str] | None:
    """The values of `{name}` in the route's path, or None when the path is another one."""
    pattern = "".join(
        f"(?P<{part[1:-1]}>[^/]+)" if part.startswith("{") else re.escape(part)
        for part in re.split(r"(\{\w+\})", route_path)
    )
    match = re.fullmatch(pattern, path)
    return match.groupdict() if match else None


class HttpApis:
    def __init__(self, endpoint: str, account_id: str, region: str):
        self.endpoint, self.account_id, self.region = endpoint, account_id, region

    def answer(self, method: str, target: str, headers: dict[str, str], body: str) -> Answer:
        url = urlsplit(target)
        _, api_id, path = url.path.split("/", 2)
        api = apigatewayv2_backends[self.account_id][self.region].get_api(api_id)
        for route in api.routes.values():
            route_method, _, route_path = route.route_key.partition(" ")
            parameters = path_parameters(route_path, f"/{path}") if route_method in (method, "ANY") else None
            if parameters is None:
                continue
            if route.authorization_type not in (None, "NONE"):
                return refusal(501, f"{route.route_key} has an authorizer: not emulated")
            integration = api.integrations[route.target.removeprefix("integrations/")]
            function_arn = integration.integration_uri
            if not self.may_invoke(function_arn, api_id, route.route_key):
                return refusal(500, f"{api_id} has no permission to invoke {function_arn} for {route.route_key}")
            event = self.event(api_id, route.route_key, method, url, parameters, headers, body)
            return self.invoke(function_arn, event)
        return refusal(404, "Not Found")

    def may_invoke(self, function_arn: str, api_id: str, route_key: str) -> bool:
        source = f"arn:aws:execute-api:{self.region}:{self.account_id}:{api_id}/$default/{route_key.replace(' ', '')}"
        function = get_backend(self.account_id, self.region).get_function(function_arn)
        return any(
            statement["Action"] == "lambda:InvokeFunction"
            and "apigateway.amazonaws.com" in json.dumps(statement["Principal"])
            and fnmatchcase(source, statement["Condition"]["ArnLike"]["AWS:SourceArn"])
            for statement in function.policy.statements
        )

    def event(
        self,
        api_id: str,
        route_key: str,
        method: str,
        url: Any,
        parameters: dict[str, str],
        headers: dict[str, str],
        body: str,
    ) -> dict[str, Any]:
        """A request in payload format 2.0."""
        path = "/" + url.path.split("/", 2)[2]
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        return {
            "version": "2.0",
            "routeKey": route_key,
            "rawPath": path,
            "rawQueryString": url.query,
            "headers": {name.lower(): value for name, value in headers.items()},
            **({"queryStringParameters": query} if query else {}),
            **({"pathParameters": parameters} if parameters else {}),
            "requestContext": {
                "accountId": self.account_id,
                "apiId": api_id,
                "domainName": f"{api_id}.execute-api.{self.region}.amazonaws.com",
                "http": {
                    "method": method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": headers.get("User-Agent", ""),
                },
                "requestId": str(uuid.uuid4()),
                "routeKey": route_key,
                "stage": "$default",
                "timeEpoch": int(time.time() * 1000),
            },
            **({"body": body} if body else {}),
            "isBase64Encoded": False,
        }

    def invoke(self, function_arn: str, event: dict[str, Any]) -> Answer:
        try:
            result = run_function(self.endpoint, self.account_id, self.region, function_arn, event)
        except FunctionFailed as failure:
            return refusal(500, f"The function failed: {failure}")
        return result["statusCode"], result.get("headers", {}), result.get("body", "")


def serve_http_apis(endpoint: str, account_id: str, region: str) -> int:
    """Serves in the background until the process ends. Returns the port."""
    apis = HttpApis(endpoint, account_id, region)

    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            status, headers, text = apis.answer(self.command, self.path, dict(self.headers), body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = do_DELETE = handle_request

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port
