"""A real browser without a window, for the tests of pages: Debian's Chromium with its driver."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromedriver")


@contextmanager
def browser() -> Iterator[Any]:
    """A selenium driver; skips the test where selenium, Chromium or its driver is missing."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (extra 'test')")
    chromium, driver = map(shutil.which, PROGRAMS)
    if chromium is None or driver is None:
        pytest.skip(f"no browser: {' or '.join(PROGRAMS)} is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield started
    finally:
        started.quit()


def as_device(driver: Any, width: int, height: int, dark: bool = False) -> None:
    """Let the window look like one of that size, or one whose owner prefers the dark."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
