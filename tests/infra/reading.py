"""Find things in a template in its long form."""

from collections.abc import Iterator
from typing import Any

from housing_ops.checkout import CHECKOUT

TEMPLATE = CHECKOUT / "infra/template.yaml"
ADMINS = (
    *("/models", "/models/{proxy+}", "/data", "/data/{proxy+}", "/jobs", "/jobs/{proxy+}"),
    *("/uploads", "/alerts"),
)
"""Paths of the API that are the admin function's, with every method."""


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the resources of one type, by name."""
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def strings(value: Any) -> list[str]:
    """Return every string in a value, however deep."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping in a value, however deep, itself included."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from mappings(item)


def references(value: Any) -> set[str]:
    """Return the names that a value refers to by Ref, GetAtt and Sub."""
    names = set()
    for part in mappings(value):
        if "Ref" in part:
            names.add(part["Ref"])
        if "Fn::GetAtt" in part:
            names.add(part["Fn::GetAtt"][0])
        if "Fn::Sub" in part:
            names |= _named_in(part["Fn::Sub"])
    return names


def _named_in(text: Any) -> set[str]:
    template = text if isinstance(text, str) else text[0]
    pieces = template.replace("${!", "").split("${")[1:]
    return {piece.partition("}")[0].partition(".")[0] for piece in pieces}
