"""Prints what a test needs to know of a deployed stack, as JSON, by the paths of the constructs below the stack.

Usage: python facts.py ENDPOINT REGION STACK TEMPLATE
"""

from __future__ import annotations

import json
import sys
from typing import Any

from botocore.exceptions import ClientError

from reader import document
from stack import UNKNOWN, Stack


def role_facts(stack: Stack, name: str) -> dict[str, Any]:
    """A role with every policy that it has, whoever owns the policy."""
    iam = stack.client("iam")
    role = iam.get_role(RoleName=name)["Role"]
    inline = [
        document(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    ]
    attached = []
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)["PolicyVersion"]
        attached.append(document(found["Document"]))
    return {
        "arn": role["Arn"],
        "trust": document(role["AssumeRolePolicyDocument"]),
        "policies": [*inline, *attached],
    }


def resource_policy(stack: Stack, kind: str, physical_id: str) -> Any:
    """The policy of a queue, bucket or key; None where there is none."""
    if kind == "AWS::SQS::Queue":
        attributes = stack.client("sqs").get_queue_attributes(QueueUrl=physical_id, AttributeNames=["Policy"])
        text = attributes.get("Attributes", {}).get("Policy")
    elif kind == "AWS::S3::Bucket":
        try:
            text = stack.client("s3").get_bucket_policy(Bucket=physical_id)["Policy"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
                raise
            text = None
    elif kind == "AWS::KMS::Key":
        text = stack.client("kms").get_key_policy(KeyId=physical_id, PolicyName="default")["Policy"]
    else:
        text = None
    return document(text) if text else None


def group_facts(stack: Stack, name: str) -> dict[str, Any]:
    groups = stack.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    group = groups["AutoScalingGroups"][0]
    return {
        "arn": group["AutoScalingGroupARN"],
        "tags": {tag["Key"]: tag["Value"] for tag in group["Tags"]},
    }


def facts(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for logical_id, resource in stack.template["Resources"].items():
        kind, path = resource["Type"], resource.get("Metadata", {}).get("aws:cdk:path", "")
        if logical_id not in stack.physical or not path:
            continue
        physical_id = stack.physical[logical_id]
        entry = {"type": kind, "id": physical_id, "retained": resource.get("DeletionPolicy", "").startswith("Retain")}
        if kind == "AWS::IAM::Role":
            entry |= role_facts(stack, physical_id)
        elif kind == "AWS::AutoScaling::AutoScalingGroup":
            entry |= group_facts(stack, physical_id)
        else:
            arn = stack.attribute(logical_id, "Arn")
            entry |= {} if arn is UNKNOWN else {"arn": arn}
            policy = resource_policy(stack, kind, physical_id)
            entry |= {"policy": policy} if policy else {}
        found[path.split("/", 1)[1].removesuffix("/Resource")] = entry
    return found


def main() -> None:
    endpoint, region, stack_name, template_file = sys.argv[1:5]
    with open(template_file) as file:
        template = json.load(file)
    print(json.dumps(facts(Stack(endpoint, region, stack_name, template))))


if __name__ == "__main__":
    main()
