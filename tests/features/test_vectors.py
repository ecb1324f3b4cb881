"""Vectors pass unchanged, and all have the dimensions of most of them. Values that cannot be compared are named."""

import re

import numpy as np
import pytest

from aesearch.errors import InvalidParameter, NoItems, ShapeMismatch
from aesearch.features.base import ZERO_WARNING
from aesearch.features.vectors import MAX_MAGNITUDE, Vectors
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
    assert features.rejection_reason(item(1, 2, 3)) == "it has 3 dimensions, but most vectors have 2"
    with pytest.raises(ShapeMismatch, match=r'vector "a": expected \[2\], got \[3\]'):
        features.transform([item(1, 2, 3)])


def test_first_vector_may_have_other_dimensions() -> None:
    assert Vectors().fit([item(), item(1, 2, 3), item(1, 2), item(3, 4)]).shape == (2,)


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        ([1, np.nan], "it holds NaN or infinity"),
        ([-np.inf, 1], "it holds NaN or infinity"),
        ([1e20, 1], r"it holds a value of 1e\+20; the limit is 1e\+12"),
        ([1, -1e300], r"it holds a value of 1e\+300"),
        ([10**15, 1], r"it holds a value of 1e\+15"),
        ([1j, 1], "its values are complex128, not real numbers"),
        (["1", "2"], "its values are <U1, not real numbers"),
    ],
    ids=str,
)
def test_values_that_cannot_be_compared_are_named(vector: list[float], reason: str) -> None:
    features, bad = Vectors().fit([item(1, 2)]), Item("bad", np.array(vector))
    assert re.match(reason, str(features.rejection_reason(bad)))
    with pytest.raises(InvalidParameter, match=f'cannot use vector "bad": {reason}'):
        features.transform([item(1, 2), bad])


def test_largest_allowed_value_fits() -> None:
    assert Vectors().fit([item(1, 2)]).rejection_reason(item(MAX_MAGNITUDE, -MAX_MAGNITUDE)) is None


def test_zero_vectors_are_warned_about() -> None:
    features = Vectors().fit([item(1, 2)])
    X = features.transform([item(0, 0), item(0, 1), item(1e-30, 0)])
    assert features.row_warnings(X) == {0: ZERO_WARNING, 2: ZERO_WARNING}


@pytest.mark.parametrize("items", [[], [item()]], ids=["no items", "no dimensions"])
def test_fit_without_items_is_refused(items: list[Item]) -> None:
    with pytest.raises(NoItems, match="no vectors"):
        Vectors().fit(items)
