"""Places where moto answers differently from AWS in a way that stops a deployment."""

from __future__ import annotations

import json
from typing import Any

from moto.awslambda.models import LambdaFunction, LayerVersion, Permission
from moto.cloudformation.exceptions import CloudFormationError, ValidationError
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, Stack
from moto.cloudformation.parsing import ResourceMap
from moto.cloudfront.models import Invalidation
from moto.ec2.models.security_groups import SecurityGroupIngress
from moto.iam import iam_backends
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.models import Role
from moto.s3.models import FakeBucket
from moto.ssm.models import Parameter


def install_corrections() -> None:
    SecurityGroupIngress.physical_resource_id = "rule"
    _attach_managed_policies()
    _complete_functions()
    _finish_invalidations()
    CloudFormationBackend.delete_change_set = _delete_change_set
    _name_missing_change_sets()
    _repeat_change_sets()
    FakeBucket.get_permission = _bucket_permission
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


def _delete_change_set(backend: Any, change_set_name: str) -> None:
    """moto finds the newest change set of a name but deletes the oldest, whichever stack it belongs to."""
    for change_set_id in reversed(list(backend.change_sets)):
        if change_set_name in (change_set_id, backend.change_sets[change_set_id].change_set_name):
            del backend.change_sets[change_set_id]
            return


class ChangeSetNotFound(CloudFormationError):
    code = "ChangeSetNotFound"


def _name_missing_change_sets() -> None:
    """The command line waits for this error; moto answers with the one for a missing stack."""
    describe = CloudFormationBackend.describe_change_set

    def describe_or_not_found(backend: Any, change_set_name: str) -> Any:
        try:
            return describe(backend, change_set_name)
        except ValidationError:
            raise ChangeSetNotFound(f"ChangeSet [{change_set_name}] does not exist") from None

    CloudFormationBackend.describe_change_set = describe_or_not_found


def _repeat_change_sets() -> None:
    """Lets a stack be deployed a second time: SSM parameters, unchanged parameters and outputs."""
    resolve_parameter, apply = ResourceMap.parse_ssm_parameter, ChangeSet.apply

    def resolve_once(resources: Any, value: str, value_type: str) -> Any:
        # "Use the previous value" hands over what was resolved before, not the parameter's name.
        return resolve_parameter(resources, value, value_type) if value.startswith("/") else value

    def has_parameters(stack: Any, other: dict[str, Any]) -> bool:
        resolved = stack.resource_map.resolved_parameters
        return all(value in (stack.parameters.get(name), resolved.get(name)) for name, value in other.items())

    def apply_with_outputs(change_set: Any) -> None:
        apply(change_set)
        stack = change_set.stack
        stack.template = change_set.template
        stack._parse_template()
        stack.output_map = stack._create_output_map()

    ResourceMap.parse_ssm_parameter = resolve_once
    Stack.has_parameters = has_parameters
    ChangeSet.apply = apply_with_outputs


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
