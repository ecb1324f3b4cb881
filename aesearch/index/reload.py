"""Reading indexed items again from their files. An index stores the contents of documents only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from aesearch.errors import InvalidParameter, NoItems
from aesearch.index.edits import batches
from aesearch.index.ledger import LedgerRow
from aesearch.index.record import Source
from aesearch.index.storage import IndexState
from aesearch.items import Item, ItemKind
from aesearch.readers.folder import FileCollection, read_files

if TYPE_CHECKING:
    from aesearch.arrays import Rows


def reload_items(
    index: IndexState, keys: Sequence[int], image_size: tuple[int, int] | None = None
) -> Iterator[tuple[list[int], list[Item]]]:
    """Yield batches of keys and items. Items that can no longer be read are left out.

    Parameters
    ----------
    index : IndexState
    keys : sequence of int
    image_size : (width, height), optional
        Resize images to this size.

    Yields
    ------
    keys : list of int
    items : list of Item
        The items with these keys.

    Raises
    ------
    InvalidParameter
        If the items were created in memory.
    """
    return reload_rows(index, list(index.ledger.rows_by_key(keys).values()), image_size)


def reload_rows(
    index: IndexState, ledger_rows: Sequence[LedgerRow], image_size: tuple[int, int] | None = None
) -> Iterator[tuple[list[int], list[Item]]]:
    """Yield batches of keys and items of ledger rows; see `reload_items`."""
    if index.record.source is None and index.record.kind == "documents":
        yield from _stored_documents(index, ledger_rows)
        return
    if index.record.source is None:
        raise InvalidParameter(
            "cannot read the items again: they were created in memory; build the index from files instead"
        )
    rows = {row.id: row for row in ledger_rows}
    read = chain.from_iterable(_collections_of(index.record.source, rows.values(), index.record.kind, image_size))
    found = (item for item in read if item.id in rows and item.path == rows[item.id].path)
    for batch in batches(item for item in found if index.features.rejection_reason(item) is None):
        yield [rows[item.id].key for item in batch], batch


def _stored_documents(index: IndexState, rows: Sequence[LedgerRow]) -> Iterator[tuple[list[int], list[Item]]]:
    """Yield batches of keys and documents that were created in memory: the index holds their texts."""
    for batch in batches(rows):
        texts = index.ledger.texts.documents([row.key for row in batch])
        known = [row for row in batch if row.key in texts]
        yield [row.key for row in known], [Item(row.id, texts[row.key], row.label) for row in known]


def _collections_of(
    source: Source, rows: Iterable[LedgerRow], kind: ItemKind, image_size: tuple[int, int] | None
) -> list[FileCollection]:
    """Return the files of rows: those of the source, and those that were added from elsewhere.

    Rows of a table that was added from elsewhere have ids with its path, even if the source is a single table.
    """
    paths = list(dict.fromkeys(row.path for row in rows if row.path))
    own = [path for path in paths if not Path(path).is_absolute()]
    added = [path for path in paths if Path(path).is_absolute()]
    collections = [source.files(own, kind), replace(source, is_single_file=False).files(added, kind)]
    return [files.with_image_size(image_size) for files in collections]


def reload_features(index: IndexState, keys: Sequence[int]) -> Iterator[tuple[list[int], Rows]]:
    """Yield batches of keys and features [n_items, ...], as `reload_items` yields items."""
    for batch_keys, items in reload_items(index, keys, index.features.image_size):
        yield batch_keys, index.features.transform(items)


def resolve_path(index: IndexState, row: LedgerRow) -> str | None:
    """Return the path of an item's file; None for an item created in memory."""
    source = index.record.source
    return str(Path(source.root, row.path)) if source and row.path else row.path


def source_files(index: IndexState) -> FileCollection:
    """Return the files that the index was built from, as they are now.

    Raises
    ------
    NoItems
        If they no longer exist, or the items were created in memory.
    """
    source = index.record.source
    if source is None:
        raise NoItems("cannot read the source again: the items were created in memory")
    if source.is_single_file:
        return read_files(
            Path(source.root, next(iter(index.ledger.files()))), fields=source.fields, encoding=source.encoding
        )
    return read_files(
        source.root,
        kind=index.record.kind,
        fields=source.fields,
        encoding=source.encoding,
        include=source.include,
        exclude=source.exclude,
    )
