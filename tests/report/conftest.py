"""Checks of HTML pages, with a parser and in a browser."""

import re
import shutil
import subprocess
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from aesearch.index.retriever import Retriever

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
BROWSER_OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--enable-logging=stderr")


class PageParser(HTMLParser):
    """Checks that elements are closed in order, and collects the URLs that a page would load."""

    VOID_ELEMENTS = ("meta", "link", "img", "br", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open_elements: list[str] = []
        self.loaded_urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID_ELEMENTS:
            self.open_elements.append(tag)
        self.loaded_urls += [
            value for name, value in attrs if name in ("src", "href") and value and not value.startswith("data:")
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Ignore SVG elements, which load nothing."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open_elements.pop() == tag


@pytest.fixture(scope="session")
def check_page() -> Callable[[str], None]:
    """Return a function that checks that a page is well-formed and loads nothing."""

    def check(page: str) -> None:
        parser = PageParser()
        parser.feed(page)
        assert parser.open_elements == []
        assert parser.loaded_urls == []

    return check


@pytest.fixture
def run_in_browser(tmp_path: Path) -> Callable[[str, str], str]:
    """Return a function that runs a script in a page, and returns the variable `result` of the script as JSON."""
    if BROWSER is None:
        pytest.skip("no browser is installed")

    def run(page: str, script: str) -> str:
        path = tmp_path / "page.html"
        store = f"<script>let result; {script} document.body.dataset.result = JSON.stringify(result);</script>"
        path.write_text(page.replace("</body>", f"{store}</body>"), encoding="utf-8")
        command = [BROWSER, *BROWSER_OPTIONS, "--dump-dom", path.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert "CONSOLE" not in done.stderr, done.stderr
        match = re.search(r'data-result="(.*?)"', done.stdout)
        assert match
        return unescape(match[1])

    return run


@pytest.fixture(scope="session")
def hostile_text() -> str:
    """Return text that takes over a page in which it is not escaped."""
    return '</script><script>document.title="broken"</script><img src=x onerror="document.title=1">'


@pytest.fixture(scope="session")
def digit_pca_index(digit_folder: Path) -> Retriever:
    """Return an index of the test digits: PCA, 8 dimensions."""
    return Retriever.build(digit_folder / "test", coder="pca", code_size=8)
