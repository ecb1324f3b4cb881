from collections.abc import Callable
from pathlib import Path

from aesearch.index.retriever import Retriever
from aesearch.items import Hit, Item
from aesearch.report.hits_page import render_hits_page


def test_hits_page_shows_images(digit_pca_index: Retriever, digit_folder: Path, check_page: Callable[[str], None]) -> None:
    image = digit_pca_index.read_query(min((digit_folder / "train" / "3").iterdir()))
    query = Item(image.id, image.content, "3")
    hits = digit_pca_index.query(query, 5)
    page = render_hits_page(query, hits, "3 & others")
    check_page(page)
    assert "<h1>3 &amp; others</h1>" in page
    assert page.count("<img") == 6
    assert page.count('class="same-label"') == sum(hit.label == "3" for hit in hits) > 0
    assert all(f"{hit.rank}. {hit.id}" in page for hit in hits)


def test_words_of_query_are_marked(check_page: Callable[[str], None]) -> None:
    hits = [Hit(1, "a.txt", 0.1, excerpt="A file, (opened) twice."), Hit(2, "b.txt", 0.2, excerpt="Nothing")]
    page = render_hits_page(Item("query", "Opened files or a File"), hits, "files")
    check_page(page)
    assert "A <mark>file</mark>, (<mark>opened</mark>) twice." in page
    assert "<div>Nothing</div>" in page
