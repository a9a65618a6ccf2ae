"""CloudFormation types that moto's CloudFormation lacks although moto has their API.

Each entry says which API call creates, updates and deletes the resource. The calls go through boto3 to the same server,
so that moto's own request validation sees them and a test can read the result back through the public API.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Callable

import boto3

Properties = dict[str, Any]


@dataclass
class Created:
    """What CloudFormation needs to know of a resource: its physical id (`Ref`) and its attributes (`Fn::GetAtt`)."""

    physical_id: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Context:
    """The server to call, and where the stack lives."""

    endpoint: str
    account_id: str
    region: str

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@dataclass
class ApiType:
    """How one CloudFormation type maps to API calls. `update` defaults to `create`, which must then be repeatable."""

    type: str
    create: Callable[[Context, str, Properties], Created]
    delete: Callable[[Context, str, Properties], None]
    update: Callable[[Context, str, Properties], Created] | None = None


def booleans(value: Any) -> Any:
    """CloudFormation templates may carry `"true"` where the API wants a boolean, and numbers as text."""
    if isinstance(value, dict):
        return {key: booleans(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [booleans(entry) for entry in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


# --- SQS, S3, SNS policies -------------------------------------------------------------------------------------------


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


# --- CloudWatch and Auto Scaling ---------------------------------------------------------------------------------------


def put_alarm(context: Context, name: str, properties: Properties) -> Created:
    name = properties.get("AlarmName", name)
    arguments = booleans({**properties, "AlarmName": name})
    for key in ("Threshold",):
        if key in arguments:
            arguments[key] = float(arguments[key])
    context.client("cloudwatch").put_metric_alarm(**arguments)
    return Created(name, {"Arn": f"arn:aws:cloudwatch:{context.region}:{context.account_id}:alarm:{name}"})


def delete_alarm(context: Context, physical_id: str, _properties: Properties) -> None:
    context.client("cloudwatch").delete_alarms(AlarmNames=[physical_id])


def put_scaling_policy(context: Context, name: str, properties: Properties) -> Created:
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


# --- HTTP API ------------------------------------------------------------------------------------------------------------


def http_api(context: Context) -> Any:
    return context.client("apigatewayv2")


def create_api(context: Context, _name: str, properties: Properties) -> Created:
    api = http_api(context).create_api(**booleans(properties))
    return Created(api["ApiId"], {"ApiEndpoint": api["ApiEndpoint"], "ApiId": api["ApiId"]})


def update_api(context: Context, physical_id: str, properties: Properties) -> Created:
    keys = ("Name", "CorsConfiguration", "Description", "DisableExecuteApiEndpoint")
    api = http_api(context).update_api(
        ApiId=physical_id, **booleans({key: properties[key] for key in keys if key in properties})
    )
    return Created(physical_id, {"ApiEndpoint": api["ApiEndpoint"], "ApiId": physical_id})


def api_child(kind: str, id_key: str) -> ApiType:
    """Integration, Route and Authorizer share their shape: create_x, delete_x and an id of their own."""

    def create(context: Context, _name: str, properties: Properties) -> Created:
        child = getattr(http_api(context), f"create_{kind.lower()}")(**booleans(properties))
        return Created(child[id_key], {id_key: child[id_key]})

    def update(context: Context, physical_id: str, properties: Properties) -> Created:
        getattr(http_api(context), f"update_{kind.lower()}")(**{**booleans(properties), id_key: physical_id})
        return Created(physical_id, {id_key: physical_id})

    def delete(context: Context, physical_id: str, properties: Properties) -> None:
        getattr(http_api(context), f"delete_{kind.lower()}")(ApiId=properties["ApiId"], **{id_key: physical_id})

    return ApiType(f"AWS::ApiGatewayV2::{kind}", create, delete, update)


def put_stage(context: Context, _name: str, properties: Properties) -> Created:
    name = properties["StageName"]
    arguments = booleans(properties)
    route_settings = arguments.get("DefaultRouteSettings")
    if route_settings and "ThrottlingRateLimit" in route_settings:
        route_settings["ThrottlingRateLimit"] = float(route_settings["ThrottlingRateLimit"])
    http_api(context).create_stage(**arguments)
    return Created(name)


def delete_stage(context: Context, physical_id: str, properties: Properties) -> None:
    http_api(context).delete_stage(ApiId=properties["ApiId"], StageName=physical_id)


def update_stage(context: Context, physical_id: str, properties: Properties) -> Created:
    delete_stage(context, physical_id, properties)
    return put_stage(context, physical_id, properties)


# --- Lambda URL, schedules, CloudFront -----------------------------------------------------------------------------------


def put_function_url(context: Context, _name: str, properties: Properties) -> Created:
    function = properties["TargetFunctionArn"]
    url = context.client("lambda").create_function_url_config(
        FunctionName=function,
        AuthType=properties["AuthType"],
        **({"Cors": booleans(properties["Cors"])} if "Cors" in properties else {}),
    )
    return Created(function, {"FunctionUrl": url["FunctionUrl"], "FunctionArn": function})


def delete_function_url(context: Context, physical_id: str, _properties: Properties) -> None:
    context.client("lambda").delete_function_url_config(FunctionName=physical_id)


def put_schedule(context: Context, name: str, properties: Properties) -> Created:
    name = properties.get("Name", name[-64:])
    arn = context.client("scheduler").create_schedule(**{**booleans(properties), "Name": name})["ScheduleArn"]
    return Created(name, {"Arn": arn})


def delete_schedule(context: Context, physical_id: str, _properties: Properties) -> None:
    context.client("scheduler").delete_schedule(Name=physical_id)


def distribution_config(reference: str, config: Properties) -> Properties:
    """CloudFormation's spelling of a distribution in the API's."""
    config = booleans(config)
    behavior = dict(config["DefaultCacheBehavior"])
    for key in ("AllowedMethods", "CachedMethods"):
        behavior.pop(key, None)
    behavior.setdefault("TrustedSigners", {"Enabled": False, "Quantity": 0})
    return {
        "CallerReference": reference,
        "Comment": config.get("Comment", ""),
        "DefaultRootObject": config.get("DefaultRootObject", ""),
        "Enabled": config["Enabled"],
        "DefaultCacheBehavior": behavior,
        "Origins": {"Quantity": len(config["Origins"]), "Items": config["Origins"]},
        **({"HttpVersion": config["HttpVersion"]} if "HttpVersion" in config else {}),
    }


def create_distribution(context: Context, name: str, properties: Properties) -> Created:
    made = context.client("cloudfront").create_distribution(
        DistributionConfig=distribution_config(name, properties["DistributionConfig"])
    )["Distribution"]
    return Created(made["Id"], {"Id": made["Id"], "DomainName": made["DomainName"]})


def delete_distribution(context: Context, physical_id: str, _properties: Properties) -> None:
    cloudfront = context.client("cloudfront")
    tag = cloudfront.get_distribution(Id=physical_id)["ETag"]
    cloudfront.delete_distribution(Id=physical_id, IfMatch=tag)


def create_origin_access_control(context: Context, _name: str, properties: Properties) -> Created:
    config = {"Description": "", **properties["OriginAccessControlConfig"]}
    made = context.client("cloudfront").create_origin_access_control(OriginAccessControlConfig=config)
    identifier = made["OriginAccessControl"]["Id"]
    return Created(identifier, {"Id": identifier})


def delete_origin_access_control(context: Context, physical_id: str, _properties: Properties) -> None:
    context.client("cloudfront").delete_origin_access_control(Id=physical_id)


def keep(_context: Context, physical_id: str, _properties: Properties) -> Created:
    """For types whose update moto cannot do and no test changes."""
    return Created(physical_id, {"Id": physical_id})


def nothing(_context: Context, _physical_id: str, _properties: Properties) -> None:
    """The resource goes with its parent."""


API_TYPES = [
    ApiType("AWS::SQS::QueuePolicy", put_queue_policy, delete_queue_policy),
    ApiType("AWS::S3::BucketPolicy", put_bucket_policy, delete_bucket_policy),
    ApiType("AWS::SNS::TopicPolicy", put_topic_policy, nothing),
    ApiType(
        "AWS::SNS::Subscription",
        put_subscription,
        lambda context, physical_id, _: context.client("sns").unsubscribe(SubscriptionArn=physical_id),
    ),
    ApiType("AWS::CloudWatch::Alarm", put_alarm, delete_alarm),
    ApiType("AWS::AutoScaling::ScalingPolicy", put_scaling_policy, delete_scaling_policy),
    ApiType("AWS::AutoScaling::LifecycleHook", put_lifecycle_hook, delete_lifecycle_hook),
    ApiType("AWS::AutoScaling::WarmPool", put_warm_pool, delete_warm_pool),
    ApiType(
        "AWS::ApiGatewayV2::Api",
        create_api,
        lambda context, physical_id, _: http_api(context).delete_api(ApiId=physical_id),
        update_api,
    ),
    api_child("Integration", "IntegrationId"),
    api_child("Route", "RouteId"),
    api_child("Authorizer", "AuthorizerId"),
    ApiType("AWS::ApiGatewayV2::Stage", put_stage, delete_stage, update_stage),
    ApiType("AWS::Lambda::Url", put_function_url, delete_function_url),
    ApiType("AWS::Scheduler::Schedule", put_schedule, delete_schedule),
    ApiType("AWS::CloudFront::Distribution", create_distribution, delete_distribution, keep),
    ApiType("AWS::CloudFront::OriginAccessControl", create_origin_access_control, delete_origin_access_control, keep),
]
