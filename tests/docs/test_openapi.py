"""``docs/openapi.json`` is what the code says, and is right in itself."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

import write_openapi
from housing.api_keys import Scope
from housing_ops.checkout import CHECKOUT

KEPT = CHECKOUT / "docs/openapi.json"
DOCUMENT: dict[str, Any] = json.loads(KEPT.read_text())
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """References lead into the document, so it comes along."""
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def examples() -> Iterator[Any]:
    for name, operation in OPERATIONS.items():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            for title, example in content.get("examples", {}).items():
                yield pytest.param(content["schema"], example["value"], id=f"{name}: {title}")


def test_the_kept_document_is_what_the_code_says() -> None:
    assert write_openapi.document() + "\n" == KEPT.read_text(), "run make openapi"


def test_it_is_valid_openapi() -> None:
    validate(DOCUMENT)


@pytest.mark.parametrize(("schema", "value"), list(examples()))
def test_an_example_is_what_its_schema_asks_for(schema: dict[str, Any], value: object) -> None:
    assert [error.message for error in validator(schema).iter_errors(value)] == []


def test_every_body_that_predicts_has_examples() -> None:
    bodies = [
        content
        for name in ("POST /predict", "POST /predict/batch", "POST /invocations")
        for content in OPERATIONS[name]["requestBody"]["content"].values()
    ]

    assert len(bodies) == 5
    assert all(body["examples"] for body in bodies)


def test_every_route_says_which_key_it_wants() -> None:
    wanted = {
        name: [scope for need in operation["security"] for scope in need["apiKey"]]
        for name, operation in OPERATIONS.items()
    }

    assert {name for name, scopes in wanted.items() if not scopes} == {"GET /health", "GET /ping"}
    assert {name for name, scopes in wanted.items() if Scope.ADMIN in scopes} == {
        "POST /models/rollback",
        "POST /models/promote",
        "POST /models/resume",
        "GET /alerts",
        "GET /data",
        "GET /jobs",
        "GET /jobs/{job}",
        "POST /data/exclude",
        "POST /data/include",
        "POST /uploads",
    }
    for name, operation in OPERATIONS.items():
        assert wanted[name] == [] or {"401", "403", "429"} <= operation["responses"].keys()
