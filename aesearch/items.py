"""The nouns that travel: an Item comes in, a Hit goes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

Kind = Literal["images", "documents", "vectors"]
KINDS: tuple[Kind, ...] = ("images", "documents", "vectors")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to be found: a picture, a text, or a vector [D] that somebody else's model made of one.

    A picture is one of Pillow's, or an array of its pixels: [H, W] or [H, W, 3] uint8.

    `id` is unique in its collection: the file's path under the indexed folder, `path#row` for a row of a table, or the
    row's own id.  `path` is the file that it came from and `digest` a checksum of what was read; both are None for an
    item made in memory.
    """

    id: str
    content: Image | str | np.ndarray
    label: str | None = None
    path: str | None = None
    digest: bytes | None = None

    @property
    def kind(self) -> Kind:
        if isinstance(self.content, str):
            return "documents"
        return "vectors" if getattr(self.content, "ndim", 2) == 1 else "images"

    @property
    def excerpt(self) -> str | None:
        """The first words of a document, on one line; None for whatever has none."""
        return " ".join(self.content[:400].split())[:100] if isinstance(self.content, str) else None


@dataclass(frozen=True, slots=True)
class Hit:
    """One neighbour.  `distance` is in the index's metric: smaller is nearer, always."""

    rank: int
    id: str
    distance: float
    label: str | None = None
    path: str | None = None
    excerpt: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """What `aesearch query --format json` prints of a hit."""
        return {"rank": self.rank, "id": self.id, "path": self.path, "distance": self.distance, "label": self.label}


class Items(Protocol):
    """A collection that can be gone through more than once, each time in the same order: a list, or `read_files(...)`."""

    def __iter__(self) -> Iterator[Item]: ...
