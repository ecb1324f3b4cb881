"""A comparison is `evaluate`, coder by coder; its intervals are a bootstrap's; what cannot be compared is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from aesearch.analysis.comparison import COLUMNS, as_rows, bootstrap, compare, held_out
from aesearch.analysis.evaluation import evaluate
from aesearch.errors import InvalidParameter, NoItems
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files


def test_its_figures_are_those_of_indexes_built_one_by_one(digit_folder: Path) -> None:
    train, test = read_files(digit_folder / "train"), read_files(digit_folder / "test")
    entries = compare(train, test, coders=["dense", "pca"], code_sizes=(8, 16), epochs=2)
    assert {entry.name for entry in entries} == {"dense 8", "dense 16", "pca 8", "pca 16"}
    for entry in entries:
        name, size = entry.name.split()
        its = {"epochs": 2} if name == "dense" else {}
        alone = Retriever.build(digit_folder / "train", coder=name, code_size=int(size), **its)  # type: ignore[arg-type]
        expected, found = evaluate(alone, test).as_dict(), entry.evaluation.as_dict()
        for figures in (expected, found):
            del figures["queries_per_second"]  # the machine's
        assert found == expected
    scores = [entry.evaluation.mean_average_precision or 0 for entry in entries]
    assert scores == sorted(scores, reverse=True)
    assert entries[0].best
    for entry in entries:
        low, high = entry.interval or (1, 0)
        assert low < (entry.evaluation.mean_average_precision or 0) < high
    assert all(len(row) == len(COLUMNS) for row in as_rows(entries))


def test_a_curve_s_places_are_the_precisions(digit_folder: Path) -> None:
    index = Retriever.build(digit_folder / "train", coder="pca", code_size=16)
    found = evaluate(index, read_files(digit_folder / "test"), (1, 10, 100))
    for k in (1, 10, 100):
        assert found.curve["precision"][k - 1] == pytest.approx(found.precision[k])
    assert (np.diff(found.curve["recall"]) >= 0).all()
    assert found.average_precisions.mean() == pytest.approx(found.mean_average_precision)


def test_without_queries_every_fifth_is_held_out_and_without_labels_the_agreement_ranks(
    digit_folder: Path, tmp_path: Path
) -> None:
    for number, path in enumerate(sorted((digit_folder / "test").rglob("*.png"))):
        shutil.copy(path, tmp_path / f"{number:04}.png")  # in no folder of its own: no label
    files = read_files(tmp_path)
    rest, asked = held_out(files)
    assert len(rest) + len(asked) == len(files)  # type: ignore[arg-type]
    assert not {item.id for item in rest} & {item.id for item in asked}
    entries = compare(files, coders=["pca", "raw"], code_sizes=(16,), bits=True)
    assert [entry.evaluation.mean_average_precision for entry in entries] == [None, None]
    agreements = [entry.evaluation.agreement or 0 for entry in entries]
    assert agreements == sorted(agreements, reverse=True)
    assert {entry.name for entry in entries} == {"pca 16 bits", "raw"}


def test_a_bootstrap_s_interval_is_that_of_the_normal_law_for_many_values() -> None:
    values = np.random.default_rng(1).standard_normal(2000) + 5
    low, high = bootstrap(values)
    spread = 1.96 * values.std() / np.sqrt(len(values))
    np.testing.assert_allclose([low, high], [values.mean() - spread, values.mean() + spread], atol=0.01)


def test_coders_of_another_kind_and_too_few_items_are_refused(digits: np.ndarray) -> None:
    items = [Item(str(number), row[0]) for number, row in enumerate(digits[:9])]
    with pytest.raises(InvalidParameter, match="lsa"):
        compare(items, items, coders=["lsa"])
    with pytest.raises(NoItems, match="--queries"):
        compare(items, coders=["pca"])
