"""How a CloudFormation type that moto lacks maps to the API calls that moto has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from clients import client

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
        return client(self.endpoint, self.region, service)


@dataclass
class ApiType:
    """`create` and `update` are given the name or physical id. Without `update`, an update fails the deployment."""

    type: str
    create: Callable[[Context, str, Properties], Created]
    delete: Callable[[Context, str, Properties], None]
    update: Callable[[Context, str, Properties], Created] | None = None


def repeatable(
    type_name: str,
    put: Callable[[Context, str, Properties], Created],
    delete: Callable[[Context, str, Properties], None],
) -> ApiType:
    """A type whose creation, repeated under the same physical id, is its update."""
    return ApiType(type_name, put, delete, put)


def booleans(value: Any) -> Any:
    """CloudFormation templates may carry `"true"` where the API wants a boolean."""
    if isinstance(value, dict):
        return {key: booleans(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [booleans(entry) for entry in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
