"""Vectors of another model, unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from aesearch.errors import NoItems, NotFitted, ShapeMismatch
from aesearch.features.base import Features
from aesearch.items import Item


class Vectors(Features):
    """The vectors themselves, as float32.

    Attributes
    ----------
    shape : tuple of int
        (D,), the dimensions of the first vector. Vectors of other dimensions do not fit the collection.
    """

    name = "vectors"
    kind = "vectors"
    fit_sample_size = 64

    def get_params(self) -> dict[str, Any]:
        return {}

    def fit(self, items: Iterable[Item]) -> Self:
        """Take the number of dimensions from the first item; see `Features.fit`."""
        for item in items:
            self._check_kinds([item])
            self.shape = np.shape(item.content)  # type: ignore[arg-type]  # the content of this kind is an array
            return self
        raise NoItems("vectors: there are no vectors to learn from")

    def rejection_reason(self, item: Item) -> str | None:
        if item.kind != self.kind:
            return None
        (size,) = np.shape(item.content)  # type: ignore[arg-type]  # the content of this kind is an array
        return None if (size,) == self.shape else f"it has {size:,} dimensions, but the first vector has {self.shape[0]:,}"

    def transform(self, items: Sequence[Item]) -> np.ndarray:
        """Return the vectors of items: (n_items, D) float32.

        Raises
        ------
        ShapeMismatch
            If a vector has other dimensions than those in fit().
        """
        if not hasattr(self, "shape"):
            raise NotFitted(self)
        rows = [np.asarray(item.content, np.float32) for item in self._check_kinds(items)]
        for item, row in zip(items, rows, strict=True):
            if row.shape != self.shape:
                raise ShapeMismatch(f'vector "{item.id}"', list(self.shape), list(row.shape))
        return np.stack(rows) if rows else np.zeros((0, *self.shape), np.float32)

    def inverse_transform(self, X: Any) -> list[np.ndarray]:
        """Return the rows of X, (n_items, D), as a list of vectors."""
        return list(np.asarray(X, np.float32))

    def _save_state(self, folder: Path) -> dict[str, Any]:
        return {"shape": self.shape}

    def _load_state(self, folder: Path, state: dict[str, Any]) -> None:
        self.shape = tuple(state["shape"])
