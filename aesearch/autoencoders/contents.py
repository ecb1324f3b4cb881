"""What images show: the descriptors by which the label-free score compares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from aesearch.autoencoders.descriptors import Descriptors

if TYPE_CHECKING:
    from aesearch.arrays import Rows

CONTENT_WEIGHTS: Mapping[str, float] = {"gradients": 1.0, "colors": 0.5}
"""Shape counts more than color: two crops of any image have the same colors."""


def fit_image_contents(X: Rows) -> Callable[[Rows], np.ndarray]:
    """Return a function that maps images [n, C, H, W] to their contents [n, width] float32, fitted to the images X."""
    shape = tuple(X.shape[1:])
    descriptors = Descriptors(shape, {name: w for name, w in CONTENT_WEIGHTS.items() if shape[0] == 3 or name != "colors"})
    descriptors.fit(descriptors.extract(np.asarray(X)))
    return lambda rows: descriptors.transform(np.asarray(rows))
