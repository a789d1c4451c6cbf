"""Administering in Chromium, each action from its click to its result on the running stack."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from housing.registry.port import PRODUCTION
from housing.s3.layout import NEW_DATA
from integration.page.visit import Visit, visited
from integration.running_stack import JOB_SECONDS, RunningStack
from subjects.california.sample import generate

pytestmark = pytest.mark.integration
JOB_MS = 1_000 * JOB_SECONDS
MARKUP = "<img src=x onerror=\"document.title='run'\">"
HEADER = "MedInc,HouseAge,AveRooms,AveBedrms,Population,AveOccup,Latitude,Longitude,MedHouseVal\n"
DROP = """
([form, name, text]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], name, {type: "text/csv"}));
  form.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
}
"""


@pytest.fixture
def admin(browser: Browser, stack: RunningStack) -> Iterator[Visit]:
    """A tab of an administrator, in which files may go to the bucket."""
    origin = stack.env["AWS_ENDPOINT_URL"]
    with visited(browser, stack.env["HOUSING_API_URL"], origin) as visit:
        yield visit


def go_to(page: Page, view: str) -> None:
    page.get_by_role("navigation", name="Views").get_by_role("link", name=view).click()
    expect(page.get_by_role("heading", name=view, exact=True)).to_be_visible()


def requests_chart(page: Page, span: str) -> Locator:
    """Return the chart, or what stands there where an endpoint knows no percentiles or is slow."""
    unread = page.get_by_role("alert").filter(has_text="cannot be read from CloudWatch")
    return page.get_by_role("img", name=re.compile(f"^Requests by {span}")).or_(unread).first


def give_reason(page: Page, reason: str, action: str) -> None:
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name=action, exact=True).click()


def test_a_file_becomes_a_version_that_is_promoted_rolled_back_and_its_rows_left_out(
    admin: Visit, stack: RunningStack
) -> None:
    before = stack.registry.version_by_alias(PRODUCTION).version
    rows = generate(rows=1_500, seed=91).to_csv(index=False).encode()
    page = admin.opened(stack.env["HOUSING_ADMIN_KEY"], "#jobs")
    file = {"name": "from a page.csv", "mimeType": "text/csv", "buffer": rows}
    page.get_by_label("File", exact=True).set_input_files(file)  # type: ignore[arg-type]
    page.get_by_label("Source of the rows").fill("a test of the page")
    page.get_by_role("button", name="Upload").click()
    job = page.get_by_role("article")
    expect(job.get_by_text(re.compile("^(Succeeded|Held)"))).to_be_visible(timeout=JOB_MS)
    expect(
        job.get_by_role("listitem").filter(has_text=re.compile("fit . [0-9.]+ s"))
    ).to_be_visible()
    expect(job.get_by_text("1,500 read, 1,500 new, 0 bad")).to_be_visible()
    expect(job.get_by_role("region", name="Drift by column")).to_contain_text("Longitude")
    new = stack.registry.versions(limit=1)[0].version
    head = stack.s3.head_object(Bucket=stack.bucket, Key=f"{NEW_DATA}from a page.csv")
    assert head["Metadata"] == {"data-source": "a test of the page"}

    go_to(page, "Versions")
    page.get_by_role("button", name=f"Version {new}", exact=True).click()
    expect(page.get_by_role("heading", name="Model card")).to_be_visible()
    page.get_by_role("button", name=f"Promote version {new} …").click()
    give_reason(page, "it is right", "Promote")
    done = page.locator(".done")
    expect(done).to_have_text(re.compile(f"^Version {new} (is live now|was live)"))
    assert stack.registry.version_by_alias(PRODUCTION).version == new

    page.get_by_role("button", name="Roll back …").click()
    give_reason(page, f"odd {MARKUP}", "Roll back")
    expect(done).to_contain_text(f"Version {before} is live again")
    assert stack.registry.version_by_alias(PRODUCTION).version == before
    expect(page.get_by_text(f"odd {MARKUP}").first).to_be_visible()

    page.get_by_role("button", name="Resume …").click()
    give_reason(page, "the file is known", "Resume")
    expect(done).to_have_text("Jobs may promote again.")

    row = page.get_by_role("row").filter(has_text="from a page.csv")
    for action, told in (("Exclude", "are left out of every"), ("Include", "are part of every")):
        row.get_by_role("button", name=f"{action} …").click()
        give_reason(page, "a test", action)
        expect(done).to_contain_text(f"The rows of from a page.csv {told}")
    ledger = page.get_by_role("region", name="The ledger's newest entries")
    expect(ledger).to_contain_text(f"odd {MARKUP}")
    assert page.title() != "run"


def test_a_dropped_file_shows_the_errors_of_its_rows_as_text(
    admin: Visit, stack: RunningStack
) -> None:
    page = admin.opened(stack.env["HOUSING_ADMIN_KEY"], "#jobs")
    name = f"{MARKUP}.csv"
    body = (
        HEADER
        + f'3,20,5,1,1000,3,34,-118,"{MARKUP}"\n'.replace('"document', '""document').replace(
            "'run'\"", "'run'\"\""
        )
        * 9
    )
    form = page.locator("form.drop")
    expect(form).to_be_visible()

    page.evaluate(DROP, [form.element_handle(), name, body])

    errors = page.get_by_role("region", name="Errors by row: 9")
    expect(errors.get_by_role("row")).to_have_count(10, timeout=JOB_MS)
    expect(errors).to_contain_text(MARKUP)
    expect(page.get_by_role("article")).to_contain_text("File rejected")
    expect(page.get_by_role("region", name="Jobs, newest first")).to_contain_text(name)
    assert page.locator("main img").count() == 0
    assert page.title() != "run"


def test_a_key_that_predicts_is_told_what_it_may_not(visit: Visit, stack: RunningStack) -> None:
    page = visit.opened(stack.env["HOUSING_API_KEY"], "#versions")

    back = page.get_by_role("button", name="Roll back …")
    expect(back).to_be_disabled()
    expect(back).to_have_accessible_description(re.compile("scope admin"))
    expect(page.get_by_role("heading", name="Data", exact=True)).to_have_count(0)
    go_to(page, "Jobs")
    expect(page.get_by_text("Jobs and uploads want a key with the scope admin")).to_be_visible()
    go_to(page, "Service")
    expect(page.get_by_text("Alarms want a key with the scope admin")).to_be_visible()
    expect(requests_chart(page, "5 minutes")).to_be_visible()


def test_a_reason_can_be_thought_over(opened_by_admin: Page, stack: RunningStack) -> None:
    before = stack.registry.version_by_alias(PRODUCTION).version
    go_to(opened_by_admin, "Versions")
    opened_by_admin.get_by_role("button", name="Roll back …").click()
    opened_by_admin.get_by_role("dialog").get_by_role("button", name="Roll back").click()

    expect(
        opened_by_admin.get_by_role("dialog")
    ).to_be_visible()  # without a reason nothing is sent
    opened_by_admin.keyboard.press("Escape")

    expect(opened_by_admin.get_by_role("dialog")).to_have_count(0)
    assert stack.registry.version_by_alias(PRODUCTION).version == before


def test_a_change_that_is_refused_says_why(opened_by_admin: Page) -> None:
    refusal = {"status": 409, "detail": f"there is nothing to go back to {MARKUP}", "errors": []}
    go_to(opened_by_admin, "Versions")
    opened_by_admin.route(
        "**/models/rollback",
        lambda route: route.fulfill(
            status=409, content_type="application/problem+json", body=json.dumps(refusal)
        ),
    )

    opened_by_admin.get_by_role("button", name="Roll back …").click()
    give_reason(opened_by_admin, "odd", "Roll back")

    expect(opened_by_admin.get_by_role("alert")).to_have_text(str(refusal["detail"]))
    expect(opened_by_admin.get_by_role("heading", name="All versions")).to_be_visible()


def test_the_service_shows_requests_and_alarms(opened_by_admin: Page, stack: RunningStack) -> None:
    go_to(opened_by_admin, "Service")

    alarms = opened_by_admin.get_by_role("region", name=re.compile("^Alarms of this stack"))
    expect(alarms).to_contain_text(f"{stack.name}-stale-model")
    expect(opened_by_admin.get_by_text(re.compile("version \\d+ answers"))).to_be_visible()
    opened_by_admin.get_by_label("Show the last").select_option("7 days")
    expect(requests_chart(opened_by_admin, "hour")).to_be_visible()


@pytest.mark.parametrize("view", ["versions", "jobs", "service"])
def test_whatever_the_service_answers_is_text(
    opened_by_admin: Page, stack: RunningStack, view: str
) -> None:
    def with_markup(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: one if name == "version" else with_markup(one) for name, one in value.items()
            }
        if isinstance(value, list):
            return [with_markup(one) for one in value]
        return f"{value} {MARKUP}" if isinstance(value, str) else value

    def spoil(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=with_markup(answer.json()))

    address = stack.env["HOUSING_API_URL"]
    opened_by_admin.route(re.compile(rf"^{address}/(models|data|jobs|alerts|health)\b"), spoil)
    opened_by_admin.evaluate("view => { location.hash = view; }", view)

    expect(opened_by_admin.locator("main").get_by_text(MARKUP).first).to_be_visible()
    if view == "versions":
        opened_by_admin.get_by_role("button", name="Version 1").first.click()
        expect(opened_by_admin.get_by_role("heading", name="Model card")).to_be_visible()
    assert opened_by_admin.locator("main img").count() == 0
    assert opened_by_admin.title() != "run"


def test_a_hidden_tab_asks_nothing(admin: Visit, stack: RunningStack) -> None:
    page = admin.opened(stack.env["HOUSING_ADMIN_KEY"], "#jobs")
    asked: list[str] = []

    def running(route: Route) -> None:
        answer = route.fetch()
        job = answer.json()
        job["status"] |= {"state": "running", "finished_at": None}
        asked.append(route.request.url)
        route.fulfill(response=answer, json=job)

    page.route(re.compile(r"/jobs/[0-9a-f]{16}$"), running)
    page.get_by_role("region", name="Jobs, newest first").get_by_role("button").first.click()
    expect(page.get_by_role("article")).to_contain_text("running")
    page.clock.install()

    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    before = len(asked)
    page.clock.run_for(30_000)
    assert len(asked) == before

    page.evaluate("Object.defineProperty(document, 'hidden', {value: false})")
    with page.expect_request(re.compile(r"/jobs/[0-9a-f]{16}$")):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_the_views_pass_axe_and_fit_their_window(
    browser: Browser, stack: RunningStack, width: int, scheme: str
) -> None:
    window = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    with visited(browser, stack.env["HOUSING_API_URL"], **window) as visit:
        page = visit.opened(stack.env["HOUSING_ADMIN_KEY"], "#versions")
        for view, shown in (
            ("Versions", "Changes"),
            ("Jobs", "Newest jobs"),
            ("Service", "Alarms"),
        ):
            go_to(page, view)
            expect(page.get_by_role("heading", name=shown)).to_be_visible()
            if view == "Versions":
                page.get_by_role("button", name="Version 1", exact=True).click()
                expect(page.get_by_role("heading", name="Model card")).to_be_visible()

            assert visit.violations() == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
