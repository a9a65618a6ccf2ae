"""Deletes what moto's CloudFormation creates but leaves behind when a stack goes."""

from __future__ import annotations

from typing import Any, Callable

from api_types import Context
from moto.cloudformation.parsing import get_model_map

Delete = Callable[[Context, str], None]


def _route_table(context: Context, table_id: str) -> None:
    ec2 = context.client("ec2")
    for table in ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]:
        for association in table["Associations"]:
            if not association.get("Main"):
                ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    ec2.delete_route_table(RouteTableId=table_id)


def _internet_gateway(context: Context, gateway_id: str) -> None:
    ec2 = context.client("ec2")
    for gateway in ec2.describe_internet_gateways(InternetGatewayIds=[gateway_id])["InternetGateways"]:
        for attachment in gateway["Attachments"]:
            ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=attachment["VpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=gateway_id)


def _address(context: Context, public_ip: str) -> None:
    ec2 = context.client("ec2")
    for address in ec2.describe_addresses(PublicIps=[public_ip])["Addresses"]:
        ec2.release_address(AllocationId=address["AllocationId"])


DELETIONS: dict[str, Delete] = {
    "AWS::EC2::EIP": _address,
    "AWS::EC2::InternetGateway": _internet_gateway,
    "AWS::EC2::LaunchTemplate": lambda c, i: c.client("ec2").delete_launch_template(LaunchTemplateId=i),
    "AWS::EC2::NatGateway": lambda c, i: c.client("ec2").delete_nat_gateway(NatGatewayId=i),
    "AWS::EC2::RouteTable": _route_table,
    "AWS::EC2::VPCEndpoint": lambda c, i: c.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[i]),
    "AWS::Logs::LogGroup": lambda c, i: c.client("logs").delete_log_group(logGroupName=i),
}


def install_deletions(endpoint: str) -> None:
    for type_name, delete in DELETIONS.items():
        model: Any = get_model_map()[type_name]
        if "delete_from_cloudformation_json" in vars(model):
            continue

        def delete_resource(cls, resource_name, cloudformation_json, account_id, region_name, _delete=delete):
            _delete(Context(endpoint, account_id, region_name), resource_name)

        model.delete_from_cloudformation_json = classmethod(delete_resource)
