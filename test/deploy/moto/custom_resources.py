"""Runs the Lambda functions behind custom resources on this machine instead of in a container.

CDK's own providers (bucket notifications, auto-delete objects) are plain Python or Node handlers that answer with a PUT
to a pre-signed URL. Here the function's zip is unpacked, started with the interpreter of its runtime, and its PUT is
received on a loopback port.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import uuid
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from moto.awslambda.utils import get_backend
from moto.cloudformation.custom_model import CustomModel
from moto.cloudformation.exceptions import ValidationError

PYTHON_STARTER = """
import importlib, json, sys
sys.path.insert(0, '.')
class Context:
    function_name = 'custom-resource'; log_group_name = log_stream_name = 'local'; aws_request_id = 'local'
    invoked_function_arn = sys.argv[2]
    def get_remaining_time_in_millis(self): return 60000
module, function = sys.argv[1].rsplit('.', 1)
getattr(importlib.import_module(module.replace('/', '.')), function)(json.load(sys.stdin), Context())
"""

NODE_STARTER = """
const [module, name] = process.argv[1].split('.');
const chunks = [];
process.stdin.on('data', (c) => chunks.push(c)).on('end', async () => {
  const event = JSON.parse(Buffer.concat(chunks).toString());
  const context = { functionName: 'custom-resource', logGroupName: 'local', logStreamName: 'local',
    awsRequestId: 'local', invokedFunctionArn: process.argv[2], getRemainingTimeInMillis: () => 60000 };
  await require(require('path').resolve(module))[name](event, context);
});
"""

#: What the functions may take, in seconds; the CLI shows nothing while one runs.
FUNCTION_TIMEOUT_SECONDS = 60


class _Reply:
    """One loopback server that waits for the function's answer."""

    def __init__(self) -> None:
        self.body: dict[str, Any] | None = None
        reply = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                reply.body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/reply"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def run_function(endpoint: str, account_id: str, region: str, service_token: str, event: dict[str, Any]) -> dict:
    """Runs the function once and returns its answer; raises when it fails, as CloudFormation would roll back."""
    function = get_backend(account_id, region).get_function(service_token)
    reply = _Reply()
    try:
        with tempfile.TemporaryDirectory() as folder:
            root = os.path.join(folder, "task")
            zipfile.ZipFile(io.BytesIO(function.code_bytes)).extractall(root)
            if function.layers:
                _unpack_layers(get_backend(account_id, region), function, root, os.path.join(folder, "opt"))
            runtime = str(function.run_time)
            if runtime.startswith("python"):
                command = [sys.executable, "-c", PYTHON_STARTER]
            elif runtime.startswith("nodejs"):
                command = [os.environ.get("CUSTOM_RESOURCE_NODE", "node"), "-e", NODE_STARTER]
            else:
                raise ValidationError(message=f"No interpreter here for the runtime {runtime}")
            environment = {
                **os.environ,
                **(function.environment_vars or {}),
                "AWS_ENDPOINT_URL": endpoint,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": region,
                "AWS_DEFAULT_REGION": region,
                "NODE_PATH": os.environ.get("CUSTOM_RESOURCE_NODE_PATH", ""),
                "LAMBDA_TASK_ROOT": root,
            }
            finished = subprocess.run(
                [*command, function.handler, service_token],
                cwd=root,
                env=environment,
                input=json.dumps({**event, "ResponseURL": reply.url}),
                capture_output=True,
                text=True,
                timeout=FUNCTION_TIMEOUT_SECONDS,
            )
    finally:
        reply.close()
    if reply.body is None or reply.body["Status"] != "SUCCESS":
        reason = reply.body["Reason"] if reply.body else finished.stderr[-2000:] or "it never answered"
        raise ValidationError(message=f"{event['RequestType']} of {event['LogicalResourceId']} failed: {reason}")
    return reply.body


def _unpack_layers(backend: Any, function: Any, root: str, opt: str) -> None:
    """Unpacks the layers, and points the function's Python files to them instead of `/opt`, which is this machine's."""
    for layer in function.layers:
        code = backend.layers_versions_by_arn(layer["Arn"]).code_bytes
        zipfile.ZipFile(io.BytesIO(code)).extractall(opt)
    for name in os.listdir(root):
        if name.endswith(".py"):
            path = os.path.join(root, name)
            with open(path) as file:
                text = file.read()
            with open(path, "w") as file:
                file.write(text.replace('"/opt/', f'"{opt}/'))
    program = os.path.join(opt, "awscli", "aws")
    if os.path.exists(program):
        with open(program) as file:
            lines = file.read().split("\n")
        with open(program, "w") as file:
            file.write("\n".join([f"#!{sys.executable}", *lines[1:]]))
        os.chmod(program, 0o755)


def as_text(value: Any) -> Any:
    """CloudFormation hands every scalar to a custom resource as text."""
    if isinstance(value, dict):
        return {key: as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def install_custom_resources(endpoint: str) -> None:
    """Replaces moto's container-based custom resources."""

    def call(kind: str, account_id: str, region: str, stack_id: str, logical_id: str, json_: dict, **extra: Any) -> dict:
        properties = json_["Properties"]
        return run_function(
            endpoint,
            account_id,
            region,
            properties["ServiceToken"],
            {
                "RequestType": kind,
                "RequestId": str(uuid.uuid4()),
                "StackId": stack_id,
                "LogicalResourceId": logical_id,
                "ResourceType": json_["Type"],
                "ResourceProperties": as_text(properties),
                **extra,
            },
        )

    def create(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        stack_id, logical_id = kwargs["StackId"], kwargs["LogicalId"]
        body = call("Create", account_id, region_name, stack_id, logical_id, cloudformation_json)
        resource = CustomModel(region_name, "", logical_id, body.get("PhysicalResourceId", resource_name))
        resource.stack_id = stack_id
        resource.properties = cloudformation_json["Properties"]
        resource.set_data(body.get("Data") or {})
        _CREATED[resource.physical_resource_id] = resource
        return resource

    def update(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
        body = call(
            "Update",
            account_id,
            region_name,
            original_resource.stack_id,
            original_resource.logical_id,
            cloudformation_json,
            PhysicalResourceId=original_resource.physical_resource_id,
            OldResourceProperties=original_resource.properties,
        )
        original_resource.properties = cloudformation_json["Properties"]
        original_resource.set_data(body.get("Data") or {})
        return original_resource

    def delete(cls, resource_name, cloudformation_json, account_id, region_name):
        resource = _CREATED.pop(resource_name, None)
        if resource is None:
            return
        call(
            "Delete",
            account_id,
            region_name,
            resource.stack_id,
            resource.logical_id,
            {"Type": cloudformation_json["Type"], "Properties": resource.properties},
            PhysicalResourceId=resource_name,
        )

    CustomModel.create_from_cloudformation_json = classmethod(create)
    CustomModel.update_from_cloudformation_json = classmethod(update)
    CustomModel.delete_from_cloudformation_json = classmethod(delete)


_CREATED: dict[str, CustomModel] = {}
