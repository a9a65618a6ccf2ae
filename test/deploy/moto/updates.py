"""Updates in place. moto's CloudFormation deletes and creates most of what changes, or changes some properties only."""

from __future__ import annotations

import json
from typing import Any, Callable

from api_type import Context, Properties, booleans
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.parsing import get_model_map

Update = Callable[[Context, str, Properties], None]

#: What UpdateAutoScalingGroup of moto's server reads, of what a template may hold.
GROUP_PROPERTIES = (
    "MinSize",
    "MaxSize",
    "DesiredCapacity",
    "LaunchTemplate",
    "HealthCheckType",
    "HealthCheckGracePeriod",
)


def auto_scaling_group(context: Context, name: str, properties: Properties) -> None:
    changed = {key: properties[key] for key in GROUP_PROPERTIES if key in properties}
    for key in ("MinSize", "MaxSize", "DesiredCapacity", "HealthCheckGracePeriod"):
        if key in changed:
            changed[key] = int(changed[key])
    context.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=name, VPCZoneIdentifier=",".join(properties["VPCZoneIdentifier"]), **changed
    )


def queue(context: Context, url: str, properties: Properties) -> None:
    attributes = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in properties.items()
        if key not in ("QueueName", "FifoQueue", "Tags")
    }
    context.client("sqs").set_queue_attributes(QueueUrl=url, Attributes=attributes)


UPDATES: dict[str, Update] = {
    "AWS::AutoScaling::AutoScalingGroup": auto_scaling_group,
    "AWS::SQS::Queue": queue,
}
#: moto's own updates that keep the physical id and forget nothing.
FAITHFUL = {"AWS::EC2::LaunchTemplate"}


def install_updates(endpoint: str) -> None:
    for type_name, update in UPDATES.items():
        model: Any = get_model_map()[type_name]

        def update_resource(cls, original_resource, cloudformation_json, account_id, region_name, do=update, **_):
            context = Context(endpoint, account_id, region_name)
            do(context, original_resource.physical_resource_id, booleans(cloudformation_json["Properties"]))
            return original_resource

        model.update_from_cloudformation_json = classmethod(update_resource)
    _refuse_other_updates()


def _refuse_other_updates() -> None:
    update = parsing.parse_and_update_resource

    def update_or_refuse(logical_id: str, resource_json: dict[str, Any], *arguments: Any, **named: Any) -> Any:
        kind = resource_json["Type"]
        own = parsing.resource_class_from_type(kind)
        ours = own is None or own.__module__ == "moto.plugin" or kind.startswith("Custom::")
        if not ours and kind not in UPDATES and kind not in FAITHFUL:
            raise ValidationError(message=f"The test server cannot update {kind} ({logical_id}) in place")
        return update(logical_id, resource_json, *arguments, **named)

    parsing.parse_and_update_resource = update_or_refuse
