"""Reads queues, topics, buckets and keys back."""

from __future__ import annotations

import json
from typing import Any

from reader import Actual, Json, document


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
            "RedriveAllowPolicy": json.loads(attributes.get("RedriveAllowPolicy", "null")),
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }
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
    actual["Tags"] = [] if "Tags" not in expected else s3.get_bucket_tagging(Bucket=name)["TagSet"]
    return Actual(actual, frozenset({"AccessControl", "LoggingConfiguration", "NotificationConfiguration"}))


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
