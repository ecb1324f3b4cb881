"""The contract of all features: items in, rows out. Rows are what a coder is trained on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from aesearch.arrays import read_json, write_json
from aesearch.catalog import FEATURES, lookup
from aesearch.errors import CorruptIndex, InvalidParameter, UnknownName, WrongKind
from aesearch.items import Item, ItemKind

if TYPE_CHECKING:
    from aesearch.arrays import Rows

CONFIG_FILE = "config.json"
MIN_MAGNITUDE = 1e-12
"""Vectors whose values are all smaller have no direction in float32: the squares of their values become zero."""
ZERO_WARNING = "is zero in every dimension, so that it has no direction to be compared by"


class Features(ABC):
    """Turns items into rows, each independently of the others.

    Attributes
    ----------
    name : str
        Name in the catalog.
    kind : ItemKind
        Kind of the items.
    shape : tuple of int
        Shape of one row; known after fit().
    """

    name: ClassVar[str]
    kind: ItemKind
    fit_sample_size: ClassVar[int | None]
    """Number of items, spread over the collection, that fit() needs; None if it needs all of them."""

    shape: tuple[int, ...]

    @property
    def row_kind(self) -> ItemKind:
        """Kind of the rows, which a coder must support: "vectors" if they are vectors, else the kind of the items."""
        return self.kind

    @property
    def image_size(self) -> tuple[int, int] | None:
        """Width and height that images are resized to, so that readers can do it while decoding; None for no resizing."""
        return None

    def rejection_reason(self, item: Item) -> str | None:
        """Return why an item of the right kind does not fit this collection, or None if it fits. Works after fit() only."""
        return None

    def row_warnings(self, X: Rows) -> dict[int, str]:
        """Return a warning for each row of transform() by which its item can hardly be found, by position.

        By default, vectors that are zero have a warning.
        """
        if self.row_kind != "vectors":
            return {}
        is_zero = np.abs(np.asarray(X)).max(1, initial=0) < MIN_MAGNITUDE
        return dict.fromkeys(np.flatnonzero(is_zero).tolist(), ZERO_WARNING)

    @abstractmethod
    def fit(self, items: Iterable[Item]) -> Self:
        """Learn from the items of a collection, which are iterated once.

        Raises
        ------
        NoItems
            If there is nothing to learn from.
        """

    @abstractmethod
    def transform(self, items: Sequence[Item]) -> Rows:
        """Return the rows of items.

        Returns
        -------
        array of shape (n_items, *shape), uint8 in 0..255 or float32, or a csr matrix of non-negative float32

        Raises
        ------
        NotFitted
            Before fit().
        WrongKind
            If an item is of another kind.
        """

    @abstractmethod
    def inverse_transform(self, X: Rows) -> list[Any]:
        """Return rows in a form that people can look at: images, or the highest-weighted terms of each document."""

    @abstractmethod
    def get_params(self) -> dict[str, Any]:
        """Return the constructor's keywords."""

    @abstractmethod
    def _save_state(self, folder: Path) -> dict[str, Any]:
        """Write what fit() learned. The returned dict is stored as JSON and passed to `_load_state`."""

    @abstractmethod
    def _load_state(self, folder: Path, state: dict[str, Any]) -> None:
        """Restore what `_save_state` wrote."""

    def save(self, folder: Path) -> None:
        """Write the features to a folder, which is created if it does not exist."""
        folder.mkdir(parents=True, exist_ok=True)
        state = self._save_state(folder)
        write_json(folder / CONFIG_FILE, {"features": self.name, "params": self.get_params(), "state": state})

    def _check_kinds(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return the items; raise WrongKind if one is of another kind than these features."""
        for item in items:
            if item.kind != self.kind:
                raise WrongKind(f'features "{self.name}" process {self.kind}, but "{item.id}" is one of the {item.kind}')
        return items


def load_features(folder: Path) -> Features:
    """Load the features saved in a folder; raise CorruptIndex if a part is missing or damaged."""
    saved = read_json(folder / CONFIG_FILE)
    try:
        features: Features = lookup(FEATURES, "features", saved["features"]).load()(**saved["params"])
        features._load_state(folder, saved["state"])
    except (KeyError, TypeError, UnknownName, InvalidParameter) as error:
        raise CorruptIndex(folder / CONFIG_FILE, f"does not describe features ({error})") from None
    return features
