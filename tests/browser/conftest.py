"""A real browser for the tests: Debian's headless Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .console import complaints_of

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required", "--mute-audio",
]  # fmt: skip


def chromium() -> str | None:
    """Path of the browser; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium; the test is skipped where Playwright or Chromium is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the Python package playwright (extra dev)")
    program = chromium()
    if program is None:
        pytest.skip("no Chromium on the PATH; install it (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        chrome = driver.chromium.launch(executable_path=program, headless=True, args=FLAGS)
        yield chrome
        chrome.close()


@pytest.fixture
def page(browser):
    """A fresh page; what went wrong in it fails the test."""
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    errors = complaints_of(page)
    yield page
    page.close()
    assert errors == []


@pytest.fixture
def screenshots(tmp_path) -> Path:
    """Where pictures of the page go, to be looked at."""
    folder = tmp_path / "screenshots"
    folder.mkdir()
    return folder
