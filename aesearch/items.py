"""The data types of the public API: an Item goes in, a Hit comes out; a Skip says why something was left out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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


class Section(NamedTuple):
    """The beginning of a part of a document: its first character, and its page number or heading."""

    start: int
    page: int | None = None
    heading: str | None = None


class ItemId(NamedTuple):
    """An item of an index, given by its id: a query for more like it needs no file."""

    id: str


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
    sections : tuple of Section
        Pages or headings of a document.
    metadata : mapping of str to value
        Fields that queries are filtered by: texts, numbers, truth values, dates, or lists of texts.
    """

    id: str
    content: Image | str | np.ndarray
    label: Label | None = None
    path: str | None = None
    digest: bytes | None = None
    warning: str | None = None
    sections: tuple[Section, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

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


class Snippet(NamedTuple):
    """An excerpt of a document.

    Attributes
    ----------
    text : str
        On one line.
    highlights : tuple of (int, int)
        Start and end of each matching word in the text.
    start : int
        Position of the first matching word in the passage, or of the excerpt if there is none.
    """

    text: str
    highlights: tuple[tuple[int, int], ...] = ()
    start: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """One neighbor of a query.

    Attributes
    ----------
    rank : int
        From 1.
    id : str
    distance : float
        Distance of the codes in the metric of the index. Smaller is nearer. NaN if only words were compared.
    label : str or tuple of str or None
    path : str or None
    excerpt : str or None
        The first 100 characters of a document.
    score : float or None
        From 0 to 1: the share of random pairs of items that are less similar than the query and the hit. None if the
        collection has fewer than two items.
    text : str or None
        The passage of a document that matches best.
    snippet : Snippet or None
        The sentence in it that matches best.
    page : int or None
        Page of the passage, from 1.
    heading : str or None
        Last heading before the passage.
    line : int or None
        Line of the snippet in the text, from 1.
    metadata : dict
        Metadata of the item: texts, numbers, and lists of them.
    """

    rank: int
    id: str
    distance: float
    label: Label | None = None
    path: str | None = None
    excerpt: str | None = None
    score: float | None = None
    text: str | None = None
    snippet: Snippet | None = None
    page: int | None = None
    heading: str | None = None
    line: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the hit as `aesearch query --format json` prints it."""
        result = {
            "rank": self.rank,
            "id": self.id,
            "path": self.path,
            "distance": self.distance if math.isfinite(self.distance) else None,
            "score": self.score,
            "label": self.label,
        }
        if self.metadata:
            result["metadata"] = dict(self.metadata)
        if self.snippet is not None:
            location = {"page": self.page, "heading": self.heading, "line": self.line}
            snippet = {"text": self.snippet.text, "highlights": self.snippet.highlights}
            result |= {**location, "snippet": snippet}
        return result


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
    EXCLUDED = "excluded"
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
        SkipCategory.EXCLUDED,
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
