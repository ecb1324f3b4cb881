import json
import re
from collections.abc import Callable
from html import escape, unescape
from pathlib import Path

import numpy as np

from aesearch.analysis.comparison import compare, hold_out_queries
from aesearch.items import Item
from aesearch.readers.folder import read_files
from aesearch.report.comparison_page import render_comparison_page


def test_page_contains_all_sections(digit_folder: Path, check_page: Callable[[str], None]) -> None:
    items, queries = read_files(digit_folder / "train"), read_files(digit_folder / "test")
    entries = compare(items, queries, coders=["dense", "pca"], code_sizes=(8,), epochs=2)
    page = render_comparison_page(entries, items, queries, "Digits & more")
    check_page(page)
    assert "<title>Digits &amp; more</title>" in page
    for part in ("Precision at k", "Precision-recall curve", "Training loss", "Reconstructions", "dense 8", "pca 8"):
        assert part in page
    assert page.count('class="map"') == 2
    parameters = json.loads(unescape(re.search(r"<pre>(.*)</pre>", page, re.DOTALL)[1]))  # type: ignore[index]
    assert {entry["coder"] for entry in parameters} == {"dense", "pca"}


def test_items_in_memory_are_shown(documents: list[Item], check_page: Callable[[str], None]) -> None:
    items, queries = hold_out_queries(documents[:100])
    entries = compare(items, queries, coders=["lsa"], code_sizes=(8,))
    page = render_comparison_page(entries, items, queries, "in memory")
    check_page(page)
    assert sum(escape(item.id) in page for item in documents[:100]) > 50  # at least those on the map
    assert page.count("<mark>") > 3


def test_shared_terms_of_documents_are_marked(documentation_folder: Path, check_page: Callable[[str], None]) -> None:
    items, queries = read_files(documentation_folder / "train"), read_files(documentation_folder / "test")
    page = render_comparison_page(compare(items, queries, coders=["lsa"]), items, queries, "terms")
    check_page(page)
    assert page.count("<mark>") > 10


def test_unlabeled_entries_are_charted_by_score(digits: np.ndarray) -> None:
    items, queries = hold_out_queries([Item(str(number), image[0]) for number, image in enumerate(digits[:200])])
    entries = compare(items, queries, coders=["pca", "raw"], code_sizes=(8,))
    page = render_comparison_page(entries, items, queries, "unlabeled")
    assert "Label-free score vs. bytes per item" in page
    assert "Precision at k" not in page
