from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from aesearch.errors import NoItems, Unreadable
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files
from aesearch.readers.tables import TableFields
from aesearch.readers.vectors import read_npy
from aesearch.readers.workers import read_file


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int8, np.uint8])
def test_the_rows_of_an_array_are_items_of_their_numbers(vectors: np.ndarray, dtype: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "some.npy", vectors.astype(dtype))
    files = read_files(tmp_path / "some.npy")
    items = list(files)
    assert files.kind == "vectors"
    assert [item.id for item in items[:3]] == ["some.npy#0", "some.npy#1", "some.npy#2"]
    np.testing.assert_array_equal(np.stack([item.content for item in items]), vectors.astype(dtype).astype(np.float32))
    assert len({item.digest for item in items}) == len(np.unique(vectors.astype(dtype), axis=0))


def test_an_array_of_one_axis_is_one_vector(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.arange(5.0))
    (item,) = read_files(tmp_path / "one.npy")
    np.testing.assert_array_equal(item.content, np.arange(5.0))


def test_a_row_that_is_not_finite_is_left_out_by_name(vectors: np.ndarray, tmp_path: Path) -> None:
    odd = vectors[:20].copy()
    odd[3, 1], odd[7, 0] = np.nan, np.inf
    np.save(tmp_path / "odd.npy", odd)
    files = read_files(tmp_path / "odd.npy")
    assert len(list(files)) == 18
    assert files.skipped == dict.fromkeys(["odd.npy#3", "odd.npy#7"], "not all of its numbers are finite")


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
def test_an_array_that_holds_no_vectors_is_refused(array: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "odd.npy", array, allow_pickle=True)
    with pytest.raises(Unreadable, match=r"odd\.npy"):
        list(read_npy(tmp_path / "odd.npy"))


@pytest.mark.parametrize("size", [0, 5, 90, 500])
def test_a_damaged_file_is_refused(vectors: np.ndarray, size: int, tmp_path: Path) -> None:
    np.save(tmp_path / "cut.npy", vectors)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "cut.npy").read_bytes()[:size])
    with pytest.raises(NoItems, match=r"cut\.npy"):
        Retriever.build(tmp_path / "cut.npy")


def test_of_files_of_different_widths_the_first_decides(vectors: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", vectors[:100])
    np.save(tmp_path / "b.npy", vectors[100:103, :7])
    index = Retriever.build(tmp_path, coder="pca", code_size=8)
    assert len(index) == 100
    assert set(index.ledger.skipped) == {"b.npy#0", "b.npy#1", "b.npy#2"}
    assert "[7]" in index.ledger.skipped["b.npy#0"]


def test_an_array_of_no_rows_and_one_whose_head_is_cut_are_named(vectors: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "none.npy", vectors[:0])
    np.save(tmp_path / "cut.npy", vectors)
    raw = (tmp_path / "cut.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(raw.replace(b"), }", b"    ", 1))
    for name, says in (("none.npy", "no rows"), ("cut.npy", "not a NumPy array")):
        (reason,) = read_file(tmp_path / name)
        assert isinstance(reason, Unreadable)
        assert says in reason.why


@pytest.mark.parametrize(
    "kind", [arrow.list_(arrow.float64()), arrow.list_(arrow.float32(), 40), arrow.large_list(arrow.float32())]
)
def test_a_table_gives_ids_and_labels_too(vectors: np.ndarray, digit_labels: np.ndarray, kind: Any, tmp_path: Path) -> None:
    columns = {
        "name": [f"digit {number}" for number in range(600)],
        "what": digit_labels.tolist(),
        "embedding": arrow.array([row.tolist() for row in vectors], kind),
    }
    parquet.write_table(arrow.table(columns), tmp_path / "some.parquet")
    items = list(read_files(tmp_path / "some.parquet", fields=TableFields(id="name", label="what")))
    assert [item.id for item in items] == columns["name"]
    assert [item.label for item in items] == list(map(str, digit_labels))
    np.testing.assert_array_equal(np.stack([item.content for item in items]), vectors)


def test_a_table_of_two_columns_of_lists_or_none_is_refused_with_their_names(tmp_path: Path) -> None:
    for columns, named in (({"a": [[1.0]], "b": [[2.0]]}, "a, b"), ({"a": ["text"]}, "none"), ({"a": [["text"]]}, "none")):
        parquet.write_table(arrow.table(columns), tmp_path / "odd.parquet")
        files = read_files(tmp_path / "odd.parquet")
        assert list(files) == []
        assert named in files.skipped["odd.parquet"]


def test_what_is_missing_or_no_table_is_left_out_by_name(tmp_path: Path) -> None:
    rows = arrow.array([[1.0, 2.0], None, [3.0, 4.0], [None, 1.0]], arrow.list_(arrow.float32()))
    parquet.write_table(arrow.table({"a": rows}), tmp_path / "some.parquet")
    files = read_files(tmp_path / "some.parquet")
    assert len(list(files)) == 2
    assert set(files.skipped) == {"some.parquet#1", "some.parquet#3"}
    (tmp_path / "some.parquet").write_bytes(b"PAR1 but not really PAR1")
    files = read_files(tmp_path / "some.parquet")
    assert list(files) == []
    assert "damaged" in files.skipped["some.parquet"]


def test_vectors_are_indexed_as_bits_and_asked_by_file_and_by_array(
    vectors: np.ndarray, digit_labels: np.ndarray, tmp_path: Path
) -> None:
    np.save(tmp_path / "all.npy", vectors[:500])
    np.save(tmp_path / "one.npy", vectors[[77]])
    Retriever.build(tmp_path / "all.npy", bits=True, code_size=16, epochs=2).save(tmp_path / "index")
    index = Retriever.load(tmp_path / "index")
    assert index.store.bytes_per_item == 2
    assert index.record.agreement > 0.05
    for hits in (index.query(tmp_path / "one.npy"), index.query(str(tmp_path / "one.npy")), index.query(vectors[77])):
        assert hits[0].distance == 0
        assert "all.npy#77" in [hit.id for hit in hits if hit.distance == 0]
    found = index.query_many([Item("query", row) for row in vectors[500:]], k=5)
    right = [
        digit_labels[int(hit.id.rpartition("#")[2])] == label
        for hits, label in zip(found, digit_labels[500:], strict=True)
        for hit in hits
    ]
    assert np.mean(right) > 0.6
