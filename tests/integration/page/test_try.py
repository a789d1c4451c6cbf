"""Try it: from the form and the map to the answer, in Chromium."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from housing.schema import FEATURES
from integration.page.visit import Visit, visited
from integration.running_stack import RunningStack
from servers.subject_api import subject_api

pytestmark = pytest.mark.integration
EXAMPLE: dict[str, Any] = {column.name: column.example for column in FEATURES}
MARKUP = "<img src=x onerror=alert(1)><b>bold</b>"


def dollars(price: float) -> str:
    """Return a price as a browser's ``Intl.NumberFormat`` shows it, which rounds a half up."""
    return f"${Decimal(price).quantize(Decimal(1), ROUND_HALF_UP):,}"


def shown_number(page: Page) -> float:
    return float(page.locator("[data-answer]").get_attribute("data-answer") or "nan")


def test_the_form_is_answered_as_the_api_answers(opened: Page, stack: RunningStack) -> None:
    row = EXAMPLE | {"MedInc": 4.5}
    with stack.api() as api:
        answer = api.post("/predict", json=row).json()

    opened.get_by_label("MedInc").fill("4.5")
    opened.get_by_role("button", name="Price").click()

    status = opened.get_by_role("status")
    expect(status).to_contain_text(dollars(answer["price_usd"]))
    expect(status).to_contain_text(f"{dollars(answer['interval_90']['lower_usd'])} to ")
    expect(opened.get_by_role("img", name="in 90 % of cases")).to_be_visible()
    expect(opened.get_by_text(f"{answer['nearest_training_km']:g} km away")).to_be_visible()
    expect(opened.get_by_text(f"version {answer['model_version']}")).to_be_visible()
    assert shown_number(opened) == answer["price_usd"]


def test_a_click_on_the_map_sets_the_place_and_asks(opened: Page, stack: RunningStack) -> None:
    board = opened.get_by_role("application")
    box = board.bounding_box()
    assert box

    board.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    expect(opened.get_by_role("status")).to_contain_text("in 90 % of cases")

    place = {
        name: float(opened.get_by_label(name).input_value()) for name in ("Latitude", "Longitude")
    }
    with stack.api() as api:
        overview = api.get("/subject").json()["overview"]["map"]
        answer = api.post("/predict", json=EXAMPLE | place).json()
    lines, columns = len(overview["lines"]), len(overview["lines"][0])
    middle = {
        "Latitude": overview["south"] + overview["cell_height"] * lines / 2,
        "Longitude": overview["west"] + overview["cell_width"] * columns / 2,
    }
    assert place == pytest.approx(middle, abs=2 * overview["cell_width"])
    assert shown_number(opened) == answer["price_usd"]


def test_the_map_is_coloured_by_the_price(opened: Page) -> None:
    colours = opened.evaluate(
        """() => {
          const canvas = document.querySelector(".map canvas");
          const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(data.buffer)).size;
        }"""
    )

    assert 10 < colours <= 27  # letters, and nothing


def test_the_point_of_the_map_is_moved_by_keys(opened: Page) -> None:
    latitude = opened.get_by_label("Latitude")
    opened.get_by_role("application").focus()

    opened.keyboard.press("Enter")
    expect(latitude).not_to_have_value(str(EXAMPLE["Latitude"]))
    before = float(latitude.input_value())
    opened.keyboard.press("Shift+ArrowUp")
    opened.keyboard.press("Enter")
    expect(latitude).not_to_have_value(str(before))

    assert float(latitude.input_value()) > before


def test_a_warning_of_the_answer_is_shown(opened: Page) -> None:
    opened.get_by_label("Latitude").fill("45")
    opened.get_by_role("button", name="Price").click()

    expect(opened.get_by_text("Latitude 45 is outside California")).to_be_visible()
    expect(opened.get_by_text("the nearest training row is")).to_be_visible()


def test_what_the_service_refuses_is_shown_at_its_field(opened: Page) -> None:
    income = opened.get_by_label("MedInc")
    income.evaluate("field => field.removeAttribute('max')")
    income.fill("1000")
    opened.get_by_role("button", name="Price").click()

    expect(income).to_have_attribute("aria-invalid", "true")
    expect(income).to_be_focused()
    expect(opened.get_by_text("Input should be less than or equal to 100")).to_be_visible()


def test_a_service_that_is_away_is_reported_and_the_form_stays(opened: Page) -> None:
    opened.context.set_offline(offline=True)
    opened.get_by_role("button", name="Price").click()

    expect(opened.get_by_role("alert")).to_have_text("The service cannot be reached.")
    opened.context.set_offline(offline=False)
    opened.get_by_role("button", name="Price").click()
    expect(opened.get_by_role("status")).to_contain_text("in 90 % of cases")


def marked(value: Any) -> Any:
    """Return a document with markup in every text but kinds and the map's lines."""
    if isinstance(value, dict):
        kept = {"kind", "task", "lines"}
        return {key: item if key in kept else marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [marked(item) for item in value]
    return value + MARKUP if isinstance(value, str) else value


def test_markup_in_a_value_stays_text(visit: Visit, stack: RunningStack) -> None:
    def described(route: Route) -> None:
        route.fulfill(json=marked(route.fetch().json()))

    def answered(route: Route) -> None:
        ends = {f"{end}_usd{MARKUP}": 1 for end in ("lower", "upper")}
        names = {"model_name": MARKUP, "model_version": MARKUP, "stale": False}
        amounts = {f"price_usd{MARKUP}": 2, "interval_90": ends, "nearest_training_km": 1}
        route.fulfill(json={**amounts, **names, "warnings": [MARKUP]})

    visit.page.route("**/subject", described)
    visit.page.route("**/predict", answered)
    page = visit.opened(stack.env["HOUSING_API_KEY"])
    page.get_by_role("button", name="Price").click()

    expect(page.get_by_text(f"{MARKUP}, version {MARKUP}")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text(MARKUP)
    assert page.locator("main img, main b, header img, header b").count() == 0


@pytest.fixture(scope="module", params=["diamonds", "default"])
def other(request: pytest.FixtureRequest) -> Iterator[str]:
    """A service of another subject; its model answers .25."""
    with subject_api(request.param) as url:
        yield url


def test_another_subject_has_its_own_form_and_a_histogram_and_no_keys(
    browser: Browser, other: str
) -> None:
    with visited(browser, other) as visit:
        page = visit.page
        page.goto(f"{visit.url}/")
        page.get_by_role("button", name="Predict").click()

        expect(page.get_by_role("status")).to_contain_text(
            "25 %" if page.get_by_label("balance").count() else "in 90 % of cases"
        )
        expect(page.get_by_role("img", name="of 200 training rows")).to_be_visible()
        assert shown_number(page) == 0.25
        assert page.get_by_role("application").count() == 0
        assert page.get_by_role("button", name="Forget the key").count() == 0
        assert visit.violations() == []
