"""Prints a line for each resource on the server that the bootstrap stack does not own. Nothing printed: all clean.

Usage: python leftovers.py ENDPOINT REGION
"""

from __future__ import annotations

import sys
from functools import partial

from clients import client as client_of

client = partial(client_of, *sys.argv[1:3])


def report(kind: str, names: list[str]) -> None:
    for name in names:
        if "cdk-hnb659fds" not in name and "CDKToolkit" not in name:
            print(f"{kind} {name}")


report("queue", client("sqs").list_queues().get("QueueUrls", []))
report("bucket", [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]])
report("alarm", [a["AlarmName"] for a in client("cloudwatch").describe_alarms()["MetricAlarms"]])
report("topic", [topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]])

groups = client("autoscaling")
report("group", [g["AutoScalingGroupName"] for g in groups.describe_auto_scaling_groups()["AutoScalingGroups"]])
report("scaling policy", [p["PolicyName"] for p in groups.describe_policies()["ScalingPolicies"]])

iam = client("iam")
report("role", [role["RoleName"] for role in iam.list_roles()["Roles"]])
report("policy", [policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]])
report("instance profile", [p["InstanceProfileName"] for p in iam.list_instance_profiles()["InstanceProfiles"]])

functions = client("lambda")
report("function", [f["FunctionName"] for f in functions.list_functions()["Functions"]])
report("layer", [layer["LayerName"] for layer in functions.list_layers()["Layers"]])
report("api", [api["Name"] for api in client("apigatewayv2").get_apis()["Items"]])
report("log group", [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]])

distributions = client("cloudfront").list_distributions()["DistributionList"].get("Items", [])
report("distribution", [distribution["Id"] for distribution in distributions])

kms = client("kms")
keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
# A key goes after its waiting period. moto takes the account's own key of EBS for a customer's.
report(
    "key",
    [
        f"{key['KeyId']} {key['Description']}"
        for key in keys
        if key["KeyState"] != "PendingDeletion" and not key["Description"].startswith("Default master key")
    ],
)

ec2 = client("ec2")
report("vpc", [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]])
report("subnet", [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"] if not s["DefaultForAz"]])
endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
report("endpoint", [e["VpcEndpointId"] for e in endpoints if e["State"] != "deleted"])
report("flow log", [log["FlowLogId"] for log in ec2.describe_flow_logs()["FlowLogs"]])
report("launch template", [t["LaunchTemplateName"] for t in ec2.describe_launch_templates()["LaunchTemplates"]])
report(
    "security group",
    [g["GroupName"] for g in ec2.describe_security_groups()["SecurityGroups"] if g["GroupName"] != "default"],
)
report(
    "instance",
    [
        instance["InstanceId"]
        for reservation in ec2.describe_instances()["Reservations"]
        for instance in reservation["Instances"]
        if instance["State"]["Name"] != "terminated"
    ],
)

report(
    "stack",
    [
        stack["StackName"]
        for stack in client("cloudformation").list_stacks()["StackSummaries"]
        if stack["StackStatus"] != "DELETE_COMPLETE"
    ],
)
