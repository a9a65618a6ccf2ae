"""Reads a deployed stack back through the public APIs and compares it with its template.

Usage: python read_back.py ENDPOINT REGION STACK TEMPLATE
Prints one line a difference (`LogicalId.Property: template … but deployed …`), then a line with the count of compared
properties. Exit status 1 when anything differs, or when a resource of the template is missing.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from readers import READERS
from stack import UNKNOWN, Stack

Json = Any


def holds_unknown(value: Json) -> bool:
    if isinstance(value, dict):
        return any(map(holds_unknown, value.values()))
    if isinstance(value, list):
        return any(map(holds_unknown, value))
    return value is UNKNOWN or (isinstance(value, str) and UNKNOWN.text in value)


def plain(value: Json) -> Json:
    """One spelling for what APIs write differently: numbers, booleans, JSON in text, order of string lists."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(float(value))
    if isinstance(value, str):
        if value[:1] in "{[":
            try:
                return plain(json.loads(value))
            except ValueError:
                return value
        try:
            return repr(float(value))
        except ValueError:
            return value.lower() if value.lower() in ("true", "false") else value
    if isinstance(value, list):
        items = [plain(item) for item in value]
        if all(isinstance(item, str) for item in items):
            items.sort()
        return items[0] if len(items) == 1 and isinstance(items[0], str) else items
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def differences(path: str, expected: Json, actual: Json) -> list[str]:
    """Where `actual` does not hold what `expected` says; more than that may be there."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return [
            line for key, item in expected.items() for line in differences(f"{path}.{key}", item, actual.get(key))
        ]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [
            line
            for index, (left, right) in enumerate(zip(expected, actual))
            for line in differences(f"{path}[{index}]", left, right)
        ]
    if expected == actual:
        return []
    return [f"{path}: template {json.dumps(expected, default=str)} but deployed {json.dumps(actual, default=str)}"]


def by_key(tags: Json) -> Json:
    """The tags that a template can set, sorted."""
    return sorted((tag for tag in tags if not tag["Key"].startswith("aws:")), key=lambda tag: tag["Key"])


def leaves(value: Json) -> int:
    if isinstance(value, dict):
        return sum(map(leaves, value.values()))
    if isinstance(value, list):
        return sum(map(leaves, value)) or 1
    return 1


def main() -> int:
    endpoint, region, stack_name, template_file = sys.argv[1:5]
    with open(template_file) as file:
        template = json.load(file)
    stack = Stack(endpoint, region, stack_name, template)
    found: list[str] = []
    compared = 0
    unread: set[str] = set()
    for logical_id, resource in template["Resources"].items():
        kind = resource["Type"]
        if kind == "AWS::CDK::Metadata":
            continue
        if logical_id not in stack.physical:
            found.append(f"{logical_id} ({kind}): not deployed")
            continue
        reader = READERS.get(kind)
        if reader is None:
            unread.add(kind.removeprefix("AWS::"))
            continue
        expected = stack.resolve(resource.get("Properties", {}))
        actual = reader(stack, logical_id, expected)
        for key, value in expected.items():
            if key in actual.ignored or holds_unknown(value):
                unread.add(f"{kind.removeprefix('AWS::')}.{key}")
                continue
            deployed = actual.properties.get(key)
            if key == "Tags" and isinstance(deployed, list):
                # Nothing orders them.
                value, deployed = by_key(value), by_key(deployed)
            lines = differences(f"{logical_id}.{key}", plain(value), plain(deployed))
            compared += leaves(value)
            found += lines
    for line in found:
        print(line)
    print(f"{compared} values compared; moto does not keep {', '.join(sorted(unread)) or 'none'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
