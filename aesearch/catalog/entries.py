"""An entry of the catalog: one implementation, and what it can process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from aesearch.items import ITEM_KINDS, ItemKind


@dataclass(frozen=True)
class CatalogEntry:
    """One implementation.

    Parameters
    ----------
    target : str
        Import path, as `module:attribute`.
    summary : str
        One line for the command line's help.
    kinds : tuple of ItemKind
        Kinds of items that it can process.
    params : mapping
        Constructor keywords that make the target this variant.
    layout : {"table", "images", "vectors", "messages"}, optional
        Layout of a file with many items; None if a file is one item. The reader of a table takes a `fields` keyword.
    decodes_text : bool
        Whether a reader decodes text, and takes an `encoding` keyword.
    is_isolated : bool
        Whether a reader is slow, or may crash, and therefore runs in a worker process.
    role : {"item", "code", "sidecar"}
        How a file counts when the kind of a folder is chosen by the most frequent kind. An item counts. Source code counts
        if the folder holds another document. A sidecar, such as a configuration or a log, does not count. If a folder holds
        no items, all of its files count.
    """

    target: str
    summary: str = ""
    kinds: tuple[ItemKind, ...] = ITEM_KINDS
    params: Mapping[str, Any] = field(default_factory=dict)
    layout: Literal["table", "images", "vectors", "messages"] | None = None
    decodes_text: bool = False
    is_isolated: bool = False
    role: Literal["item", "code", "sidecar"] = "item"

    def load(self) -> Any:
        """Import and return the implementation."""
        module, attribute = self.target.split(":")
        return getattr(import_module(module), attribute)
