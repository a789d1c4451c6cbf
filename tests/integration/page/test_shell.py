"""The frame of the page in Chromium: the key, the views, who may use it, and what it costs."""

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from integration.page.visit import Visit, visited
from integration.running_stack import RunningStack

pytestmark = pytest.mark.integration
MOST_REQUESTS = 6
MOST_WIRE_BYTES = 150_000


def test_the_key_is_asked_for_once_and_kept_in_the_tab_alone(
    visit: Visit, stack: RunningStack
) -> None:
    page = visit.opened(stack.env["HOUSING_API_KEY"])
    page.reload()

    expect(page.get_by_role("heading", name="Try it")).to_be_visible()
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    other = page.context.new_page()
    other.goto(visit.url)
    expect(other.get_by_label("Key", exact=True)).to_be_focused()


def test_a_wrong_key_is_reported_and_asked_for_again(visit: Visit, stack: RunningStack) -> None:
    visit.page.goto(visit.url)
    visit.enter("wrong")

    expect(visit.page.get_by_role("alert")).to_have_text("The key is not valid, or not any more.")
    visit.enter(stack.env["HOUSING_API_KEY"])
    expect(visit.page.get_by_role("heading", name="Try it")).to_be_visible()


def test_a_key_that_was_revoked_is_asked_for_again(opened: Page) -> None:
    opened.evaluate("sessionStorage.setItem('api-key', 'revoked')")
    opened.get_by_role("button", name="Price").click()

    expect(opened.get_by_role("alert")).to_have_text("The key is not valid, or not any more.")
    expect(opened.get_by_label("Key", exact=True)).to_be_focused()
    assert opened.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_once_more(opened: Page, status: int) -> None:
    answers: list[Route] = []

    def busy(route: Route) -> None:
        answers.append(route)
        if len(answers) > 1:
            route.continue_()
        else:
            route.fulfill(status=status, headers={"Retry-After": "0"}, json={"detail": "busy"})

    opened.route("**/predict", busy)
    opened.get_by_role("button", name="Price").click()

    expect(opened.get_by_role("status")).to_contain_text("in 90 % of cases")
    assert len(answers) == 2


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "60"}, {"Retry-After": "0"}])
def test_a_service_that_stays_busy_is_reported(opened: Page, headers: dict[str, str]) -> None:
    opened.route(
        "**/predict",
        lambda route: route.fulfill(status=503, headers=headers, json={"detail": "no model"}),
    )
    opened.get_by_role("button", name="Price").click()

    expect(opened.get_by_role("alert")).to_have_text("no model")


def test_the_key_can_be_forgotten(opened: Page) -> None:
    opened.get_by_role("button", name="Forget the key").click()

    expect(opened.get_by_label("Key", exact=True)).to_be_focused()
    assert opened.evaluate("sessionStorage.length") == 0


def test_the_first_view_is_small(visit: Visit, stack: RunningStack) -> None:
    page = visit.opened(stack.env["HOUSING_API_KEY"])
    page.wait_for_load_state("networkidle")
    first = len(visit.requests)
    print(f"first view: {first} requests, {visit.wire_bytes():,} bytes")  # noqa: T201

    assert 3 <= first <= MOST_REQUESTS, [request.url for request in visit.requests]
    assert 5_000 < visit.wire_bytes() <= MOST_WIRE_BYTES
    page.reload()
    expect(page.get_by_role("button", name="Price")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert len(visit.requests) - first <= MOST_REQUESTS


def test_it_can_be_used_with_the_keyboard_alone(visit: Visit, stack: RunningStack) -> None:
    page = visit.page
    page.goto(visit.url)
    expect(page.get_by_label("Key", exact=True)).to_be_focused()
    page.keyboard.type(stack.env["HOUSING_API_KEY"])
    page.keyboard.press("Enter")
    first = page.get_by_label("MedInc")
    expect(first).to_be_visible()
    for _ in range(20):
        if first.evaluate("field => field === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("4.5")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("in 90 % of cases")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_it_passes_axe_and_fits_its_window(
    browser: Browser, stack: RunningStack, scheme: str, width: int
) -> None:
    window = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    with visited(browser, stack.env["HOUSING_API_URL"], **window) as visit:
        visit.page.goto(visit.url)
        expect(visit.page.get_by_label("Key", exact=True)).to_be_visible()
        asking = visit.violations()
        page = visit.opened(stack.env["HOUSING_API_KEY"])
        page.get_by_role("button", name="Price").click()
        expect(page.get_by_role("status")).to_contain_text("in 90 % of cases")

        assert asking == visit.violations() == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
