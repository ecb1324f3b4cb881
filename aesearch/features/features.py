"""The contract of all features: what a coder is given to learn from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from aesearch.arrays import read_json, write_json
from aesearch.catalog import FEATURES, look_up
from aesearch.errors import BadSetting, BrokenIndex, UnknownName, WrongKind
from aesearch.items import Item, Kind

if TYPE_CHECKING:
    from aesearch.arrays import Rows

SETTINGS = "settings.json"


class Features(ABC):
    """Turns items into rows, one by one and always alike: `transform` of a list is the rows of its items, stacked.

    Attributes: `shape`, that of one row, known after fit().
    """

    name: ClassVar[str]
    kind: Kind
    fit_needs: ClassVar[int | None]
    """How many items, spread over the collection, fit() needs to see; None for all of them."""

    shape: tuple[int, ...]

    @property
    def coded_as(self) -> Kind:
        """The kind whose coders can take the rows: the features' own, or "vectors" where they are those."""
        return self.kind

    @property
    def picture_size(self) -> tuple[int, int] | None:
        """Width and height that every picture is squeezed to first: reading may as well do it.  None: not at all."""
        return None

    def why_not(self, item: Item) -> str | None:
        """Why a readable item of the right kind is none of this collection's all the same; None where it is.

        Known after fit().
        """
        return None

    @abstractmethod
    def fit(self, items: Iterable[Item]) -> Self:
        """Learns what the collection holds.  Goes through `items` once."""

    @abstractmethod
    def transform(self, items: Sequence[Item]) -> Rows:
        """The rows of `items`: [N, *shape] uint8 in 0..255 or float32, or [N, V] csr float32 >= 0.

        Raises NotFitted before fit(), WrongKind for an item that these features are not for.
        """

    @abstractmethod
    def inverse(self, X: Rows) -> list[Any]:
        """What the rows stand for, as a person would look at it: pictures, or each document's weightiest words."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The constructor's keywords."""

    @abstractmethod
    def _save_learnt(self, folder: Path) -> dict[str, Any]:
        """Writes what fit() learnt; what is returned is kept as JSON and handed to `_load_learnt`."""

    @abstractmethod
    def _load_learnt(self, folder: Path, learnt: dict[str, Any]) -> None: ...

    def save(self, folder: Path) -> None:
        """Writes the features into `folder`, which is made if it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        learnt = self._save_learnt(folder)
        write_json(folder / SETTINGS, {"features": self.name, "settings": self.settings(), "learnt": learnt})

    def _checked(self, items: Sequence[Item]) -> Sequence[Item]:
        for item in items:
            if item.kind != self.kind:
                raise WrongKind(f'"{item.id}" is one of the {item.kind}, and {type(self).__name__} reads {self.kind} only')
        return items


def load_features(folder: Path) -> Features:
    """The features saved in `folder`.  Raises BrokenIndex where a part of them is missing or damaged."""
    saved = read_json(folder / SETTINGS)
    try:
        features: Features = look_up(FEATURES, "features", saved["features"]).load()(**saved["settings"])
        features._load_learnt(folder, saved["learnt"])
    except (KeyError, TypeError, UnknownName, BadSetting) as error:
        raise BrokenIndex(folder / SETTINGS, f"lacks what features need ({error})") from None
    return features
