"""Vectors are read from NumPy files and Parquet tables. Rows that are not finite vectors are named."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from aesearch.errors import NoItems, Unreadable
from aesearch.index.retriever import Retriever
from aesearch.items import Item, Skip, SkipCategory
from aesearch.readers.files import read_file
from aesearch.readers.folder import read_files
from aesearch.readers.tables import TableFields
from aesearch.readers.vectors import read_npy


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int8, np.uint8])
def test_npy_rows_become_float32_vectors(vectors: np.ndarray, dtype: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "some.npy", vectors.astype(dtype))
    files = read_files(tmp_path / "some.npy")
    items = list(files)
    assert files.kind == "vectors"
    assert [item.id for item in items[:3]] == ["some.npy#0", "some.npy#1", "some.npy#2"]
    np.testing.assert_array_equal(np.stack([item.content for item in items]), vectors.astype(dtype).astype(np.float32))
    assert len({item.digest for item in items}) == len(np.unique(vectors.astype(dtype), axis=0))


def test_npy_with_one_axis_is_one_vector(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.arange(5.0))
    (item,) = read_files(tmp_path / "one.npy")
    np.testing.assert_array_equal(item.content, np.arange(5.0))


def test_npy_with_a_second_array_is_named(tmp_path: Path) -> None:
    with open(tmp_path / "two.npy", "wb") as file:
        np.save(file, np.ones((2, 3), np.float32))
        np.save(file, np.zeros((2, 3), np.float32))
    first, second, unreadable = read_npy(tmp_path / "two.npy")
    assert isinstance(first, Item)
    assert isinstance(second, Item)
    assert isinstance(unreadable, Unreadable)
    assert unreadable.reason == "the file is longer than its first array; the rest is not read"


def test_npy_rows_that_are_not_finite_are_skipped(vectors: np.ndarray, tmp_path: Path) -> None:
    rows = vectors[:20].astype(np.float64)
    rows[3, 1], rows[7, 0], rows[9, 0] = np.nan, np.inf, 1e300  # 1e300 overflows float32
    np.save(tmp_path / "odd.npy", rows)
    files = read_files(tmp_path / "odd.npy")
    assert len(list(files)) == 17
    skip = Skip(SkipCategory.UNREADABLE, "not all numbers are finite, or some are too large for 32 bits")
    assert files.skipped == dict.fromkeys(["odd.npy#3", "odd.npy#7", "odd.npy#9"], skip)


@pytest.mark.parametrize(
    "array",
    [
        np.array([{"run": "me"}]),
        np.array(["words"]),
        np.zeros((2, 3, 4)),
        np.zeros(()),
        np.zeros((3, 0)),
        np.zeros(3, complex),
    ],
    ids=["pickled", "text", "three axes", "no axis", "no numbers", "complex"],
)
def test_npy_without_vectors_is_refused(array: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "odd.npy", array, allow_pickle=True)
    with pytest.raises(Unreadable, match=r"odd\.npy"):
        list(read_npy(tmp_path / "odd.npy"))


@pytest.mark.parametrize("size", [0, 5, 90, 500])
def test_npy_that_is_truncated_is_refused(vectors: np.ndarray, size: int, tmp_path: Path) -> None:
    np.save(tmp_path / "cut.npy", vectors)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "cut.npy").read_bytes()[:size])
    with pytest.raises(Unreadable, match=r"cut\.npy: the file is not a NumPy array"):
        list(read_npy(tmp_path / "cut.npy"))


def test_npy_without_rows_or_with_a_cut_header_is_refused(vectors: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "none.npy", vectors[:0])
    np.save(tmp_path / "cut.npy", vectors)
    content = (tmp_path / "cut.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(content.replace(b"), }", b"    ", 1))
    for name, reason in (("none.npy", "no rows"), ("cut.npy", "not a NumPy array")):
        (unreadable,) = read_file(tmp_path / name)
        assert isinstance(unreadable, Unreadable)
        assert reason in unreadable.reason


@pytest.mark.parametrize(
    "column_type",
    [arrow.list_(arrow.float64()), arrow.list_(arrow.float32(), 40), arrow.large_list(arrow.float32())],
    ids=["list", "fixed size list", "large list"],
)
def test_parquet_rows_have_ids_and_labels(
    vectors: np.ndarray, digit_labels: np.ndarray, column_type: Any, tmp_path: Path
) -> None:
    columns = {
        "name": [f"digit {number}" for number in range(600)],
        "class": digit_labels.tolist(),
        "embedding": arrow.array([row.tolist() for row in vectors], column_type),
    }
    parquet.write_table(arrow.table(columns), tmp_path / "some.parquet")
    items = list(read_files(tmp_path / "some.parquet", fields=TableFields(id="name", label="class")))
    assert [item.id for item in items] == columns["name"]
    assert [item.label for item in items] == list(map(str, digit_labels))
    np.testing.assert_array_equal(np.stack([item.content for item in items]), vectors)


@pytest.mark.parametrize(
    ("columns", "names"),
    [({"a": [[1.0]], "b": [[2.0]]}, "a, b"), ({"a": ["text"]}, "none"), ({"a": [["text"]]}, "none")],
    ids=["two columns", "no list", "list of text"],
)
def test_parquet_needs_one_column_of_vectors(columns: dict[str, Any], names: str, tmp_path: Path) -> None:
    parquet.write_table(arrow.table(columns), tmp_path / "odd.parquet")
    (unreadable,) = read_file(tmp_path / "odd.parquet")
    assert isinstance(unreadable, Unreadable)
    assert f"({names})" in unreadable.reason


def test_parquet_rows_may_have_several_labels(tmp_path: Path) -> None:
    """A list of numbers in the field of labels is no second vector."""
    for name, labels in (("words", [["a", "b"], ["b"]]), ("numbers", [[1, 2], [2]])):
        table = arrow.table({"vector": [[0.0, 1.0], [1.0, 0.0]], "label": labels})
        parquet.write_table(table, tmp_path / f"{name}.parquet")
        found = [item.label for item in read_files(tmp_path / f"{name}.parquet")]
        assert found == [tuple(map(str, labels[0])), str(labels[1][0])]


def test_parquet_rows_with_missing_numbers_are_skipped(tmp_path: Path) -> None:
    rows = arrow.array([[1.0, 2.0], None, [3.0, 4.0], [None, 1.0]], arrow.list_(arrow.float32()))
    parquet.write_table(arrow.table({"a": rows}), tmp_path / "some.parquet")
    files = read_files(tmp_path / "some.parquet")
    assert [item.id for item in files] == ["some.parquet#0", "some.parquet#2"]
    assert set(files.skipped) == {"some.parquet#1", "some.parquet#3"}


@pytest.mark.parametrize(
    ("content", "category"),
    [
        (b"PAR1 but not really PAR1", SkipCategory.UNREADABLE),
        (b"", SkipCategory.UNREADABLE),
        (None, SkipCategory.INACCESSIBLE),
    ],
    ids=["damaged", "empty", "missing"],
)
def test_parquet_failure_is_classified(content: bytes | None, category: SkipCategory, tmp_path: Path) -> None:
    (tmp_path / "some.parquet").write_bytes(content or b"")
    files = read_files(tmp_path / "some.parquet")
    if content is None:
        (tmp_path / "some.parquet").unlink()
    assert list(files) == []
    assert files.skipped["some.parquet"].category is category


def test_index_skips_vectors_of_another_width(vectors: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", vectors[:100])
    np.save(tmp_path / "b.npy", vectors[100:103, :7])
    index = Retriever.build(tmp_path, coder="pca", code_size=8)
    assert len(index) == 100
    assert set(index.ledger.skipped) == {"b.npy#0", "b.npy#1", "b.npy#2"}
    assert index.ledger.skipped["b.npy#0"].category is SkipCategory.INCOMPATIBLE


def test_index_names_the_file_without_vectors(tmp_path: Path) -> None:
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(NoItems, match=r"cut\.npy"):
        Retriever.build(tmp_path / "cut.npy", coder="pca")


def test_index_of_vectors_is_queried_by_file_and_array(
    vectors: np.ndarray, digit_labels: np.ndarray, tmp_path: Path
) -> None:
    np.save(tmp_path / "all.npy", vectors[:500])
    np.save(tmp_path / "one.npy", vectors[[77]])
    Retriever.build(tmp_path / "all.npy", coder="pca", bits=True, code_size=32).save(tmp_path / "index")
    index = Retriever.load(tmp_path / "index")
    assert index.store.bytes_per_item == 4
    for hits in (index.query(tmp_path / "one.npy"), index.query(str(tmp_path / "one.npy")), index.query(vectors[77])):
        assert hits[0].distance == 0
        assert "all.npy#77" in [hit.id for hit in hits if hit.distance == 0]
    found = index.query_many([Item("query", row) for row in vectors[500:]], k=5)
    correct = [
        digit_labels[int(hit.id.rpartition("#")[2])] == label
        for hits, label in zip(found, digit_labels[500:], strict=True)
        for hit in hits
    ]
    assert np.mean(correct) > 0.6
