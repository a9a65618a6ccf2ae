"""CloudFormation types of HTTP APIs, Lambda URLs, schedules and CloudFront that moto's CloudFormation lacks."""

from __future__ import annotations

from typing import Any

from api_type import ApiType, Context, Created, Properties, booleans


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

WEB_TYPES = [
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
    ApiType("AWS::CloudFront::Distribution", create_distribution, delete_distribution),
    ApiType("AWS::CloudFront::OriginAccessControl", create_origin_access_control, delete_origin_access_control),
]
