"""Changes to the items of an open index: insert, move, delete. The store and the ledger change together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from aesearch.errors import InvalidParameter
from aesearch.features.base import Features
from aesearch.index.ledger import Ledger, LedgerRow
from aesearch.index.storage import IndexState
from aesearch.items import Item, Skip, SkipCategory

READ_BATCH = 128
"""Items per batch while reading. Batches are small, so that workers do not wait while this process computes features."""


def batches(items: Iterable[Item], size: int = READ_BATCH) -> Iterator[list[Item]]:
    """Yield lists of up to `size` items."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def register_items(ledger: Ledger, items: Iterable[Item], features: Features, skips: dict[str, Skip]) -> dict[int, Item]:
    """Add items to a ledger and return them by key. Add items that have a known id, or do not fit, to `skips` instead."""
    fitting = []
    for item in items:
        if reason := features.rejection_reason(item):
            skips[item.id] = Skip(SkipCategory.INCOMPATIBLE, reason)
        else:
            fitting.append(item)
    registered: dict[int, Item] = {}
    for item, key in zip(fitting, ledger.add(fitting), strict=True):
        if key is None:
            skips[item.id] = Skip(SkipCategory.DUPLICATE_ID, "an earlier item has the same id")
        else:
            registered[key] = item
    return registered


def make_ledger_writable(index: IndexState) -> None:
    """Replace a loaded ledger, which other processes may be reading, by a copy that can be changed."""
    if "ledger" not in index.unsaved:
        index.ledger = index.ledger.copy()
        index.unsaved.add("ledger")


def add_items(index: IndexState, items: Iterable[Item], batch_size: int = READ_BATCH) -> int:
    """Encode and store items and return their number. An item replaces the one with the same id.

    Raises
    ------
    WrongKind, InvalidParameter
        If an item does not fit the collection. Items of earlier batches stay added.
    """
    make_ledger_writable(index)
    count = 0
    for batch in batches(items, batch_size):
        unique = list({item.id: item for item in batch}.values())
        for item in unique:
            if reason := index.features.rejection_reason(item):
                raise InvalidParameter(f'cannot add "{item.id}": {reason}')
        delete_rows(index, index.ledger.rows_by_id([item.id for item in unique]).values())
        count += len(insert_items(index, unique, {}))
    return count


def remove_items(index: IndexState, ids: Sequence[str]) -> int:
    """Remove the items with these ids and return their number. Unknown ids are ignored."""
    make_ledger_writable(index)
    return delete_rows(index, index.ledger.rows_by_id(list(ids)).values())


def insert_items(index: IndexState, items: Sequence[Item], skips: dict[str, Skip]) -> list[Item]:
    """Encode and store new items, and return those that were stored. Add the others to `skips`."""
    registered = register_items(index.ledger, items, index.features, skips)
    if registered:
        index.unsaved |= {"store", "ledger"}
        try:
            codes = index.coder.encode(index.features.transform(list(registered.values())))
            index.store.add(np.array(list(registered), np.int64), codes)
        except BaseException:  # the ledger must not list what the store does not hold
            index.ledger.remove(registered)
            raise
        index.record.added = index.record.added.plus(list(registered))
    return list(registered.values())


def move_items(index: IndexState, moves: Sequence[tuple[LedgerRow, Item]], skips: dict[str, Skip]) -> int:
    """Give the code of each row to the item that now has its content. Return the number of moved items.

    An item that cannot be registered is added to `skips`, and its row is deleted.
    """
    if not moves:
        return 0
    codes = index.store.codes(np.array([row.key for row, _ in moves], np.int64))
    delete_rows(index, [row for row, _ in moves])
    registered = register_items(index.ledger, [item for _, item in moves], index.features, skips)
    position_of = {id(item): position for position, (_, item) in enumerate(moves)}  # two items may have the same id
    positions = [position_of[id(item)] for item in registered.values()]
    index.store.add(np.array(list(registered), np.int64), codes[positions])
    return len(registered)


def delete_rows(index: IndexState, rows: Iterable[LedgerRow]) -> int:
    """Remove the items of ledger rows and return their number."""
    keys = [row.key for row in rows]
    if keys:
        index.store.remove(np.array(keys, np.int64))
        index.ledger.remove(keys)
        index.unsaved |= {"store", "ledger"}
    return len(keys)
