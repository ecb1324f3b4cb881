"""Read access to an open index: its parts, and what analyses of it are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.coders.base import Coder
from aesearch.errors import count
from aesearch.features.base import Features
from aesearch.index.field_counts import FieldCounts, summarize_fields
from aesearch.index.info import describe_index
from aesearch.index.ledger import Ledger, LedgerRow
from aesearch.index.query import featurize, make_hits, read_items, read_query
from aesearch.index.record import BuildRecord
from aesearch.index.reload import reload_features, reload_items, resolve_path, source_files
from aesearch.index.storage import IndexState
from aesearch.items import Hit, Item, ItemKind
from aesearch.readers.folder import FileCollection
from aesearch.stores.base import Store

if TYPE_CHECKING:
    from aesearch.arrays import Rows


class IndexView:
    """Read access to an open index. It is the base class of `Retriever`, which adds queries and changes.

    Parameters
    ----------
    state : IndexState
    """

    def __init__(self, state: IndexState) -> None:
        self._state = state

    @property
    def features(self) -> Features:
        """Turns items into rows."""
        return self._state.features

    @property
    def coder(self) -> Coder:
        """Turns rows into codes."""
        return self._state.coder

    @property
    def store(self) -> Store:
        """Holds the codes and finds the nearest ones."""
        return self._state.store

    @property
    def ledger(self) -> Ledger:
        """Lists the items and their files."""
        return self._state.ledger

    @property
    def record(self) -> BuildRecord:
        """Facts about the build."""
        return self._state.record

    @property
    def folder(self) -> Path | None:
        """The folder that the index was loaded from or saved to; None if there is none."""
        return self._state.folder

    @property
    def kind(self) -> ItemKind:
        """Kind of the items: "images", "documents" or "vectors"."""
        return self.record.kind

    @property
    def coder_name(self) -> str:
        """Name of the coder in the catalog. If the codes are bits, it is the name of the coder of the float codes."""
        return self.coder.base.name

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.store)

    def __repr__(self) -> str:
        items = count(len(self), self.kind.removesuffix("s"))
        return f"<{type(self).__name__}: {items}, coder {self.coder_name}, code size {self.coder.code_size}>"

    def info(self) -> dict[str, Any]:
        """Return what `aesearch info --json` prints, with sizes in bytes and times in seconds."""
        return describe_index(self._state)

    def count_values(self) -> list[FieldCounts]:
        """Return the counts of the labels, and of each field of the metadata; a filter compares them (`QueryOptions`)."""
        return summarize_fields(self.ledger.count_values())

    def featurize(self, items: Sequence[Item]) -> Rows:
        """Return the features of items, (n_items, ...).

        Raises
        ------
        WrongKind
            If an item is of another kind than the index.
        NoKnownTerms
            If a document has no term of the vocabulary.
        """
        return featurize(self._state, items)

    def make_hits(self, keys: np.ndarray, distances: np.ndarray) -> list[list[Hit]]:
        """Return the hits of search results.

        Parameters
        ----------
        keys, distances : arrays of shape (n_queries, k)
            As a store returns them.
        """
        return make_hits(self._state, keys, distances)

    def read_query(self, path: Path) -> Item:
        """Return the only item of a file.

        Raises
        ------
        NoItems
            If the path is a folder, or the file holds no readable item, or more than one.
        WrongKind
            If the file is of another kind than the index.
        """
        return read_query(self._state, path)

    def read_items(self, path: Path) -> FileCollection:
        """Return the items of a file or folder, read as the files of the index: same encoding, table fields and image size.

        Raises
        ------
        NoItems
            If the path does not exist, or no file has a reader.
        WrongKind
            If the items are of another kind than the index.
        """
        return read_items(self._state, path)

    def reload_items(
        self, keys: Sequence[int], image_size: tuple[int, int] | None = None
    ) -> Iterator[tuple[list[int], list[Item]]]:
        """Yield batches of keys and items, read again from their files. Items that can no longer be read are left out.

        Parameters
        ----------
        keys : sequence of int
        image_size : (width, height), optional
            Resize images to this size.

        Raises
        ------
        InvalidParameter
            If the items were created in memory.
        """
        return reload_items(self._state, keys, image_size)

    def reload_features(self, keys: Sequence[int]) -> Iterator[tuple[list[int], Rows]]:
        """Yield batches of keys and features (n_items, ...), as `reload_items` yields items."""
        return reload_features(self._state, keys)

    def resolve_path(self, row: LedgerRow) -> str | None:
        """Return the path of an item's file; None for an item created in memory."""
        return resolve_path(self._state, row)

    def source_files(self) -> FileCollection:
        """Return the files that the index was built from, as they are now.

        Raises
        ------
        NoItems
            If they no longer exist, or the items were created in memory.
        """
        return source_files(self._state)
