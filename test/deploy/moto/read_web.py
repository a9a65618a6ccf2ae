"""Reads functions, HTTP APIs, logs and distributions back."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from typing import Any

from reader import Actual, Json, Reader


def code(stack: Any, expected: Json, digest: str) -> Json:
    """What is expected, when the function's code is the asset's. Code in the template itself has no such digest."""
    if "S3Key" not in expected:
        return expected
    asset = stack.client("s3").get_object(Bucket=expected["S3Bucket"], Key=expected["S3Key"])["Body"].read()
    same = base64.b64encode(hashlib.sha256(asset).digest()).decode() == digest
    return expected if same else {"S3Key": "other code"}


def function(stack: Any, logical_id: str, expected: Json) -> Actual:
    configuration = stack.client("lambda").get_function_configuration(FunctionName=stack.physical[logical_id])
    return Actual(
        {
            **configuration,
            "Code": code(stack, expected["Code"], configuration["CodeSha256"]),
            "Layers": [layer["Arn"] for layer in configuration.get("Layers", [])],
            "Environment": {"Variables": configuration.get("Environment", {}).get("Variables", {})},
        },
        frozenset({"Tags", "LoggingConfig", "ReservedConcurrentExecutions"}),
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
    names = {"LogGroupName": "logGroupName", "RetentionInDays": "retentionInDays", "KmsKeyId": "kmsKeyId"}
    return Actual({key: found.get(name) for key, name in names.items()}, frozenset({"Tags"}))


def api(stack: Any, logical_id: str, _expected: Json) -> Actual:
    return Actual(stack.client("apigatewayv2").get_api(ApiId=stack.physical[logical_id]), frozenset({"Tags"}))


def api_child(read: str, id_key: str) -> Reader:
    def reader(stack: Any, logical_id: str, expected: Json) -> Actual:
        found = getattr(stack.client("apigatewayv2"), read)(
            ApiId=expected["ApiId"], **{id_key: stack.physical[logical_id]}
        )
        return Actual({**found, "ApiId": expected["ApiId"]}, frozenset({"Tags"}))

    return reader


def layer(stack: Any, logical_id: str, _expected: Json) -> Actual:
    _, name, version = stack.physical[logical_id].rsplit(":", 2)
    found = stack.client("lambda").get_layer_version(LayerName=name, VersionNumber=int(version))
    return Actual(found, frozenset({"Content"}))


def distribution(stack: Any, logical_id: str, expected: Json) -> Actual:
    config = stack.client("cloudfront").get_distribution_config(Id=stack.physical[logical_id])["DistributionConfig"]
    wanted = expected["DistributionConfig"]
    origins = [
        {**origin, "DomainName": found["DomainName"], "Id": found["Id"]}
        for origin, found in zip(wanted["Origins"], config["Origins"]["Items"])
    ]
    read = {**config, "Origins": origins}
    behavior = {key: value for key, value in config["DefaultCacheBehavior"].items() if value != ""}
    # Compared as far as moto keeps a distribution.
    return Actual(
        {
            "DistributionConfig": {
                **wanted,
                **{key: read[key] for key in ("Comment", "DefaultRootObject", "Enabled", "Origins") if key in wanted},
                "DefaultCacheBehavior": {**wanted["DefaultCacheBehavior"], **behavior},
            }
        }
    )


def origin_access_control(stack: Any, logical_id: str, _expected: Json) -> Actual:
    found = stack.client("cloudfront").get_origin_access_control(Id=stack.physical[logical_id])
    return Actual({"OriginAccessControlConfig": found["OriginAccessControl"]["OriginAccessControlConfig"]})


def bucket_deployment(stack: Any, _logical_id: str, expected: Json) -> Actual:
    """The files of the page: what the sources hold must be in the bucket. Shown as the sources' keys."""
    s3 = stack.client("s3")
    found = {item["Key"] for item in s3.list_objects_v2(Bucket=expected["DestinationBucketName"]).get("Contents", [])}
    complete = []
    for bucket, key in zip(expected["SourceBucketNames"], expected["SourceObjectKeys"]):
        archive = zipfile.ZipFile(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
        if {name for name in archive.namelist() if not name.endswith("/")} <= found:
            complete.append(key)
    return Actual(
        {"SourceObjectKeys": complete},
        frozenset(set(expected) - {"SourceObjectKeys"}),
    )
