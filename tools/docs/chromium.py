"""Debian's Chromium, driven by Playwright, for tests and pictures of the page."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser")
"""None where Chromium is not installed."""
MISSING = "Chromium is not installed (Debian: apt-get install chromium)"
_AS_ROOT = ["--no-sandbox"]  # Chromium's sandbox refuses to run as root


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium without a window; end it afterwards.

    Raises:
        FileNotFoundError: It is not installed.
    """
    if EXECUTABLE is None:
        raise FileNotFoundError(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=EXECUTABLE, args=_AS_ROOT if os.geteuid() == 0 else []
        )
        try:
            yield browser
        finally:
            browser.close()
