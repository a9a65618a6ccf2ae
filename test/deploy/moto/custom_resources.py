"""Custom resources, whose functions run on this machine.

CDK's own providers (bucket notifications, auto-delete objects) are plain Python or Node handlers that answer with a PUT
to a pre-signed URL. Here that PUT is received on a loopback port.
"""

from __future__ import annotations

import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from functions import FunctionFailed, run_function
from moto.cloudformation.custom_model import CustomModel
from moto.cloudformation.exceptions import ValidationError


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


def ask_provider(endpoint: str, account_id: str, region: str, service_token: str, event: dict[str, Any]) -> dict:
    """Runs the function once and returns its answer; raises when it fails, as CloudFormation would roll back."""
    reply = _Reply()
    reason = "it never answered"
    try:
        run_function(endpoint, account_id, region, service_token, {**event, "ResponseURL": reply.url})
    except FunctionFailed as failure:
        reason = str(failure) or reason
    finally:
        reply.close()
    if reply.body is None or reply.body["Status"] != "SUCCESS":
        reason = reply.body["Reason"] if reply.body else reason
        raise ValidationError(message=f"{event['RequestType']} of {event['LogicalResourceId']} failed: {reason}")
    return reply.body


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

    def call(
        kind: str, account_id: str, region: str, stack_id: str, logical_id: str, json_: dict, **extra: Any
    ) -> dict:
        properties = json_["Properties"]
        return ask_provider(
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
