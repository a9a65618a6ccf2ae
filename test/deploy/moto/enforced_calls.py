"""Makes calls with the credentials of roles while moto enforces their policies. Prints, for each row of the input, true
(allowed), false (denied) or null (not a call that moto decides).

Usage: python enforced_calls.py ENDPOINT REGION <{"strangers": [ARN], "rows": [{"role": ARN, "action", "arn"} | null]}
"""

from __future__ import annotations

import json
import sys
import urllib.request
from typing import Any, Callable

from botocore.exceptions import ClientError
from clients import client

Call = Callable[[Any, str], Any]


def bucket_and_key(arn: str) -> dict[str, str]:
    bucket, _, key = arn.rsplit(":", 1)[-1].partition("/")
    return {"Bucket": bucket, **({"Key": key} if key else {})}


def queue_url(arn: str) -> dict[str, str]:
    _, _, _, region, account, name = arn.split(":")
    return {"QueueUrl": f"https://sqs.{region}.amazonaws.com/{account}/{name}"}


def of_queue(operation: str, **arguments: Any) -> Call:
    return lambda sqs, arn: getattr(sqs, operation)(**queue_url(arn), **arguments)


def of_bucket(operation: str, **arguments: Any) -> Call:
    return lambda s3, arn: getattr(s3, operation)(**bucket_and_key(arn), **arguments)


#: `sqs:GetQueueUrl` is missing: moto looks for the queue in a parameter that this call does not have.
CALLS: dict[str, Call] = {
    "sqs:AddPermission": of_queue(
        "add_permission", Label="label", AWSAccountIds=["111122223333"], Actions=["SendMessage"]
    ),
    "sqs:ChangeMessageVisibility": of_queue("change_message_visibility", ReceiptHandle="none", VisibilityTimeout=0),
    "sqs:DeleteMessage": of_queue("delete_message", ReceiptHandle="none"),
    "sqs:DeleteQueue": of_queue("delete_queue"),
    "sqs:GetQueueAttributes": of_queue("get_queue_attributes", AttributeNames=["All"]),
    "sqs:PurgeQueue": of_queue("purge_queue"),
    "sqs:ReceiveMessage": of_queue("receive_message", WaitTimeSeconds=0),
    "sqs:SendMessage": of_queue("send_message", MessageBody="{}"),
    "sqs:SetQueueAttributes": of_queue("set_queue_attributes", Attributes={"VisibilityTimeout": "1"}),
    "s3:AbortMultipartUpload": of_bucket("abort_multipart_upload", UploadId="none"),
    "s3:DeleteBucket": of_bucket("delete_bucket"),
    "s3:DeleteObject": of_bucket("delete_object"),
    "s3:GetObject": of_bucket("get_object"),
    "s3:ListBucket": of_bucket("list_objects_v2"),
    "s3:ListMultipartUploadParts": of_bucket("list_parts", UploadId="none"),
    "s3:PutBucketNotification": of_bucket("put_bucket_notification_configuration", NotificationConfiguration={}),
    "s3:PutBucketPolicy": of_bucket("put_bucket_policy", Policy="{}"),
    "s3:PutObject": of_bucket("put_object", Body=b"content"),
}


def is_allowed(call: Call, service: Any, arn: str) -> bool:
    try:
        call(service, arn)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("InvalidClientTokenId", "SignatureDoesNotMatch", "500"):
            raise
        # Anything else, for example a receipt handle that does not exist, comes after the decision.
        return code not in ("AccessDenied", "AccessDeniedException", "403")
    return True


def main() -> None:
    endpoint, region = sys.argv[1:3]
    request = json.load(sys.stdin)
    for arn in request["strangers"]:
        name = arn.rsplit(":", 1)[-1]
        if ":sqs:" in arn:
            client(endpoint, region, "sqs").create_queue(QueueName=name)
        else:
            client(endpoint, region, "s3").create_bucket(Bucket=name)
    rows = [row if row and row["action"] in CALLS else None for row in request["rows"]]
    sts = client(endpoint, region, "sts")
    credentials = {
        role: sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
        for role in {row["role"] for row in rows if row}
    }

    def enforce(free_requests: str) -> None:
        text = {"content-type": "text/plain"}
        url = f"{endpoint}/moto-api/reset-auth"
        urllib.request.urlopen(urllib.request.Request(url, data=free_requests.encode(), headers=text)).close()

    enforce("0")
    try:
        answers = [
            is_allowed(
                CALLS[row["action"]],
                client(endpoint, region, row["action"].split(":")[0], credentials[row["role"]]),
                row["arn"],
            )
            if row
            else None
            for row in rows
        ]
    finally:
        enforce("inf")
    print(json.dumps(answers))


main()
