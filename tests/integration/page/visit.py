"""A tab of Chromium that shows the page, and what it asked of whom."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

WAIT_MS = 60_000
"""Longest wait for an answer: the first request of all starts the framework in the function."""
_KEY = "API key"
_REFUSED = "Failed to load resource"
"""Chromium's own line on an answer of 400 and more, which the page shows."""

expect.set_options(timeout=WAIT_MS)


@dataclass
class Visit:
    """The tab."""

    page: Page
    url: str
    requests: list[Request] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def opened(self, key: str, view: str = "") -> Page:
        """Open the page, enter a key, and wait for the view."""
        self.page.goto(f"{self.url}/{view}")
        self.enter(key)
        expect(
            self.page.get_by_role("navigation", name="Views").get_by_role("link").first
        ).to_be_visible()
        return self.page

    def enter(self, key: str) -> None:
        """Enter a key."""
        self.page.get_by_label("Key", exact=True).fill(key)
        self.page.get_by_role("button", name="Open").click()

    def wire_bytes(self) -> int:
        """Return the size of all answers so far as they were sent, headers included."""
        sizes = [request.sizes() for request in self.requests]
        return sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)

    def violations(self) -> list[str]:
        """Return what axe's rules find on the page as it is."""
        report: dict[str, Any] = Axe().run(self.page).response
        return [
            f"{rule['id']}: {node['html']}"
            for rule in report["violations"]
            for node in rule["nodes"]
        ]


@contextmanager
def visited(
    browser: Browser, url: str, uploads_to: str | None = None, /, **settings: Any
) -> Iterator[Visit]:
    """Open a tab of its own, and fail on what its console says in the end.

    Args:
        browser: Chromium.
        url: Where the service is, without a slash at the end.
        uploads_to: Another origin that may be asked: the bucket's.
        settings: Of Playwright's context, such as viewport and colour scheme.
    """
    context = browser.new_context(**settings)
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    visit = Visit(page, url)

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_REFUSED):
            visit.errors.append(message.text)

    page.on("console", said)
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.on("request", lambda request: visit.requests.append(request))  # noqa: PLW0108 - no builtin
    try:
        yield visit
        assert visit.errors == []
        own = (url, "data:", *([uploads_to] if uploads_to else []))
        assert [r.url for r in visit.requests if not r.url.startswith(own)] == []
    finally:
        page.unroute_all(behavior="ignoreErrors")  # an answer may be on its way
        context.close()
