"""The files of the flat store are FAISS's own, which other programs can open."""

from pathlib import Path

import faiss
import numpy as np
import pytest

from aesearch.errors import CorruptIndex
from aesearch.stores.flat import BITS_FILE, FLOATS_FILE, FlatStore

KEYS = np.array([70, 5, 33], np.int64)
FLOATS = np.array([[0, 0], [3, 4], [1, 0]], np.float32)
BITS = np.array([[0], [255], [1]], np.uint8)


@pytest.fixture
def float_store() -> FlatStore:
    store = FlatStore("l2", 2)
    store.add(KEYS, FLOATS)
    return store


@pytest.fixture
def bit_store() -> FlatStore:
    store = FlatStore("hamming", 1)
    store.add(KEYS, BITS)
    return store


def test_faiss_opens_saved_floats(float_store: FlatStore, tmp_path: Path) -> None:
    float_store.save(tmp_path)
    squared, keys = faiss.read_index(str(tmp_path / FLOATS_FILE)).search(FLOATS[:1], 3)
    assert keys.tolist() == [[70, 33, 5]]
    np.testing.assert_allclose(squared, [[0, 1, 25]])
    np.testing.assert_allclose(float_store.search(FLOATS[:1], 3)[1], [[0, 1, 5]])


def test_faiss_opens_saved_bits(bit_store: FlatStore, tmp_path: Path) -> None:
    bit_store.save(tmp_path)
    distances, keys = faiss.read_index_binary(str(tmp_path / BITS_FILE)).search(BITS[:1], 3)
    assert keys.tolist() == [[70, 33, 5]]
    assert distances.tolist() == [[0, 1, 8]]


def test_index_of_other_metric_or_width_is_corrupt(float_store: FlatStore, tmp_path: Path) -> None:
    float_store.save(tmp_path)
    for metric, width in (("cosine", 2), ("l2", 3)):
        with pytest.raises(CorruptIndex, match=f'width {width} for metric "{metric}"'):
            FlatStore.load(tmp_path, metric, width)  # type: ignore[arg-type]


def test_index_without_keys_is_corrupt(tmp_path: Path) -> None:
    flat = faiss.IndexFlatL2(2)
    flat.add(FLOATS)
    faiss.write_index(flat, str(tmp_path / FLOATS_FILE))
    with pytest.raises(CorruptIndex, match="does not hold codes"):
        FlatStore.load(tmp_path, "l2", 2)


def test_failed_write_is_an_os_error(float_store: FlatStore, tmp_path: Path) -> None:
    (tmp_path / FLOATS_FILE).mkdir()
    with pytest.raises(OSError, match="cannot be written"):
        float_store.save(tmp_path)


def test_bytes_per_item_counts_packed_bits() -> None:
    assert FlatStore("hamming", 8).bytes_per_item == 8
    assert FlatStore("cosine", 64).bytes_per_item == 256
