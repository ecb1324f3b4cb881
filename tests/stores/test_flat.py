"""FAISS's own file is an outsider's to open."""

from pathlib import Path

import faiss
import numpy as np

from aesearch.stores.flat import BITS_FILE, FILE, FlatStore

KEYS = np.array([70, 5, 33], np.int64)


def test_an_outsider_opens_the_floats(tmp_path: Path) -> None:
    store = FlatStore("l2", 2)
    codes = np.array([[0, 0], [3, 4], [1, 0]], np.float32)
    store.add(KEYS, codes)
    store.save(tmp_path)
    squared, keys = faiss.read_index(str(tmp_path / FILE)).search(codes[:1], 3)
    assert keys.tolist() == [[70, 33, 5]]
    np.testing.assert_allclose(squared, [[0, 1, 25]])
    np.testing.assert_allclose(store.search(codes[:1], 3)[1], [[0, 1, 5]])


def test_an_outsider_opens_the_bits(tmp_path: Path) -> None:
    store = FlatStore("hamming", 1)
    store.add(KEYS, np.array([[0], [255], [1]], np.uint8))
    store.save(tmp_path)
    distances, keys = faiss.read_index_binary(str(tmp_path / BITS_FILE)).search(np.zeros((1, 1), np.uint8), 3)
    assert keys.tolist() == [[70, 33, 5]]
    assert distances.tolist() == [[0, 1, 8]]


def test_bits_take_a_byte_for_eight() -> None:
    assert FlatStore("hamming", 8).bytes_per_item == 8
    assert FlatStore("cosine", 64).bytes_per_item == 256
