import shutil
from pathlib import Path

import numpy as np
import pytest

from aesearch.analysis.comparison import (
    COLUMNS,
    ComparisonEntry,
    bootstrap_interval,
    compare,
    format_rows,
    hold_out_queries,
)
from aesearch.analysis.evaluation import evaluate
from aesearch.errors import InvalidParameter, NoItems
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files


@pytest.fixture(scope="module")
def entries(digit_folder: Path) -> list[ComparisonEntry]:
    """Return a comparison of two coders at two code sizes."""
    items, queries = read_files(digit_folder / "train"), read_files(digit_folder / "test")
    return compare(items, queries, coders=["dense", "pca"], code_sizes=(8, 16), epochs=2)


def test_compare_returns_coders_at_all_code_sizes(entries: list[ComparisonEntry]) -> None:
    assert {entry.name for entry in entries} == {"dense 8", "dense 16", "pca 8", "pca 16"}


@pytest.mark.parametrize(
    "name", ["pca 8", pytest.param("pca 16", marks=pytest.mark.slow), pytest.param("dense 8", marks=pytest.mark.slow)]
)
def test_entry_equals_index_built_alone(name: str, entries: list[ComparisonEntry], digit_folder: Path) -> None:
    coder, size = name.split()
    params = {"epochs": 2} if coder == "dense" else {}
    alone = Retriever.build(digit_folder / "train", coder=coder, code_size=int(size), **params)
    expected = evaluate(alone, read_files(digit_folder / "test")).as_dict()
    [actual] = [entry.evaluation.as_dict() for entry in entries if entry.name == name]
    for scores in (expected, actual):
        del scores["queries_per_second"]  # depends on the machine
    assert actual == expected


def test_entries_are_ordered_by_mean_average_precision(entries: list[ComparisonEntry]) -> None:
    scores = [entry.evaluation.mean_average_precision or 0 for entry in entries]
    assert scores == sorted(scores, reverse=True)
    assert entries[0].is_best
    assert not entries[-1].is_best


def test_interval_contains_mean_average_precision(entries: list[ComparisonEntry]) -> None:
    for entry in entries:
        low, high = entry.map_interval or (1, 0)
        assert low < (entry.evaluation.mean_average_precision or 0) < high


def test_format_rows_fills_all_columns(entries: list[ComparisonEntry]) -> None:
    rows = format_rows(entries)
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert [row[-1] == "*" for row in rows] == [entry.is_best for entry in entries]


def test_unlabeled_entries_are_ordered_by_score(digit_folder: Path, tmp_path: Path) -> None:
    for number, path in enumerate(sorted((digit_folder / "test").rglob("*.png"))):
        shutil.copy(path, tmp_path / f"{number:04}.png")  # not in a folder per class, so without a label
    names: list[str] = []
    entries = compare(
        read_files(tmp_path), coders=["pca", "raw"], code_sizes=(16,), bits=True, on_build=lambda name: names.append(name)
    )
    assert names == ["pca 16 bits", "raw"]
    assert {entry.name for entry in entries} == set(names)
    assert [entry.evaluation.mean_average_precision for entry in entries] == [None, None]
    scores = [entry.evaluation.score.value if entry.evaluation.score else 0 for entry in entries]
    assert min(scores) > 0
    assert scores == sorted(scores, reverse=True)
    assert [entry.is_best for entry in entries] == [True, False]


def test_hold_out_queries_splits_files(digit_folder: Path) -> None:
    files = read_files(digit_folder / "test" / "0")
    database, queries = hold_out_queries(files)
    database_ids, query_ids = {item.id for item in database}, {item.id for item in queries}
    assert database_ids | query_ids == {item.id for item in files}
    assert not database_ids & query_ids
    assert len(query_ids) == -(-len(files) // 5)


def test_bootstrap_interval_approaches_normal_distribution() -> None:
    values = np.random.default_rng(1).standard_normal(2000) + 5
    low, high = bootstrap_interval(values)
    margin = 1.96 * values.std() / np.sqrt(len(values))
    np.testing.assert_allclose([low, high], [values.mean() - margin, values.mean() + margin], atol=0.01)


def test_coder_of_other_kind_is_refused(digits: np.ndarray) -> None:
    items = [Item(str(number), image[0]) for number, image in enumerate(digits[:9])]
    with pytest.raises(InvalidParameter, match='"lsa" does not encode images'):
        compare(items, items, coders=["lsa"])


def test_too_few_items_to_hold_out_are_refused(digits: np.ndarray) -> None:
    items = [Item(str(number), image[0]) for number, image in enumerate(digits[:9])]
    with pytest.raises(NoItems, match="--queries"):
        compare(items, coders=["pca"])


def test_unknown_parameter_is_refused(digits: np.ndarray) -> None:
    items = [Item(str(number), image[0]) for number, image in enumerate(digits[:20])]
    with pytest.raises(InvalidParameter, match=r'no.* parameter "epoch"; did you mean "epochs"'):
        compare(items, coders=["dense", "pca"], epoch=2)
