"""The data types of the public API: an Item goes in, a Hit comes out; a Skip says why something was left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

ItemKind = Literal["images", "documents", "vectors"]
ITEM_KINDS: tuple[ItemKind, ...] = ("images", "documents", "vectors")

EXCERPT_CHARACTERS = 100

Label = str | tuple[str, ...]
"""The class of an item, or several classes."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a collection: an image, a document, or a vector computed by another model.

    Parameters
    ----------
    id : str
        Unique in the collection: the file's path relative to the indexed folder, `path#row` for a row of a table, or the
        row's own id.
    content : PIL.Image.Image or str or numpy.ndarray
        An image is a Pillow image or an array of pixels, [H, W] or [H, W, 3] uint8. A document is a str. A vector is an
        array [D].
    label : str or sequence of str, optional
        Class of the item, or several classes. Only evaluation and displays use it.
    path : str, optional
        The file that the item was read from; None for an item created in memory.
    digest : bytes, optional
        Checksum of the content that was read; None for an item created in memory.
    warning : str, optional
        Which part of the file is missing from the content, or may be wrong; None if the file was read completely.
    """

    id: str
    content: Image | str | np.ndarray
    label: Label | None = None
    path: str | None = None
    digest: bytes | None = None
    warning: str | None = None

    def __post_init__(self) -> None:
        if self.label is not None and not isinstance(self.label, str):
            object.__setattr__(self, "label", as_label(self.label))

    @property
    def kind(self) -> ItemKind:
        """Kind of the item: "images", "documents" or "vectors"."""
        if isinstance(self.content, str):
            return "documents"
        return "vectors" if getattr(self.content, "ndim", 2) == 1 else "images"

    @property
    def excerpt(self) -> str | None:
        """The first 100 characters of a document on one line; None for images and vectors."""
        if not isinstance(self.content, str):
            return None
        return " ".join(self.content[: 4 * EXCERPT_CHARACTERS].split())[:EXCERPT_CHARACTERS]


@dataclass(frozen=True, slots=True)
class Hit:
    """One neighbor of a query. A smaller `distance`, in the metric of the index, is always nearer."""

    rank: int
    id: str
    distance: float
    label: Label | None = None
    path: str | None = None
    excerpt: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the hit as `aesearch query --format json` prints it."""
        return {"rank": self.rank, "id": self.id, "path": self.path, "distance": self.distance, "label": self.label}


def as_label(names: Iterable[str]) -> Label | None:
    """Return names of classes as the label of an item: None for no name, a str for one, a tuple for several."""
    distinct = tuple(dict.fromkeys(name for name in names if name))
    return distinct if len(distinct) > 1 else distinct[0] if distinct else None


def label_names(label: Label | None) -> tuple[str, ...]:
    """Return the classes that a label names."""
    return () if label is None else (label,) if isinstance(label, str) else label


def label_text(label: Label | None) -> str | None:
    """Return a label as it is shown: several classes are separated by commas."""
    return None if label is None else ", ".join(label_names(label))


class SkipCategory(Enum):
    """Why a file or a row was skipped. The values are stored in the ledger."""

    HIDDEN = "hidden"
    UNSUPPORTED = "unsupported"
    OTHER_KIND = "other kind"
    INDEX_FOLDER = "index folder"
    IGNORED_FOLDER = "ignored folder"
    REPEATED_LINK = "repeated link"
    SPECIAL_FILE = "special file"
    INACCESSIBLE = "inaccessible"
    UNREADABLE = "unreadable"
    DUPLICATE_ID = "duplicate id"
    INCOMPATIBLE = "incompatible"

    @property
    def is_expected(self) -> bool:
        """Whether such files were never meant to be indexed; a report counts them instead of naming each."""
        return self in _EXPECTED


_EXPECTED = frozenset(
    {
        SkipCategory.HIDDEN,
        SkipCategory.UNSUPPORTED,
        SkipCategory.OTHER_KIND,
        SkipCategory.INDEX_FOLDER,
        SkipCategory.IGNORED_FOLDER,
        SkipCategory.REPEATED_LINK,
        SkipCategory.SPECIAL_FILE,
    }
)


class Skip(NamedTuple):
    """Why a file or a row was skipped: a category for programs, a reason for people."""

    category: SkipCategory
    reason: str


class ItemCollection(Protocol):
    """Items that can be iterated more than once, always in the same order: a list, or the result of `read_files`."""

    def __iter__(self) -> Iterator[Item]: ...
