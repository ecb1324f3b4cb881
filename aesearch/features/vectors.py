"""Vectors of another model, unchanged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np

from aesearch.errors import InvalidParameter, NoItems, NotFitted, ShapeMismatch, count
from aesearch.features.base import Features
from aesearch.items import Item

MAX_MAGNITUDE = 1e12
"""Largest value of a vector. Sums of the squares of larger ones, over dimensions and items, overflow float32."""


class Vectors(Features):
    """The vectors themselves, as float32.

    Attributes
    ----------
    shape : tuple of int
        (D,), the most frequent number of dimensions in the sample. Vectors of other dimensions do not fit the collection.
    """

    name = "vectors"
    kind = "vectors"
    fit_sample_size = 64

    def get_params(self) -> dict[str, Any]:
        return {}

    def fit(self, items: Iterable[Item]) -> Self:
        """Take the number of dimensions from the first `fit_sample_size` items; see `Features.fit`."""
        sample = self._check_kinds(list(islice(items, self.fit_sample_size)))
        shapes = Counter(np.asarray(item.content).shape for item in sample)
        del shapes[(0,)]
        if not shapes:
            raise NoItems("vectors: there are no vectors to learn from")
        self.shape = shapes.most_common(1)[0][0]
        return self

    def rejection_reason(self, item: Item) -> str | None:
        if item.kind != self.kind:
            return None
        vector = np.asarray(item.content)
        if vector.shape != self.shape:
            return f"it has {count(len(vector), 'dimension')}, but most vectors have {self.shape[0]:,}"
        return _value_problem(vector)

    def transform(self, items: Sequence[Item]) -> np.ndarray:
        """Return the vectors of items: (n_items, D) float32.

        Raises
        ------
        ShapeMismatch
            If a vector has other dimensions than those in fit().
        InvalidParameter
            If a vector has values that are not finite, or too large.
        """
        if not hasattr(self, "shape"):
            raise NotFitted(self)
        X = np.zeros((len(items), *self.shape), np.float32)
        for row, item in zip(X, self._check_kinds(items), strict=True):
            vector = np.asarray(item.content)
            if vector.shape != self.shape:
                raise ShapeMismatch(f'vector "{item.id}"', list(self.shape), list(vector.shape))
            if problem := _value_problem(vector):
                raise InvalidParameter(f'cannot use vector "{item.id}": {problem}')
            row[:] = vector
        return X

    def inverse_transform(self, X: Any) -> list[np.ndarray]:
        """Return the rows of X, (n_items, D), as a list of vectors."""
        return list(np.asarray(X, np.float32))

    def _save_state(self, folder: Path) -> dict[str, Any]:
        return {"shape": self.shape}

    def _load_state(self, folder: Path, state: dict[str, Any]) -> None:
        self.shape = tuple(state["shape"])


def _value_problem(vector: np.ndarray) -> str | None:
    """Return why the values of a vector cannot be used, or None if they can."""
    if vector.dtype.kind not in "fiub":
        return f"its values are {vector.dtype}, not real numbers"
    largest = np.abs(vector.astype(np.float64, copy=False)).max(initial=0)
    if not np.isfinite(largest):
        return "it holds NaN or infinity"
    return f"it holds a value of {largest:.0e}; the limit is {MAX_MAGNITUDE:.0e}" if largest > MAX_MAGNITUDE else None
