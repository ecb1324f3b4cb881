"""Similarity search that learns from your own pictures and documents.

>>> from aesearch import Retriever
>>> Retriever.build("photos").save("indexes/photos")                    # doctest: +SKIP
>>> Retriever.load("indexes/photos").query("cat.jpg")                   # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aesearch.errors import AesearchError
from aesearch.items import Hit, Item

if TYPE_CHECKING:
    from aesearch.index.retriever import Retriever

__version__ = "0.1.0"
__all__ = ["AesearchError", "Hit", "Item", "Retriever", "__version__"]


def __getattr__(name: str) -> Any:
    # Imported when first used, so that the command line's --help need not load NumPy.
    if name == "Retriever":
        from aesearch.index.retriever import Retriever

        return Retriever
    raise AttributeError(f"module 'aesearch' has no attribute {name!r}")
