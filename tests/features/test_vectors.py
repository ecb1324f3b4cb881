"""Vectors pass unchanged, and all have the dimensions of the first."""

import numpy as np
import pytest

from aesearch.errors import NoItems, ShapeMismatch
from aesearch.features.vectors import Vectors
from aesearch.items import Item


def item(*numbers: float) -> Item:
    return Item("a", np.array(numbers, np.float64))


def test_rows_are_the_vectors_as_float32() -> None:
    X = Vectors().fit([item(1, 2)]).transform([item(3, -4), item(0.5, 0)])
    assert X.dtype == np.float32
    assert X.tolist() == [[3, -4], [0.5, 0]]


def test_vector_of_other_dimensions_does_not_fit() -> None:
    features = Vectors().fit([item(1, 2)])
    assert features.rejection_reason(item(3, 4)) is None
    assert features.rejection_reason(item(1, 2, 3)) == "it has 3 dimensions, but the first vector has 2"
    with pytest.raises(ShapeMismatch, match=r'vector "a": expected \[2\], got \[3\]'):
        features.transform([item(1, 2, 3)])


def test_fit_without_items_is_refused() -> None:
    with pytest.raises(NoItems, match="no vectors"):
        Vectors().fit([])
