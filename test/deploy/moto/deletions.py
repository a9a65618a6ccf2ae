"""Deletes what moto's CloudFormation creates but leaves behind when a stack goes."""

from __future__ import annotations

from typing import Any, Callable

from api_type import Context
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.parsing import ResourceMap, get_model_map

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


def _managed_policy(context: Context, arn: str) -> None:
    iam = context.client("iam")
    for role in iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]:
        iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)


def _layer(context: Context, arn: str) -> None:
    _, name, version = arn.rsplit(":", 2)
    context.client("lambda").delete_layer_version(LayerName=name, VersionNumber=int(version))


DELETIONS: dict[str, Delete] = {
    "AWS::EC2::EIP": _address,
    "AWS::EC2::FlowLog": lambda c, i: c.client("ec2").delete_flow_logs(FlowLogIds=[i]),
    "AWS::EC2::InternetGateway": _internet_gateway,
    "AWS::EC2::LaunchTemplate": lambda c, i: c.client("ec2").delete_launch_template(LaunchTemplateId=i),
    "AWS::EC2::NatGateway": lambda c, i: c.client("ec2").delete_nat_gateway(NatGatewayId=i),
    "AWS::EC2::RouteTable": _route_table,
    "AWS::EC2::VPCEndpoint": lambda c, i: c.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[i]),
    "AWS::IAM::ManagedPolicy": _managed_policy,
    "AWS::Lambda::LayerVersion": _layer,
    "AWS::Logs::LogGroup": lambda c, i: c.client("logs").delete_log_group(logGroupName=i),
}


def _delete_in_reverse() -> None:
    """moto deletes in any order. Here what was created last goes first, and what cannot go is named."""

    def delete(resources: Any) -> None:
        for logical_id in reversed(list(resources._parsed_resources)):
            template = resources._resource_json_map.get(logical_id)
            resource = resources._parsed_resources[logical_id]
            if template is None or resource is None or template.get("DeletionPolicy") == "Retain":
                continue
            try:
                resources._delete_resource(resource, template)
            except Exception as error:
                reason = getattr(error, "description", error)
                raise ValidationError(message=f"{logical_id} ({template['Type']}) cannot be deleted: {reason}")
            del resources._parsed_resources[logical_id]

    ResourceMap.delete = delete


def install_deletions(endpoint: str) -> None:
    _delete_in_reverse()
    for type_name, delete in DELETIONS.items():
        model: Any = get_model_map()[type_name]
        if "delete_from_cloudformation_json" in vars(model):
            continue

        def delete_resource(cls, resource_name, cloudformation_json, account_id, region_name, _delete=delete):
            _delete(Context(endpoint, account_id, region_name), resource_name)

        model.delete_from_cloudformation_json = classmethod(delete_resource)
