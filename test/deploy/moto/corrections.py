"""Places where moto's services answer differently from AWS in a way that stops a deployment, or hides a fault."""

from __future__ import annotations

import json
from typing import Any

from moto.awslambda.models import LambdaFunction, LayerVersion, Permission
from moto.cloudfront.models import Invalidation
from moto.ec2.models.security_groups import SecurityGroupIngress
from moto.iam import iam_backends
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.models import Role
from moto.s3.models import FakeBucket, S3Backend
from moto.sqs.models import Queue
from moto.ssm.models import Parameter


def install_corrections() -> None:
    SecurityGroupIngress.physical_resource_id = "rule"
    _attach_managed_policies()
    _complete_functions()
    _finish_invalidations()
    FakeBucket.get_permission = _bucket_permission
    _name_fifo_queues()
    _announce_uploads_once()
    _keep_queue_policies()
    Parameter.has_cfn_attr = classmethod(lambda cls, attr: attr in ("Type", "Value"))
    Parameter.get_cfn_attribute = lambda self, attr: {"Type": self.type, "Value": self.value}[attr]


def _bucket_permission(bucket: Any, action: str, resource: str) -> Any:
    """moto applies a statement without looking at its condition, so "deny unless TLS" would deny everything."""
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    document = json.loads(bucket.policy)
    statements = [statement for statement in document["Statement"] if "Condition" not in statement]
    if not statements:
        return PermissionResult.NEUTRAL
    return IAMPolicy(json.dumps({**document, "Statement": statements})).is_action_permitted(action, resource)


def _keep_queue_policies() -> None:
    """moto forgets a queue's policy whenever another attribute is set, and never answers the redrive allow policy."""
    set_attributes, attributes = Queue._set_attributes, Queue.attributes

    def set_and_keep_policy(queue: Any, changed: dict[str, Any], now: float | None = None) -> None:
        policy = getattr(queue, "policy", None)
        set_attributes(queue, {"Policy": policy, **changed}, now)

    def all_attributes(queue: Any) -> dict[str, Any]:
        allow = getattr(queue, "redrive_allow_policy", None)
        text = json.dumps(allow) if isinstance(allow, dict) else allow
        return {**attributes.fget(queue), **({"RedriveAllowPolicy": text} if text else {})}

    Queue._set_attributes = set_and_keep_policy
    Queue.attributes = property(all_attributes)


def _name_fifo_queues() -> None:
    """The name that CloudFormation gives to a FIFO queue without one ends as it must."""
    create = Queue.create_from_cloudformation_json

    def create_with_suffix(cls, name, cloudformation_json, account_id, region_name, **named):
        fifo = str(cloudformation_json["Properties"].get("FifoQueue")).lower() == "true"
        whole = f"{name[:75]}.fifo" if fifo and not name.endswith(".fifo") else name
        return create(whole, cloudformation_json, account_id, region_name, **named)

    Queue.create_from_cloudformation_json = classmethod(create_with_suffix)


def _announce_uploads_once() -> None:
    """moto announces a completed multipart upload twice: also as a PUT."""
    put = S3Backend.put_object

    def put_quietly(backend: Any, *arguments: Any, **named: Any) -> Any:
        return put(backend, *arguments, **named, **({"disable_notification": True} if named.get("multipart") else {}))

    S3Backend.put_object = put_quietly


def _attach_managed_policies() -> None:
    """moto's CloudFormation forgets a role's ManagedPolicyArns; its API does attach them."""
    create, delete = Role.create_from_cloudformation_json, Role.delete_from_cloudformation_json

    def create_with_policies(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        role = create(resource_name, cloudformation_json, account_id, region_name, **kwargs)
        for arn in cloudformation_json["Properties"].get("ManagedPolicyArns", []):
            iam_backends[account_id]["aws"].attach_role_policy(arn, role.name)
        return role

    def delete_with_policies(cls, resource_name, cloudformation_json, account_id, region_name):
        backend = iam_backends[account_id]["aws"]
        for attached in list(backend.get_role(resource_name).managed_policies.values()):
            backend.detach_role_policy(attached.arn, resource_name)
        delete(resource_name, cloudformation_json, account_id, region_name)

    Role.create_from_cloudformation_json = classmethod(create_with_policies)
    Role.delete_from_cloudformation_json = classmethod(delete_with_policies)


def _complete_functions() -> None:
    """moto's CloudFormation forgets a function's layers, architectures and tracing; its model has them."""
    create = LambdaFunction.create_from_cloudformation_json
    LayerVersion.physical_resource_id = property(lambda layer: layer.arn)
    Permission.physical_resource_id = "permission"

    def create_with_layers(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        function = create(resource_name, cloudformation_json, account_id, region_name, **kwargs)
        properties = cloudformation_json["Properties"]
        if "Layers" in properties:
            function.layers = function._get_layers_data(properties["Layers"])
        function.architectures = properties.get("Architectures", function.architectures)
        function.tracing_config = properties.get("TracingConfig", function.tracing_config)
        return function

    LambdaFunction.create_from_cloudformation_json = classmethod(create_with_layers)


def _finish_invalidations() -> None:
    """moto spells the status COMPLETED; who waits for CloudFront's `Completed` waits for ever."""
    begin = Invalidation.__init__

    def begin_and_finish(invalidation: Any, *arguments: Any, **named: Any) -> None:
        begin(invalidation, *arguments, **named)
        invalidation.status = "Completed"

    Invalidation.__init__ = begin_and_finish
