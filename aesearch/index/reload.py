"""Reading indexed items again from their files: an index stores codes, not contents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aesearch.errors import InvalidParameter, NoItems
from aesearch.index.edits import batches
from aesearch.index.ledger import LedgerRow
from aesearch.index.storage import IndexState
from aesearch.items import Item
from aesearch.readers.folder import FileCollection, read_files

if TYPE_CHECKING:
    from aesearch.arrays import Rows


def reload_items(
    index: IndexState, keys: Sequence[int], image_size: tuple[int, int] | None = None
) -> Iterator[tuple[list[int], list[Item]]]:
    """Yield batches of keys and items, for the items that can still be read.

    Parameters
    ----------
    index : IndexState
    keys : sequence of int
    image_size : (width, height), optional
        Resize images to this size.

    Raises
    ------
    InvalidParameter
        If the items were created in memory.
    """
    if index.record.source is None:
        raise InvalidParameter(
            "cannot read the items again: they were created in memory; build the index from files instead"
        )
    rows = index.ledger.rows_by_key(keys)
    paths = list(dict.fromkeys(row.path or "" for row in rows.values()))
    files = index.record.source.files(paths, index.record.kind)
    key_of = {row.id: row.key for row in rows.values()}
    requested = (item for item in files.with_image_size(image_size) if item.id in key_of)
    for batch in batches(item for item in requested if index.features.rejection_reason(item) is None):
        yield [key_of[item.id] for item in batch], batch


def reload_features(index: IndexState, keys: Sequence[int]) -> Iterator[tuple[list[int], Rows]]:
    """Yield batches of keys and rows of features, for the items that can still be read. Raises as `reload_items`."""
    for found, items in reload_items(index, keys, index.features.image_size):
        yield found, index.features.transform(items)


def resolve_path(index: IndexState, row: LedgerRow) -> str | None:
    """Return the path of an item's file; None for an item created in memory."""
    source = index.record.source
    return str(Path(source.root, row.path)) if source and row.path else row.path


def source_files(index: IndexState) -> FileCollection:
    """Return the files that the index was built from, as they are now.

    Raises
    ------
    NoItems
        If they do not exist anymore, or the items were created in memory.
    """
    source = index.record.source
    if source is None:
        raise NoItems("cannot read the source again: the items were created in memory")
    if source.is_single_file:
        return read_files(Path(source.root, next(iter(index.ledger.files()))), fields=source.fields)
    return read_files(source.root, kind=index.record.kind, fields=source.fields)
