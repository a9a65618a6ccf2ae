"""Reads the Auto Scaling group, its policies and alarms back."""

from __future__ import annotations

from typing import Any

from reader import Actual, Json


def alarm(stack: Any, logical_id: str, _expected: Json) -> Actual:
    found = stack.client("cloudwatch").describe_alarms(AlarmNames=[stack.physical[logical_id]])["MetricAlarms"]
    return Actual(found[0] if found else {}, frozenset({"Tags"}))


def scaling_policy(stack: Any, logical_id: str, expected: Json) -> Actual:
    policies = stack.client("autoscaling").describe_policies(
        AutoScalingGroupName=expected["AutoScalingGroupName"]
    )["ScalingPolicies"]
    found = next((p for p in policies if p["PolicyARN"] == stack.physical[logical_id]), {})
    return Actual(found)


def lifecycle_hook(stack: Any, logical_id: str, expected: Json) -> Actual:
    hooks = stack.client("autoscaling").describe_lifecycle_hooks(
        AutoScalingGroupName=expected["AutoScalingGroupName"]
    )["LifecycleHooks"]
    return Actual(next((h for h in hooks if h["LifecycleHookName"] == stack.physical[logical_id]), {}))


def auto_scaling_group(stack: Any, logical_id: str, expected: Json) -> Actual:
    group = stack.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[stack.physical[logical_id]]
    )["AutoScalingGroups"][0]
    hooks = stack.client("autoscaling").describe_lifecycle_hooks(AutoScalingGroupName=stack.physical[logical_id])
    order = [hook["LifecycleHookName"] for hook in expected.get("LifecycleHookSpecificationList", [])]
    hooks["LifecycleHooks"].sort(key=lambda hook: order.index(hook["LifecycleHookName"]))
    subnets = group.get("VPCZoneIdentifier", "")
    metrics = [metric["Metric"] for metric in group.get("EnabledMetrics", [])]
    return Actual(
        {
            **group,
            "VPCZoneIdentifier": subnets.split(",") if subnets else [],
            "LifecycleHookSpecificationList": hooks["LifecycleHooks"],
            "MetricsCollection": [{"Granularity": "1Minute", "Metrics": metrics}] if metrics else None,
        },
        # moto keeps none of these; the constructs' own tests pin them.
        frozenset(
            {
                "NotificationConfigurations",
                "DefaultInstanceWarmup",
                "CapacityRebalance",
                "MaxInstanceLifetime",
                "InstanceMaintenancePolicy",
            }
        ),
    )


def launch_template(stack: Any, logical_id: str, _expected: Json) -> Actual:
    version = stack.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=stack.physical[logical_id], Versions=["$Latest"]
    )["LaunchTemplateVersions"][0]
    return Actual({"LaunchTemplateData": version["LaunchTemplateData"]}, frozenset({"TagSpecifications"}))
