"""What a reader gives: the deployed resource, in the template's own property names."""

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


#: Given the stack, the logical id, and what the template expects with its intrinsics resolved.
Reader = Callable[[Any, str, dict[str, Json]], Actual]


def document(policy: Json) -> Json:
    """A policy as data; moto answers some of them as text and some already parsed."""
    return json.loads(policy) if isinstance(policy, str) else policy
