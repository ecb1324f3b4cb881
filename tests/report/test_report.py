"""Pages stand alone, hold hostile names harmless, and work in a browser; pictures show what they say."""

import json
import re
import shutil
import subprocess
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from aesearch.analysis.comparison import compare, held_out
from aesearch.analysis.maps import project
from aesearch.errors import WrongKind
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files
from aesearch.report.pages import embedded, page, scatter, table
from aesearch.report.report import comparison_page, contact_sheet, map_page, map_picture

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = '</script><script>document.title="broken"</script><img src=x onerror="document.title=1">'


class Wellformed(HTMLParser):
    """Counts what is opened and not closed; lists what is fetched from elsewhere."""

    EMPTY = ("meta", "link", "img", "br", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.EMPTY:
            self.open.append(tag)
        self.fetched += [
            value for name, value in attrs if name in ("src", "href") and value and not value.startswith("data:")
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass  # of SVG, which fetches nothing

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check(text: str) -> None:
    parser = Wellformed()
    parser.feed(text)
    assert parser.open == []
    assert parser.fetched == []


def opened(text: str, path: Path, probe: str = "") -> str:
    """The page as a browser has it after its scripts ran, `probe` the last of them."""
    assert BROWSER
    path.write_text(text.replace("</body>", f"<script>{probe}</script></body>"), encoding="utf-8")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--enable-logging=stderr")
    done = subprocess.run([BROWSER, *options, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=60)
    assert "CONSOLE" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def index(digit_folder: Path) -> Retriever:
    return Retriever.build(digit_folder / "test", coder="pca", code_size=8)


def test_a_comparison_is_one_page_with_everything_in_it(digit_folder: Path) -> None:
    items, queries = read_files(digit_folder / "train"), read_files(digit_folder / "test")
    entries = compare(items, queries, coders=["dense", "pca"], code_sizes=(8,), epochs=2)
    text = comparison_page(entries, items, queries, "Digits & more")
    check(text)
    assert "<title>Digits &amp; more</title>" in text
    for part in ("precision at k", "precision over recall", "training: loss", "Given back", "dense 8", "pca 8"):
        assert part in text
    assert text.count('class="map"') == 2
    settings = json.loads(re.search(r"<pre>(.*)</pre>", text, re.DOTALL)[1].replace("&quot;", '"'))  # type: ignore[index]
    assert {each["coder"] for each in settings} == {"dense", "pca"}


def test_items_in_memory_are_shown_as_well(documents: list[Item]) -> None:
    items, queries = held_out(documents[:100])
    text = comparison_page(compare(items, queries, coders=["lsa"], code_sizes=(8,)), items, queries, "in memory")
    check(text)
    assert sum(escape(item.id) in text for item in documents[:100]) > 50  # the map's, at least
    assert text.count("<mark>") > 3


def test_of_documents_the_shared_words_are_marked(documentation_folder: Path) -> None:
    items, queries = read_files(documentation_folder / "train"), read_files(documentation_folder / "test")
    text = comparison_page(compare(items, queries, coders=["lsa"]), items, queries, "words")
    check(text)
    assert text.count("<mark>") > 10


def test_hostile_names_stay_names() -> None:
    places = np.array([[0, 0], [1, 1.0]])
    text = page(
        HOSTILE,
        table(["a"], [[HOSTILE]]),
        scatter(HOSTILE, places, [HOSTILE] * 2, [HOSTILE] * 2, [HOSTILE] * 2, [None] * 2),
    )
    check(text)
    assert HOSTILE not in text
    assert json.loads(embedded([HOSTILE])) == [HOSTILE]


@pytest.mark.skipif(BROWSER is None, reason="no browser is installed")
def test_a_map_draws_and_answers_in_a_browser(index: Retriever, tmp_path: Path) -> None:
    text = map_page(index, project(index), HOSTILE)
    check(text)
    probe = """
        const canvas = document.querySelector("canvas"), box = canvas.getBoundingClientRect();
        const inked = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value);
        for (let x = 0; x < box.width; x += 9) for (let y = 0; y < box.height; y += 9)
          canvas.dispatchEvent(new PointerEvent("pointermove", {clientX: box.left + x, clientY: box.top + y}));
        const search = document.querySelector("input");
        search.value = "3/"; search.dispatchEvent(new Event("input"));
        document.body.dataset.seen = JSON.stringify([inked, document.querySelector(".note b").textContent,
          document.querySelector(".note img") !== null, document.querySelector(".count").textContent, document.title]);
    """
    found = re.search(r'data-seen="(.*?)"', opened(text, tmp_path / "map.html", probe))
    assert found
    inked, told, pictured, count, title = json.loads(unescape(found[1]))
    assert inked
    assert told in {row.id for row in index.ledger.all_rows()}
    assert pictured
    assert count == f"{sum(row.id.startswith('3/') for row in index.ledger.all_rows())} of {len(index)}"
    assert title == HOSTILE


def test_a_map_s_picture_has_a_dot_for_every_place(index: Retriever) -> None:
    drawn = np.asarray(map_picture(project(index)))
    assert 0.002 < (drawn != 255).any(2).mean() < 0.5


def test_a_contact_sheet_has_a_row_for_each_group(digit_folder: Path, tmp_path: Path) -> None:
    paths = [str(path) for path in sorted((digit_folder / "test" / "1").iterdir())[:5]]
    sheet = np.asarray(contact_sheet([paths[:2], [*paths[2:], str(tmp_path / "gone.png")]]))
    filled = [[(cell < 128).any() for cell in np.array_split(row, 4, axis=1)] for row in np.array_split(sheet, 2)]
    assert filled == [[True, True, False, False], [True, True, True, False]]
    with pytest.raises(WrongKind):
        contact_sheet([])
