"""Prints a line for each resource on the server that the bootstrap stack does not own. Nothing printed: all clean."""

from __future__ import annotations

import sys
from typing import Any

import boto3

endpoint, region = sys.argv[1:3]


def client(service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def report(kind: str, names: list[str]) -> None:
    for name in names:
        if "cdk-hnb659fds" not in name and "CDKToolkit" not in name:
            print(f"{kind} {name}")


report("queue", client("sqs").list_queues().get("QueueUrls", []))
report("bucket", [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]])
report("alarm", [a["AlarmName"] for a in client("cloudwatch").describe_alarms()["MetricAlarms"]])
groups = client("autoscaling")
report("group", [g["AutoScalingGroupName"] for g in groups.describe_auto_scaling_groups()["AutoScalingGroups"]])
report("scaling policy", [p["PolicyName"] for p in groups.describe_policies()["ScalingPolicies"]])
report("role", [role["RoleName"] for role in client("iam").list_roles()["Roles"]])
report("function", [f["FunctionName"] for f in client("lambda").list_functions()["Functions"]])
report("api", [api["Name"] for api in client("apigatewayv2").get_apis()["Items"]])
report("topic", [topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]])
report(
    "stack",
    [
        stack["StackName"]
        for stack in client("cloudformation").list_stacks()["StackSummaries"]
        if stack["StackStatus"] != "DELETE_COMPLETE"
    ],
)
