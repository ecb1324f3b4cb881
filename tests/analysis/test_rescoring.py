"""The score of an index is that of its coder: only the items are read again."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch.analysis.rescoring import score_queries
from aesearch.coders.validation import score_coder
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files
from aesearch.scoring import MIN_ITEMS, HeldOutItems


@pytest.mark.parametrize("kind", ["images", "documents"])
def test_score_of_index_equals_score_of_its_coder(kind: str, digit_folder: Path, documentation_folder: Path) -> None:
    folder, coder = (digit_folder, "pca-whitened") if kind == "images" else (documentation_folder, "lsa")
    items, queries = (list(read_files(folder / subset))[::4] for subset in ("train", "test"))
    files = read_files(folder / "train").subset([str(item.path) for item in items])
    index = Retriever.build(files, coder=coder, code_size=16)
    held_out = index.features.transform(queries)
    expected = score_coder(index.coder, index.features.transform(items), HeldOutItems(held_out)).summarize()
    score = score_queries(index, held_out)
    assert score is not None
    assert score.n_items == len(queries)
    assert score.value == pytest.approx(expected.value, abs=1e-3)  # ties between equal codes are broken by key
    assert score.agreement == pytest.approx(expected.agreement, abs=1e-3)


def test_score_needs_enough_items_and_their_neighbors(digit_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(digit_folder / "test" / "3", tmp_path / "images")
    index = Retriever.build(tmp_path / "images", coder="pca", code_size=8)
    queries = index.features.transform(list(read_files(digit_folder / "train" / "3"))[:MIN_ITEMS])
    assert score_queries(index, queries) is not None
    assert score_queries(index, queries[1:]) is None
    for path in (tmp_path / "images").rglob("*.png"):
        path.unlink()
    assert score_queries(index, queries) is None


def test_items_in_memory_are_scored_if_they_can_be_reloaded(vectors: np.ndarray) -> None:
    index = Retriever.build([Item(str(number), row) for number, row in enumerate(vectors[100:])], coder="pca", code_size=8)

    def reload(keys: Sequence[int]) -> Iterator[tuple[Sequence[int], Any]]:
        rows = index.ledger.rows_by_key(keys)
        yield list(rows), np.stack([vectors[100 + int(row.id)] for row in rows.values()])

    assert score_queries(index, vectors[:100]) is None
    score = score_queries(index, vectors[:100], reload=reload)
    expected = score_coder(index.coder, vectors[100:], HeldOutItems(vectors[:100])).summarize()
    assert score is not None
    assert score.value == pytest.approx(expected.value, abs=1e-6)


def test_indexed_items_are_not_their_own_neighbors(whitened_index: Retriever) -> None:
    keys, X = next(whitened_index.reload_features([row.key for row in whitened_index.ledger.all_rows()][:100]))
    with_own, without_own = (score_queries(whitened_index, X, own_keys) for own_keys in (None, np.array(keys)))
    assert with_own is not None
    assert without_own is not None
    assert with_own.similarity > without_own.similarity
