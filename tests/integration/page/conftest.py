"""Chromium, and the page of the running stack in it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from chromium import EXECUTABLE, MISSING, chromium
from integration.page.visit import Visit, visited
from integration.running_stack import RunningStack


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if EXECUTABLE is None:
        pytest.skip(MISSING)
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Browser, stack: RunningStack) -> Iterator[Visit]:
    """A new tab; its address is the page's. Any error in its console fails the test."""
    with visited(browser, stack.env["HOUSING_API_URL"]) as visit:
        yield visit


@pytest.fixture
def opened(visit: Visit, stack: RunningStack) -> Page:
    """The page, opened with a key that predicts."""
    return visit.opened(stack.env["HOUSING_API_KEY"])


@pytest.fixture
def opened_by_admin(visit: Visit, stack: RunningStack) -> Page:
    """The page, opened with a key of the scope admin."""
    return visit.opened(stack.env["HOUSING_ADMIN_KEY"])
