"""One reader a CloudFormation type: the deployed resource, in the template's own property names."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Callable

Json = Any


@dataclass
class Actual:
    """What the APIs say of one resource. `ignored` are properties that moto's API does not return."""

    properties: dict[str, Json]
    ignored: frozenset[str] = field(default_factory=frozenset)


Reader = Callable[[Any, str, dict[str, Json]], Actual]


def document(policy: Json) -> Json:
    """A policy as data; moto answers some of them as text and some already parsed."""
    return json.loads(policy) if isinstance(policy, str) else policy


def queue(stack: Any, logical_id: str, _expected: Json) -> Actual:
    sqs = stack.client("sqs")
    url = stack.physical[logical_id]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    tags = sqs.list_queue_tags(QueueUrl=url).get("Tags", {})
    return Actual(
        {
            **attributes,
            "DelaySeconds": attributes.get("DelaySeconds"),
            "QueueName": attributes["QueueArn"].rsplit(":", 1)[-1],
            "RedrivePolicy": json.loads(attributes.get("RedrivePolicy", "null")),
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        },
        # moto keeps no redrive allow policy.
        frozenset({"RedriveAllowPolicy"}),
    )


def queue_policy(stack: Any, _logical_id: str, expected: Json) -> Actual:
    policies = [
        json.loads(
            stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
        )
        for url in expected["Queues"]
    ]
    same = all(policy == policies[0] for policy in policies)
    return Actual({"Queues": expected["Queues"], "PolicyDocument": policies[0] if same else policies})


def bucket(stack: Any, logical_id: str, expected: Json) -> Actual:
    s3 = stack.client("s3")
    name = stack.physical[logical_id]
    actual: dict[str, Json] = {"BucketName": name}
    if "PublicAccessBlockConfiguration" in expected:
        actual["PublicAccessBlockConfiguration"] = s3.get_public_access_block(Bucket=name)[
            "PublicAccessBlockConfiguration"
        ]
    if "BucketEncryption" in expected:
        rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        actual["BucketEncryption"] = {
            "ServerSideEncryptionConfiguration": [
                {
                    "ServerSideEncryptionByDefault": rule["ApplyServerSideEncryptionByDefault"],
                    **({"BucketKeyEnabled": rule["BucketKeyEnabled"]} if "BucketKeyEnabled" in rule else {}),
                }
                for rule in rules
            ]
        }
    if "CorsConfiguration" in expected:
        actual["CorsConfiguration"] = {
            "CorsRules": [
                {key: rule[key] for key in rule if key in ("AllowedHeaders", "AllowedMethods", "AllowedOrigins")}
                | ({"ExposedHeaders": rule["ExposeHeaders"]} if "ExposeHeaders" in rule else {})
                | ({"MaxAge": rule["MaxAgeSeconds"]} if "MaxAgeSeconds" in rule else {})
                for rule in s3.get_bucket_cors(Bucket=name)["CORSRules"]
            ]
        }
    if "OwnershipControls" in expected:
        actual["OwnershipControls"] = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    if "LifecycleConfiguration" in expected:
        actual["LifecycleConfiguration"] = {
            "Rules": [lifecycle_rule(rule) for rule in s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]]
        }
    if "VersioningConfiguration" in expected:
        actual["VersioningConfiguration"] = {"Status": s3.get_bucket_versioning(Bucket=name).get("Status")}
    tags = [] if "Tags" not in expected else s3.get_bucket_tagging(Bucket=name)["TagSet"]
    actual["Tags"] = sorted(tags, key=lambda tag: tag["Key"])
    return Actual(actual, frozenset({"AccessControl", "LoggingConfiguration", "NotificationConfiguration", "Tags"}))


def lifecycle_rule(rule: Json) -> Json:
    prefix = rule.get("Filter", {}).get("Prefix", rule.get("Prefix"))
    return {
        "Status": rule["Status"],
        **({"Id": rule["ID"]} if "ID" in rule else {}),
        **({"Prefix": prefix} if prefix else {}),
        **({"ExpirationInDays": rule["Expiration"]["Days"]} if "Days" in rule.get("Expiration", {}) else {}),
        **(
            {"AbortIncompleteMultipartUpload": rule["AbortIncompleteMultipartUpload"]}
            if "AbortIncompleteMultipartUpload" in rule
            else {}
        ),
    }


def bucket_policy(stack: Any, _logical_id: str, expected: Json) -> Actual:
    text = stack.client("s3").get_bucket_policy(Bucket=expected["Bucket"])["Policy"]
    return Actual({"Bucket": expected["Bucket"], "PolicyDocument": json.loads(text)})


def bucket_notifications(stack: Any, _logical_id: str, expected: Json) -> Actual:
    configuration = stack.client("s3").get_bucket_notification_configuration(Bucket=expected["BucketName"])
    queues = [
        {
            "QueueArn": entry["QueueArn"],
            "Events": entry["Events"],
            **(
                {
                    "Filter": {
                        "Key": {
                            "FilterRules": [
                                {"Name": rule["Name"].lower(), "Value": rule["Value"]}
                                for rule in entry["Filter"]["Key"]["FilterRules"]
                            ]
                        }
                    }
                }
                if "Filter" in entry
                else {}
            ),
        }
        for entry in configuration.get("QueueConfigurations", [])
    ]
    return Actual(
        {**expected, "NotificationConfiguration": {"QueueConfigurations": queues} if queues else {}},
        frozenset({"ServiceToken"}),
    )


def key(stack: Any, logical_id: str, _expected: Json) -> Actual:
    kms = stack.client("kms")
    key_id = stack.physical[logical_id]
    return Actual(
        {
            "KeyPolicy": document(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]),
            "EnableKeyRotation": kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"],
            "Description": kms.describe_key(KeyId=key_id)["KeyMetadata"]["Description"],
        },
        frozenset({"Tags", "PendingWindowInDays"}),
    )


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
            "Tags": sorted(
                [
                    {"Key": t["Key"], "Value": t["Value"], "PropagateAtLaunch": t["PropagateAtLaunch"]}
                    for t in group["Tags"]
                    if not t["Key"].startswith("aws:")
                ],
                key=lambda tag: tag["Key"],
            ),
        },
        # moto keeps none of these; the constructs' own tests pin them.
        frozenset(
            {
                "NotificationConfigurations",
                "DefaultInstanceWarmup",
                "CapacityRebalance",
                "MaxInstanceLifetime",
                "HealthCheckType",
                "HealthCheckGracePeriod",
                "InstanceMaintenancePolicy",
            }
        ),
    )


def launch_template(stack: Any, logical_id: str, _expected: Json) -> Actual:
    version = stack.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=stack.physical[logical_id], Versions=["$Latest"]
    )["LaunchTemplateVersions"][0]
    return Actual({"LaunchTemplateData": version["LaunchTemplateData"]}, frozenset({"TagSpecifications"}))


def role(stack: Any, logical_id: str, _expected: Json) -> Actual:
    iam = stack.client("iam")
    name = stack.physical[logical_id]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return Actual(
        {
            "AssumeRolePolicyDocument": iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"],
            "ManagedPolicyArns": [policy["PolicyArn"] for policy in attached],
            "Description": iam.get_role(RoleName=name)["Role"].get("Description"),
            "Policies": [
                {
                    "PolicyName": policy,
                    "PolicyDocument": iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"],
                }
                for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
            ],
        },
        frozenset({"Tags"}),
    )


def policy(stack: Any, _logical_id: str, expected: Json) -> Actual:
    documents = [
        stack.client("iam").get_role_policy(RoleName=name, PolicyName=expected["PolicyName"])["PolicyDocument"]
        for name in expected.get("Roles", [])
    ]
    same = all(document == documents[0] for document in documents)
    return Actual({**expected, "PolicyDocument": documents[0] if same else documents})


def function(stack: Any, logical_id: str, _expected: Json) -> Actual:
    configuration = stack.client("lambda").get_function_configuration(FunctionName=stack.physical[logical_id])
    return Actual(
        {
            **configuration,
            "Layers": [layer["Arn"] for layer in configuration.get("Layers", [])],
            "Environment": {"Variables": configuration.get("Environment", {}).get("Variables", {})},
        },
        frozenset({"Code", "Tags", "LoggingConfig", "ReservedConcurrentExecutions"}),
    )


def permission(stack: Any, _logical_id: str, expected: Json) -> Actual:
    text = stack.client("lambda").get_policy(FunctionName=expected["FunctionName"])["Policy"]
    for statement in json.loads(text)["Statement"]:
        source = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", statement.get("SourceArn"))
        principal = statement["Principal"]
        found = {
            "Action": statement["Action"],
            "Principal": principal.get("Service") if isinstance(principal, dict) else principal,
            "SourceArn": source,
            "FunctionName": expected["FunctionName"],
        }
        if all(found.get(key) == value for key, value in expected.items()):
            return Actual(found)
    return Actual({})


def log_group(stack: Any, logical_id: str, _expected: Json) -> Actual:
    groups = stack.client("logs").describe_log_groups(logGroupNamePrefix=stack.physical[logical_id])["logGroups"]
    found = groups[0] if groups else {}
    return Actual({"LogGroupName": found.get("logGroupName"), "RetentionInDays": found.get("retentionInDays"), "KmsKeyId": found.get("kmsKeyId")}, frozenset({"Tags"}))


def api(stack: Any, logical_id: str, _expected: Json) -> Actual:
    return Actual(stack.client("apigatewayv2").get_api(ApiId=stack.physical[logical_id]), frozenset({"Tags"}))


def api_child(read: str, id_key: str) -> Reader:
    def reader(stack: Any, logical_id: str, expected: Json) -> Actual:
        found = getattr(stack.client("apigatewayv2"), read)(
            ApiId=expected["ApiId"], **{id_key: stack.physical[logical_id]}
        )
        return Actual({**found, "ApiId": expected["ApiId"]}, frozenset({"Tags", "AccessLogSettings"}))

    return reader


def topic(stack: Any, logical_id: str, _expected: Json) -> Actual:
    attributes = stack.client("sns").get_topic_attributes(TopicArn=stack.physical[logical_id])["Attributes"]
    return Actual(attributes, frozenset({"Tags", "TopicName"}))


def topic_policy(stack: Any, _logical_id: str, expected: Json) -> Actual:
    documents = [
        json.loads(stack.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
        for arn in expected["Topics"]
    ]
    return Actual({**expected, "PolicyDocument": documents[0]})


def subscription(stack: Any, logical_id: str, _expected: Json) -> Actual:
    found = stack.client("sns").get_subscription_attributes(SubscriptionArn=stack.physical[logical_id])["Attributes"]
    return Actual(found, frozenset({"Region"}))


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


READERS: dict[str, Reader] = {
    "AWS::ApiGatewayV2::Api": api,
    "AWS::ApiGatewayV2::Integration": api_child("get_integration", "IntegrationId"),
    "AWS::ApiGatewayV2::Route": api_child("get_route", "RouteId"),
    "AWS::ApiGatewayV2::Stage": api_child("get_stage", "StageName"),
    "AWS::AutoScaling::AutoScalingGroup": auto_scaling_group,
    "AWS::AutoScaling::LifecycleHook": lifecycle_hook,
    "AWS::AutoScaling::ScalingPolicy": scaling_policy,
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::EC2::LaunchTemplate": launch_template,
    "AWS::EC2::SecurityGroup": security_group,
    "AWS::EC2::SecurityGroupIngress": security_group_ingress,
    "AWS::IAM::Policy": policy,
    "AWS::IAM::Role": role,
    "AWS::KMS::Key": key,
    "AWS::Lambda::Function": function,
    "AWS::Lambda::Permission": permission,
    "AWS::Logs::LogGroup": log_group,
    "AWS::S3::Bucket": bucket,
    "AWS::S3::BucketPolicy": bucket_policy,
    "AWS::SNS::Subscription": subscription,
    "AWS::SNS::Topic": topic,
    "AWS::SNS::TopicPolicy": topic_policy,
    "AWS::SQS::Queue": queue,
    "AWS::SQS::QueuePolicy": queue_policy,
    "Custom::S3BucketNotifications": bucket_notifications,
}
