"""CloudFormation types of SQS, S3, SNS, CloudWatch and Auto Scaling that moto's CloudFormation lacks.

The calls go through boto3 to the same server, so that moto's own request validation sees them and a test can read the
result back through the public API.
"""

from __future__ import annotations

import json

from api_type import ApiType, Context, Created, Properties, booleans, repeatable


def put_queue_policy(context: Context, name: str, properties: Properties) -> Created:
    for url in properties["Queues"]:
        context.client("sqs").set_queue_attributes(
            QueueUrl=url, Attributes={"Policy": json.dumps(properties["PolicyDocument"])}
        )
    return Created(name)


def delete_queue_policy(context: Context, _physical_id: str, properties: Properties) -> None:
    for url in properties["Queues"]:
        context.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


def put_bucket_policy(context: Context, _name: str, properties: Properties) -> Created:
    context.client("s3").put_bucket_policy(
        Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"])
    )
    return Created(properties["Bucket"])


def delete_bucket_policy(context: Context, _physical_id: str, properties: Properties) -> None:
    context.client("s3").delete_bucket_policy(Bucket=properties["Bucket"])


def put_topic_policy(context: Context, name: str, properties: Properties) -> Created:
    for arn in properties["Topics"]:
        context.client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(properties["PolicyDocument"])
        )
    return Created(name)


def put_subscription(context: Context, _name: str, properties: Properties) -> Created:
    attributes = {
        key: json.dumps(value) if isinstance(value, dict) else str(value).lower()
        for key, value in properties.items()
        if key in ("FilterPolicy", "RawMessageDelivery", "RedrivePolicy")
    }
    arn = context.client("sns").subscribe(
        TopicArn=properties["TopicArn"],
        Protocol=properties["Protocol"],
        Endpoint=properties["Endpoint"],
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return Created(arn)

def put_alarm(context: Context, name: str, properties: Properties) -> Created:
    name = properties.get("AlarmName", name)
    arguments = booleans({**properties, "AlarmName": name})
    if "Threshold" in arguments:
        arguments["Threshold"] = float(arguments["Threshold"])
    context.client("cloudwatch").put_metric_alarm(**arguments)
    return Created(name, {"Arn": f"arn:aws:cloudwatch:{context.region}:{context.account_id}:alarm:{name}"})


def delete_alarm(context: Context, physical_id: str, _properties: Properties) -> None:
    context.client("cloudwatch").delete_alarms(AlarmNames=[physical_id])


def put_scaling_policy(context: Context, name: str, properties: Properties) -> Created:
    # The physical id, which an update is given, is the policy's ARN.
    name = name.rsplit("policyName/", 1)[-1]
    arguments = booleans({**properties, "PolicyName": name})
    for key in ("Cooldown", "MinAdjustmentMagnitude", "EstimatedInstanceWarmup", "ScalingAdjustment"):
        if key in arguments:
            arguments[key] = int(arguments[key])
    groups = context.client("autoscaling")
    groups.put_scaling_policy(**arguments)
    # moto's answer to the put holds no ARN.
    found = groups.describe_policies(AutoScalingGroupName=properties["AutoScalingGroupName"], PolicyNames=[name])
    arn = found["ScalingPolicies"][0]["PolicyARN"]
    return Created(arn, {"Arn": arn, "PolicyName": name})


def delete_scaling_policy(context: Context, physical_id: str, properties: Properties) -> None:
    context.client("autoscaling").delete_policy(
        AutoScalingGroupName=properties["AutoScalingGroupName"], PolicyName=physical_id.rsplit("/", 1)[-1]
    )


def put_lifecycle_hook(context: Context, name: str, properties: Properties) -> Created:
    name = properties.get("LifecycleHookName", name)
    context.client("autoscaling").put_lifecycle_hook(**{**properties, "LifecycleHookName": name})
    return Created(name)


def delete_lifecycle_hook(context: Context, physical_id: str, properties: Properties) -> None:
    context.client("autoscaling").delete_lifecycle_hook(
        AutoScalingGroupName=properties["AutoScalingGroupName"], LifecycleHookName=physical_id
    )


def put_warm_pool(context: Context, _name: str, properties: Properties) -> Created:
    context.client("autoscaling").put_warm_pool(**booleans(properties))
    return Created(properties["AutoScalingGroupName"])


def delete_warm_pool(context: Context, physical_id: str, _properties: Properties) -> None:
    context.client("autoscaling").delete_warm_pool(AutoScalingGroupName=physical_id, ForceDelete=True)

def nothing(_context: Context, _physical_id: str, _properties: Properties) -> None:
    """The resource goes with its parent."""


API_TYPES = [
    repeatable("AWS::SQS::QueuePolicy", put_queue_policy, delete_queue_policy),
    repeatable("AWS::S3::BucketPolicy", put_bucket_policy, delete_bucket_policy),
    repeatable("AWS::SNS::TopicPolicy", put_topic_policy, nothing),
    ApiType(
        "AWS::SNS::Subscription",
        put_subscription,
        lambda context, physical_id, _: context.client("sns").unsubscribe(SubscriptionArn=physical_id),
    ),
    repeatable("AWS::CloudWatch::Alarm", put_alarm, delete_alarm),
    repeatable("AWS::AutoScaling::ScalingPolicy", put_scaling_policy, delete_scaling_policy),
    repeatable("AWS::AutoScaling::LifecycleHook", put_lifecycle_hook, delete_lifecycle_hook),
    repeatable("AWS::AutoScaling::WarmPool", put_warm_pool, delete_warm_pool),
]
