"""The sparse store keeps only the weights that are not zero."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from aesearch.arrays import read_arrays, write_arrays
from aesearch.errors import CorruptIndex
from aesearch.stores.sparse import ROWS_FILE, SparseStore

KEYS = np.array([70, 5, 33], np.int64)
ROWS = csr_array(np.array([[3, 4, 0], [0, 0, 0], [0, 1, 0]], np.float32))


@pytest.fixture
def store() -> SparseStore:
    store = SparseStore("cosine", 3)
    store.add(KEYS, ROWS)
    return store


def test_codes_are_sparse_rows_of_unit_length(store: SparseStore) -> None:
    codes = store.codes(KEYS)
    assert isinstance(codes, csr_array)
    np.testing.assert_allclose(codes.toarray(), [[0.6, 0.8, 0], [0, 0, 0], [0, 1, 0]])


def test_empty_rows_are_at_distance_1_from_all(store: SparseStore) -> None:
    keys, distances = store.search(ROWS[[1]], 3)
    assert keys.tolist() == [[5, 33, 70]]
    np.testing.assert_allclose(distances, 1)


def test_bytes_per_item_counts_weights_and_columns(store: SparseStore) -> None:
    assert store.bytes_per_item == 8 * 3 / 3
    assert SparseStore("cosine", 3).bytes_per_item == 0


def test_search_of_many_queries_is_batched(store: SparseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = store.search(ROWS, 2)
    monkeypatch.setattr("aesearch.stores.sparse.BATCH_SIZE", 1)
    for found, once in zip(store.search(ROWS, 2), expected, strict=True):
        np.testing.assert_array_equal(found, once)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("indices", np.array([0, 3, 1], np.int32)),
        ("indptr", np.array([0, 2, 2], np.int32)),
        ("indptr", np.array([0, 2, 1, 3], np.int32)),
        ("keys", KEYS[:2]),
    ],
)
def test_inconsistent_arrays_are_corrupt(store: SparseStore, tmp_path: Path, name: str, array: np.ndarray) -> None:
    store.save(tmp_path)
    write_arrays(tmp_path / ROWS_FILE, read_arrays(tmp_path / ROWS_FILE) | {name: array})
    with pytest.raises(CorruptIndex, match="does not hold sparse rows"):
        SparseStore.load(tmp_path, "cosine", 3)
