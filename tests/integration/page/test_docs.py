"""The API's page in Chromium, without internet: Swagger UI, its key, and "Try it out"."""

import json

import pytest
from playwright.sync_api import Page, expect

from integration.page.visit import Visit, visited
from integration.running_stack import RunningStack

pytestmark = pytest.mark.integration


@pytest.fixture
def behind_the_stage(stack: RunningStack) -> str:
    """The address of the API's stage itself, which has a prefix before its paths."""
    [api] = [
        one
        for one in stack.client("apigateway").get_rest_apis()["items"]
        if one["name"] == f"{stack.name}-api"
    ]
    endpoint = stack.env["AWS_ENDPOINT_URL"]
    return f"{endpoint}/restapis/{api['id']}/local/_user_request_"


def tried(page: Page) -> int:
    """Send the example of ``POST /predict`` by "Try it out"; return the answer's status."""
    operation = page.locator("#operations-predictions-predict")
    execute = operation.get_by_role("button", name="Execute")
    if execute.count() == 0:
        operation.locator(".opblock-summary").click()
        operation.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/predict") as answered:
        execute.click()
    status = answered.value.status
    shown = operation.locator(".live-responses-table tbody .response-col_status").first
    expect(shown).to_contain_text(str(status))
    return status


def authorize(page: Page, key: str) -> None:
    """Enter another key in Swagger UI's own dialog."""
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".dialog-ux")
    dialog.locator("button", has_text="Logout").click()
    dialog.locator("input").fill(key)
    dialog.locator("button", has_text="Authorize").click()
    dialog.locator("button", has_text="Close").click()


def test_it_asks_for_the_key_and_sends_it(visit: Visit, stack: RunningStack) -> None:
    visit.page.goto(f"{visit.url}/docs")
    visit.enter("wrong")
    expect(visit.page.get_by_role("alert")).to_have_text("The key is not valid, or not any more.")
    assert visit.violations() == []
    visit.enter(stack.env["HOUSING_API_KEY"])
    expect(visit.page.get_by_role("heading", name="California housing prices")).to_be_visible()

    assert tried(visit.page) == 200
    authorize(visit.page, "revoked")
    assert tried(visit.page) in {401, 403}
    authorize(visit.page, stack.env["HOUSING_API_KEY"])
    assert tried(visit.page) == 200


def test_it_works_behind_the_prefix_of_a_stage(
    visit: Visit, stack: RunningStack, behind_the_stage: str
) -> None:
    browser = visit.page.context.browser
    assert browser
    with visited(browser, behind_the_stage) as other:
        other.page.goto(f"{other.url}/docs")
        other.enter(stack.env["HOUSING_API_KEY"])
        expect(other.page.get_by_role("heading", name="California housing prices")).to_be_visible()

        assert tried(other.page) == 200
        asked = [request.url for request in other.requests if request.method == "POST"]
        assert asked == [f"{behind_the_stage}/predict"]


def test_the_page_works_behind_the_prefix_of_a_stage(
    visit: Visit, stack: RunningStack, behind_the_stage: str
) -> None:
    browser = visit.page.context.browser
    assert browser
    with visited(browser, behind_the_stage) as other:
        page = other.opened(stack.env["HOUSING_API_KEY"])
        page.get_by_role("button", name="Price").click()

        expect(page.get_by_role("status")).to_contain_text("in 90 % of cases")


def test_the_key_of_the_page_need_not_be_entered_again(opened: Page) -> None:
    opened.goto(opened.url.partition("#")[0] + "docs")

    expect(opened.get_by_role("heading", name="California housing prices")).to_be_visible()
    assert json.loads(opened.evaluate("JSON.stringify(Object.keys(sessionStorage))")) == ["api-key"]
