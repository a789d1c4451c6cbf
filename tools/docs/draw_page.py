"""Draw the page's pictures of the docs from a running stack: ``make page-pictures``.

It prints besides how much scripting the first view takes, next to MLflow's start page.
"""

import argparse
import io
import os
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

from chromium import chromium

_WAIT_MS = 60_000
_COLOURS = 64
_DESK = ViewportSize(width=1200, height=900)
_PHONE = ViewportSize(width=390, height=844)
_VIEWS = {"versions": "All versions", "jobs": "Newest jobs", "service": "Alarms"}
"""The administrator's views, and a heading that each has once it is loaded."""


def main() -> None:
    """Draw ``page.png`` and ``page-phone.png``, and both of each view of an administrator."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    folder = parser.parse_args().out
    api, key = os.environ["HOUSING_API_URL"], os.environ["HOUSING_API_KEY"]
    admin_key = os.environ["HOUSING_ADMIN_KEY"]
    with chromium() as browser:
        with browser.new_context(viewport=_DESK, color_scheme="light") as context:
            page = context.new_page()
            _ask(page, api, key)
            _write(page.screenshot(full_page=True), folder / "page.png")
        with browser.new_context(viewport=_PHONE, color_scheme="dark") as context:
            page = context.new_page()
            _ask(page, api, key)
            _write(page.screenshot(), folder / "page-phone.png")
        for name, window in (("", _DESK), ("-phone", _PHONE)):
            with browser.new_context(viewport=window, color_scheme="light") as context:
                page = context.new_page()
                _open(page, api, admin_key)
                for view, heading in _VIEWS.items():
                    page.goto(f"{api}/#{view}")
                    page.get_by_role("heading", name=heading).first.wait_for()
                    page.wait_for_load_state("networkidle")
                    _write(page.screenshot(), folder / f"page-{view}{name}.png")
        ours = _scripting(browser, f"{api}/", key)
        theirs = _scripting(browser, os.environ["MLFLOW_TRACKING_URI"], None)
    print(f"scripting of the first view: {ours:.3f} s; of MLflow's start page: {theirs:.3f} s")


def _open(page: Page, api: str, key: str) -> None:
    page.set_default_timeout(_WAIT_MS)
    page.goto(f"{api}/")
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Open").click()
    page.locator("form button[type=submit]").wait_for()


def _ask(page: Page, api: str, key: str) -> None:
    _open(page, api, key)
    page.locator("form button[type=submit]").click()
    page.locator("[data-answer]").wait_for()
    page.locator("[data-answer]").scroll_into_view_if_needed()


def _write(picture: bytes, path: Path) -> None:
    """Write a picture with few colours: a quarter of the bytes."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(_COLOURS).save(path, optimize=True)


def _scripting(browser: Browser, url: str, key: str | None) -> float:
    """Return the seconds of scripting of a first view, until the network is idle."""
    context = browser.new_context(viewport=_DESK)
    page = context.new_page()
    page.set_default_timeout(_WAIT_MS)
    if key:
        page.add_init_script(f"sessionStorage.setItem('api-key', {key!r})")
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    page.goto(url, wait_until="networkidle")
    metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    context.close()
    return float(metrics["ScriptDuration"])


if __name__ == "__main__":
    main()
