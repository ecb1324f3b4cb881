"""Similarity search that learns from your own images and documents.

>>> from aesearch import Retriever
>>> Retriever.build("photos").save("indexes/photos")                    # doctest: +SKIP
>>> Retriever.load("indexes/photos").query("cat.jpg")                   # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from aesearch.errors import (
    AesearchError,
    Busy,
    CorruptIndex,
    InvalidParameter,
    Mismatch,
    MissingExtra,
    NoIndex,
    NoItems,
    NoKnownTerms,
    NotFitted,
    ReadTimeout,
    ShapeMismatch,
    TooManyRemovals,
    UnknownName,
    Unreadable,
    UnsupportedFormat,
    WrongKind,
)
from aesearch.items import Hit, Item, ItemId

if TYPE_CHECKING:
    from aesearch.index.progress import Progress
    from aesearch.index.retriever import Retriever
    from aesearch.readers.folder import read_files

__version__ = "0.1.0"

_LAZY = {  # imported when first used, so that the command line's --help does not import NumPy
    "Progress": "aesearch.index.progress",
    "Retriever": "aesearch.index.retriever",
    "read_files": "aesearch.readers.folder",
}

__all__ = [
    "AesearchError",
    "Busy",
    "CorruptIndex",
    "Hit",
    "InvalidParameter",
    "Item",
    "ItemId",
    "Mismatch",
    "MissingExtra",
    "NoIndex",
    "NoItems",
    "NoKnownTerms",
    "NotFitted",
    "Progress",
    "ReadTimeout",
    "Retriever",
    "ShapeMismatch",
    "TooManyRemovals",
    "UnknownName",
    "Unreadable",
    "UnsupportedFormat",
    "WrongKind",
    "__version__",
    "read_files",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'aesearch' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
