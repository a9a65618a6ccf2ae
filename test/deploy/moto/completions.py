"""Properties that moto's CloudFormation drops although its API has them: put through the API after the creation."""

from __future__ import annotations

import json
from typing import Any, Callable

from api_type import Context, Properties, booleans
from moto.cloudformation.parsing import get_model_map

Complete = Callable[[Context, str, Properties], None]


def bucket(context: Context, name: str, properties: Properties) -> None:
    s3 = context.client("s3")
    properties = booleans(properties)
    if "PublicAccessBlockConfiguration" in properties:
        s3.put_public_access_block(
            Bucket=name, PublicAccessBlockConfiguration=properties["PublicAccessBlockConfiguration"]
        )
    if "OwnershipControls" in properties:
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=properties["OwnershipControls"])
    if "BucketEncryption" in properties:
        rules = [
            {
                "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
                **({"BucketKeyEnabled": rule["BucketKeyEnabled"]} if "BucketKeyEnabled" in rule else {}),
            }
            for rule in properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        ]
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    if "CorsConfiguration" in properties:
        names = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds", "Id": "ID"}
        rules = [
            {names.get(key, key): int(value) if key == "MaxAge" else value for key, value in rule.items()}
            for rule in properties["CorsConfiguration"]["CorsRules"]
        ]
        s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})
    if "LifecycleConfiguration" in properties:
        rules = [lifecycle_rule(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})


def lifecycle_rule(rule: Properties) -> Properties:
    return {
        "Status": rule["Status"],
        "Filter": {"Prefix": rule.get("Prefix", "")},
        **({"ID": rule["Id"]} if "Id" in rule else {}),
        **({"Expiration": {"Days": int(rule["ExpirationInDays"])}} if "ExpirationInDays" in rule else {}),
        **(
            {"AbortIncompleteMultipartUpload": rule["AbortIncompleteMultipartUpload"]}
            if "AbortIncompleteMultipartUpload" in rule
            else {}
        ),
    }


#: The metrics that matter to scaling, for a collection that names none.
GROUP_METRICS = [
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupTerminatingInstances",
]


def security_group(context: Context, group_id: str, properties: Properties) -> None:
    rules = booleans(properties.get("SecurityGroupEgress", []))
    if not rules or any(str(rule["IpProtocol"]) == "-1" for rule in rules):
        return
    ec2 = context.client("ec2")
    group = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]
    ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=group["IpPermissionsEgress"])
    for rule in rules:
        ports = {key: int(rule[key]) for key in ("FromPort", "ToPort") if key in rule}
        target = {"IpRanges": [{"CidrIp": rule["CidrIp"]}]} if "CidrIp" in rule else {}
        ec2.authorize_security_group_egress(
            GroupId=group_id, IpPermissions=[{"IpProtocol": rule["IpProtocol"], **ports, **target}]
        )


def auto_scaling_group(context: Context, name: str, properties: Properties) -> None:
    groups = context.client("autoscaling")
    health = {key: properties[key] for key in ("HealthCheckType", "HealthCheckGracePeriod") if key in properties}
    if "HealthCheckGracePeriod" in health:
        health["HealthCheckGracePeriod"] = int(health["HealthCheckGracePeriod"])
    if health:
        groups.update_auto_scaling_group(AutoScalingGroupName=name, **health)
    for collection in properties.get("MetricsCollection", []):
        # Nothing named means all of them, but moto then enables none.
        groups.enable_metrics_collection(AutoScalingGroupName=name, **{"Metrics": GROUP_METRICS, **collection})
    for hook in properties.get("LifecycleHookSpecificationList", []):
        seconds = int(hook["HeartbeatTimeout"])
        groups.put_lifecycle_hook(AutoScalingGroupName=name, **{**hook, "HeartbeatTimeout": seconds})


def vpc(context: Context, vpc_id: str, properties: Properties) -> None:
    hostnames = booleans(properties.get("EnableDnsHostnames", False))
    context.client("ec2").modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": hostnames})


def vpc_endpoint(context: Context, endpoint_id: str, properties: Properties) -> None:
    if "PolicyDocument" in properties:
        # Kept as a dictionary, the policy is answered in Python's spelling.
        policy = json.dumps(properties["PolicyDocument"])
        context.client("ec2").modify_vpc_endpoint(VpcEndpointId=endpoint_id, PolicyDocument=policy)


def route_table(context: Context, table_id: str, properties: Properties) -> None:
    if properties.get("Tags"):
        context.client("ec2").create_tags(Resources=[table_id], Tags=properties["Tags"])


def route_table_association(context: Context, _physical_id: str, properties: Properties) -> None:
    table, subnet = properties["RouteTableId"], properties["SubnetId"]
    context.client("ec2").associate_route_table(RouteTableId=table, SubnetId=subnet)


def key(context: Context, key_id: str, properties: Properties) -> None:
    # Kept as a dictionary, the policy breaks DescribeKey.
    policy = json.dumps(properties["KeyPolicy"])
    context.client("kms").put_key_policy(KeyId=key_id, PolicyName="default", Policy=policy)


COMPLETIONS: dict[str, Complete] = {
    "AWS::EC2::SecurityGroup": security_group,
    "AWS::EC2::RouteTable": route_table,
    "AWS::EC2::SubnetRouteTableAssociation": route_table_association,
    "AWS::EC2::VPC": vpc,
    "AWS::EC2::VPCEndpoint": vpc_endpoint,
    "AWS::KMS::Key": key,
    "AWS::S3::Bucket": bucket,
    "AWS::AutoScaling::AutoScalingGroup": auto_scaling_group,
}


def install_completions(endpoint: str) -> None:
    for type_name, complete in COMPLETIONS.items():
        model: Any = get_model_map()[type_name]
        create = model.create_from_cloudformation_json

        def create_whole(cls, name, cloudformation_json, account_id, region_name, calls=(create, complete), **kwargs):
            resource = calls[0](name, cloudformation_json, account_id, region_name, **kwargs)
            context = Context(endpoint, account_id, region_name)
            calls[1](context, resource.physical_resource_id, cloudformation_json["Properties"])
            return resource

        model.create_from_cloudformation_json = classmethod(create_whole)
