import numpy as np
import pytest

from aesearch.analysis.codes import load_codes, to_float_codes
from aesearch.errors import WrongKind
from aesearch.index.retriever import Retriever
from aesearch.items import Item


def test_load_codes_returns_codes_in_order_of_rows(pca_index: Retriever) -> None:
    index = load_codes(pca_index)
    assert index.codes.shape == (len(pca_index), 16)
    assert [row.key for row in index.rows] == index.keys.tolist()
    np.testing.assert_array_equal(index.codes, pca_index.store.codes(index.keys))


def test_bits_become_plus_and_minus_1() -> None:
    bits = np.array([[0b10000001], [0b11110000]], np.uint8)
    expected = [[1, -1, -1, -1, -1, -1, -1, 1], [1, 1, 1, 1, -1, -1, -1, -1]]
    np.testing.assert_array_equal(to_float_codes(bits, "hamming"), expected)


def test_sparse_codes_are_refused(documents: list[Item]) -> None:
    with pytest.raises(WrongKind, match="another coder"):
        load_codes(Retriever.build(documents[:50], coder="raw"))
