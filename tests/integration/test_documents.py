"""The API's document, behind the stage's prefix of API Gateway itself."""

import json

import pytest

from housing_ops.checkout import CHECKOUT
from integration.running_stack import RunningStack

pytestmark = pytest.mark.integration


def test_the_document_is_served_by_the_deployed_api(stack: RunningStack) -> None:
    kept = json.loads((CHECKOUT / "docs/openapi.json").read_text())

    with stack.api() as api:
        document = api.get("/openapi.json").raise_for_status()

    assert document.json() == kept


def test_it_is_not_served_without_a_key(stack: RunningStack) -> None:
    with stack.api(key="") as api:
        assert api.get("/openapi.json").status_code == 403
