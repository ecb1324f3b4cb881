"""Vectors as they are: what somebody else's model said of each item."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from aesearch.errors import NoItems, NotFitted, ShapeMismatch
from aesearch.features.base import Features
from aesearch.items import Item


class Vectors(Features):
    """The numbers of a vector, unchanged.

    Attributes
    ----------
    shape : (D,), how many numbers the first item had; what has another number is not of this collection.
    """

    name = "vectors"
    kind = "vectors"
    fit_sample_size = 64

    def get_params(self) -> dict[str, Any]:
        return {}

    def fit(self, items: Iterable[Item]) -> Self:
        """Settles how many numbers a vector has, by the first item."""
        for item in items:
            (checked,) = self._check_kinds([item])
            self.shape = (len(checked.content),)  # type: ignore[arg-type]
            return self
        raise NoItems("no vector to fit to")

    def rejection_reason(self, item: Item) -> str | None:
        shape = np.shape(item.content) if item.kind == self.kind else self.shape  # type: ignore[arg-type]
        return None if shape == self.shape else f"its shape is {list(shape)}, and {list(self.shape)} that of the first"

    def transform(self, items: Sequence[Item]) -> np.ndarray:
        """[N, D] float32.  Raises ShapeMismatch for a vector of another number of numbers."""
        if not hasattr(self, "shape"):
            raise NotFitted(self)
        for item in self._check_kinds(items):
            if self.rejection_reason(item):
                raise ShapeMismatch(f'vector "{item.id}"', list(self.shape), list(np.shape(item.content)))  # type: ignore[arg-type]
        rows = [np.asarray(item.content, np.float32) for item in items]
        return np.stack(rows) if rows else np.zeros((0, *self.shape), np.float32)

    def inverse_transform(self, X: Any) -> list[np.ndarray]:
        """X: [N, D].  Returns N vectors."""
        return list(np.asarray(X, np.float32))

    def _save_state(self, folder: Path) -> dict[str, Any]:
        return {"shape": self.shape}

    def _load_state(self, folder: Path, learned: dict[str, Any]) -> None:
        self.shape = tuple(learned["shape"])
