"""Reads the network back."""

from __future__ import annotations

from typing import Any

from reader import Actual, Json


def security_group(stack: Any, logical_id: str, expected: Json) -> Actual:
    for rule in expected.get("SecurityGroupEgress", []) + expected.get("SecurityGroupIngress", []):
        rule.pop("Description", None)
    group = stack.client("ec2").describe_security_groups(GroupIds=[stack.physical[logical_id]])["SecurityGroups"][0]

    def rules(entries: Json) -> Json:
        # moto drops the description of an egress rule.
        return [
            {"IpProtocol": entry["IpProtocol"], "CidrIp": address["CidrIp"]}
            | ({"FromPort": entry["FromPort"], "ToPort": entry["ToPort"]} if "FromPort" in entry else {})
            for entry in entries
            for address in entry["IpRanges"]
        ]

    return Actual(
        {
            "GroupDescription": group["Description"],
            "VpcId": group["VpcId"],
            "SecurityGroupIngress": rules(group["IpPermissions"]),
            "SecurityGroupEgress": rules(group["IpPermissionsEgress"]),
        },
        frozenset({"Tags"}),
    )


def security_group_ingress(stack: Any, _logical_id: str, expected: Json) -> Actual:
    group = stack.client("ec2").describe_security_groups(GroupIds=[expected["GroupId"]])["SecurityGroups"][0]
    for rule in group["IpPermissions"]:
        for pair in rule["UserIdGroupPairs"]:
            if pair["GroupId"] == expected.get("SourceSecurityGroupId") and rule["FromPort"] == expected["FromPort"]:
                return Actual({**expected, "IpProtocol": rule["IpProtocol"], "ToPort": rule["ToPort"]})
    return Actual({})


def vpc(stack: Any, logical_id: str, _expected: Json) -> Actual:
    ec2 = stack.client("ec2")
    vpc_id = stack.physical[logical_id]

    def attribute(name: str) -> bool:
        key = name[0].upper() + name[1:]
        return ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=name)[key]["Value"]

    return Actual(
        {
            **ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0],
            "EnableDnsHostnames": attribute("enableDnsHostnames"),
            "EnableDnsSupport": attribute("enableDnsSupport"),
        }
    )


def subnet(stack: Any, logical_id: str, _expected: Json) -> Actual:
    found = stack.client("ec2").describe_subnets(SubnetIds=[stack.physical[logical_id]])["Subnets"][0]
    return Actual(found)


def route_table(stack: Any, logical_id: str, _expected: Json) -> Actual:
    found = stack.client("ec2").describe_route_tables(RouteTableIds=[stack.physical[logical_id]])["RouteTables"][0]
    return Actual(found)


def route_table_association(stack: Any, _logical_id: str, expected: Json) -> Actual:
    tables = stack.client("ec2").describe_route_tables(RouteTableIds=[expected["RouteTableId"]])["RouteTables"]
    associations = [association for table in tables for association in table["Associations"]]
    return Actual(next((a for a in associations if a.get("SubnetId") == expected["SubnetId"]), {}))


def vpc_endpoint(stack: Any, logical_id: str, _expected: Json) -> Actual:
    endpoints = stack.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[stack.physical[logical_id]])
    found = endpoints["VpcEndpoints"][0]
    return Actual({**found, "SecurityGroupIds": [group["GroupId"] for group in found.get("Groups", [])]})


def flow_log(stack: Any, logical_id: str, expected: Json) -> Actual:
    found = stack.client("ec2").describe_flow_logs(FlowLogIds=[stack.physical[logical_id]])["FlowLogs"][0]
    # The API has one name for what the template calls by the kind of resource.
    return Actual({**found, "ResourceType": expected["ResourceType"]})
