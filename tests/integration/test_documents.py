"""The API's document and its page, behind the stage's prefix of API Gateway itself."""

import json

import pytest

from housing_ops.checkout import CHECKOUT
from integration.running_stack import RunningStack

pytestmark = pytest.mark.integration


def test_document_and_page_are_served_by_the_deployed_api(stack: RunningStack) -> None:
    kept = json.loads((CHECKOUT / "docs/openapi.json").read_text())

    with stack.api() as api:
        document = api.get("/openapi.json").raise_for_status()
        page = api.get("/docs").raise_for_status()

    assert document.json() == kept
    assert page.headers["content-type"].startswith("text/html")
    assert "url: 'openapi.json'" in page.text
    assert json.dumps(kept["info"]["title"])[1:-1] in page.text


def test_neither_is_served_without_a_key(stack: RunningStack) -> None:
    with stack.api(key="") as api:
        assert {api.get(path).status_code for path in ("/openapi.json", "/docs")} == {403}
