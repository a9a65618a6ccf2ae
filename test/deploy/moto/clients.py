"""Clients of the test server, which runs over plain HTTP on this machine."""

from __future__ import annotations

from typing import Any

import boto3


def client(endpoint: str, region: str, service: str, credentials: dict[str, str] | None = None) -> Any:
    """A client with the credentials of a role, in STS's spelling, or with any at all."""
    keys = credentials or {"AccessKeyId": "test", "SecretAccessKey": "test"}
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys.get("SessionToken"),
    )
