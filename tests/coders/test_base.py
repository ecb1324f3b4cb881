"""Checks shared by all coders."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from aesearch.coders.base import finite_rows


@pytest.mark.parametrize("convert", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_rows_that_cannot_be_compared_are_found(convert: type) -> None:
    X = np.array([[1, 2], [np.nan, 1], [0, 0], [np.inf, 0], [1e20, 0], [-np.inf, 1], [1e18, 1e18]], np.float32)
    assert finite_rows(convert(X)).tolist() == [True, False, True, False, False, False, True]


def test_finite_rows_accepts_any_shape_and_dtype() -> None:
    images = np.zeros((3, 1, 2, 2), np.float32)
    images[1, 0, 1, 1] = np.nan
    assert finite_rows(images).tolist() == [True, False, True]
    assert finite_rows(np.full((2, 4), 255, np.uint8)).tolist() == [True, True]
    assert finite_rows(np.full((1, 4), 1e30)).tolist() == [False]
    assert finite_rows(np.zeros((0, 4), np.float32)).tolist() == []
