"""Reads roles and policies back."""

from __future__ import annotations

from typing import Any

from reader import Actual, Json


def role(stack: Any, logical_id: str, _expected: Json) -> Actual:
    iam = stack.client("iam")
    name = stack.physical[logical_id]
    found = iam.get_role(RoleName=name)["Role"]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return Actual(
        {
            "AssumeRolePolicyDocument": found["AssumeRolePolicyDocument"],
            "ManagedPolicyArns": [policy["PolicyArn"] for policy in attached],
            "Description": found.get("Description"),
            "Tags": found.get("Tags"),
            "Policies": [
                {
                    "PolicyName": policy,
                    "PolicyDocument": iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"],
                }
                for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
            ],
        }
    )


def policy(stack: Any, _logical_id: str, expected: Json) -> Actual:
    documents = [
        stack.client("iam").get_role_policy(RoleName=name, PolicyName=expected["PolicyName"])["PolicyDocument"]
        for name in expected.get("Roles", [])
    ]
    same = all(document == documents[0] for document in documents)
    return Actual({**expected, "PolicyDocument": documents[0] if same else documents})


def managed_policy(stack: Any, logical_id: str, expected: Json) -> Actual:
    iam = stack.client("iam")
    arn = stack.physical[logical_id]
    found = iam.get_policy(PolicyArn=arn)["Policy"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=found["DefaultVersionId"])["PolicyVersion"]
    roles = iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]
    return Actual(
        {
            "PolicyDocument": version["Document"],
            "Path": found["Path"],
            "Description": found.get("Description", ""),
            "Roles": [role["RoleName"] for role in roles],
        }
    )


def instance_profile(stack: Any, logical_id: str, _expected: Json) -> Actual:
    found = stack.client("iam").get_instance_profile(InstanceProfileName=stack.physical[logical_id])
    return Actual({"Roles": [role["RoleName"] for role in found["InstanceProfile"]["Roles"]]})
