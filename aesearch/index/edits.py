"""Changes to the items of an open index: insert, move, delete. The store and the ledger change together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from aesearch.coders.base import NOT_FINITE_REASON, finite_rows
from aesearch.errors import InvalidParameter
from aesearch.features.base import Features
from aesearch.index.ledger import Ledger, LedgerRow
from aesearch.index.storage import IndexState
from aesearch.index.unicode import as_utf8, is_utf8
from aesearch.items import Item, Skip, SkipCategory, label_names

if TYPE_CHECKING:
    from aesearch.arrays import Rows

READ_BATCH = 128
"""Items per batch while reading. Batches are small, so that workers do not wait while this process computes features."""


def batches(items: Iterable[Item], size: int = READ_BATCH) -> Iterator[list[Item]]:
    """Yield lists of up to `size` items."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def rejection_reason(item: Item, features: Features) -> str | None:
    """Return why an item of the right kind cannot be indexed, or None if it can."""
    if not all(map(is_utf8, (item.id, *label_names(item.label), item.path))):
        return "its id, label or path holds half of a surrogate pair, which is not valid Unicode"
    return features.rejection_reason(item)


def _select_fitting(items: Iterable[Item], features: Features, skips: dict[str, Skip]) -> list[Item]:
    """Return the items that can be indexed, and add the others to `skips`."""
    fitting = []
    for item in items:
        if reason := rejection_reason(item, features):
            skips[item.id] = Skip(SkipCategory.INCOMPATIBLE, reason)
        else:
            fitting.append(item)
    return fitting


def register_items(ledger: Ledger, items: Iterable[Item], features: Features, skips: dict[str, Skip]) -> dict[int, Item]:
    """Add items to a ledger and return them by key. Add items that have a known id, or do not fit, to `skips` instead."""
    fitting = _select_fitting(items, features, skips)
    registered: dict[int, Item] = {}
    for item, key in zip(fitting, ledger.add(fitting), strict=True):
        if key is None:
            skips[item.id] = Skip(SkipCategory.DUPLICATE_ID, "an earlier item has the same id")
        else:
            registered[key] = item
    return registered


class Prepared(NamedTuple):
    """Items that can be indexed, with a row or a code of each.

    Attributes
    ----------
    items : list of Item
    rows : array of shape (n_items, ...), or None if there is no item
        Features or codes.
    warnings : dict of str to str
        Problems of some of the items, by id.
    """

    items: list[Item]
    rows: Rows | None
    warnings: dict[str, str]

    def rows_of(self, items: Iterable[Item]) -> Rows:
        """Return the rows of some of the items, in their order."""
        position_of = {id(item): position for position, item in enumerate(self.items)}  # two items may have the same id
        rows: Any = self.rows
        return rows[[position_of[id(item)] for item in items]]


def prepare_rows(items: Iterable[Item], features: Features, skips: dict[str, Skip]) -> Prepared:
    """Return the features of items. Add the items that do not fit, or whose features are not finite, to `skips`."""
    fitting = _select_fitting(items, features, skips)
    if not fitting:
        return Prepared([], None, {})
    prepared = _select_finite(fitting, features.transform(fitting), skips)
    if prepared.rows is None:
        return prepared
    by_position = features.row_warnings(prepared.rows)
    return prepared._replace(warnings={prepared.items[position].id: reason for position, reason in by_position.items()})


def prepare_codes(index: IndexState, items: Iterable[Item], skips: dict[str, Skip]) -> Prepared:
    """Return the codes of items. Add the items that do not fit, or cannot be encoded, to `skips`."""
    prepared = prepare_rows(items, index.features, skips)
    if prepared.rows is None:
        return prepared
    encoded = _select_finite(prepared.items, index.coder.encode(prepared.rows), skips)
    return encoded._replace(warnings=prepared.warnings)


def _select_finite(items: list[Item], rows: Rows, skips: dict[str, Skip]) -> Prepared:
    """Return the items with finite rows, and add the others to `skips`."""
    is_finite = finite_rows(rows)
    if is_finite.all():
        return Prepared(items, rows, {})
    for position in np.flatnonzero(~is_finite).tolist():
        skips[items[position].id] = Skip(SkipCategory.INCOMPATIBLE, NOT_FINITE_REASON)
    kept = np.flatnonzero(is_finite)
    finite_items = [items[position] for position in kept.tolist()]
    return Prepared(finite_items, rows[kept] if len(kept) else None, {})


def make_ledger_writable(index: IndexState) -> None:
    """Replace a loaded ledger, which other processes may be reading, by a copy that can be changed."""
    if "ledger" not in index.unsaved:
        copy = index.ledger.copy()
        with index.store.lock.write():
            index.ledger = copy
            index.unsaved.add("ledger")


def add_items(index: IndexState, items: Iterable[Item], batch_size: int = READ_BATCH) -> int:
    """Encode and store items and return their number. An item replaces the one with the same id.

    Raises
    ------
    WrongKind, InvalidParameter
        If an item does not fit the collection, or cannot be encoded. Items of earlier batches stay added.
    """
    make_ledger_writable(index)
    count = 0
    for batch in batches(items, batch_size):
        unique = list({item.id: item for item in batch}.values())
        skips: dict[str, Skip] = {}
        prepared = prepare_codes(index, unique, skips)
        for id, skip in skips.items():
            raise InvalidParameter(f'cannot add "{as_utf8(id)}": {skip.reason}')
        replaced = index.ledger.rows_by_id([item.id for item in unique]).values()
        count += len(replace_items(index, replaced, prepared, {}))
        warnings = {item.id: item.warning for item in unique if item.warning}
        index.ledger.add_warnings(prepared.warnings | warnings)
    return count


def remove_items(index: IndexState, ids: Sequence[str]) -> int:
    """Remove the items with these ids and return their number. Unknown ids are ignored."""
    make_ledger_writable(index)
    return delete_rows(index, index.ledger.rows_by_id(list(ids)).values())


def insert_items(index: IndexState, items: Sequence[Item], skips: dict[str, Skip]) -> list[Item]:
    """Encode and store new items, and return those that were stored. Add the others to `skips`."""
    return replace_items(index, [], prepare_codes(index, items, skips), skips)


def replace_items(index: IndexState, rows: Iterable[LedgerRow], prepared: Prepared, skips: dict[str, Skip]) -> list[Item]:
    """Remove the items of ledger rows and store encoded items, in one step for the threads that query the index.

    Return the items that were stored, and add the others to `skips`.
    """
    with index.store.lock.write():
        delete_rows(index, rows)
        registered = register_items(index.ledger, prepared.items, index.features, skips)
        if registered:
            index.unsaved |= {"store", "ledger"}
            try:
                index.store.add(np.array(list(registered), np.int64), prepared.rows_of(registered.values()))
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
    with index.store.lock.write():
        warnings = index.ledger.warnings
        codes = index.store.codes(np.array([row.key for row, _ in moves], np.int64))
        prepared = Prepared([item for _, item in moves], codes, {})
        delete_rows(index, [row for row, _ in moves])
        registered = register_items(index.ledger, prepared.items, index.features, skips)
        if registered:
            index.store.add(np.array(list(registered), np.int64), prepared.rows_of(registered.values()))
        index.ledger.add_warnings({item.id: warnings[row.id] for row, item in moves if row.id in warnings})
    return len(registered)


def delete_rows(index: IndexState, rows: Iterable[LedgerRow]) -> int:
    """Remove the items of ledger rows and return their number."""
    rows = list(rows)
    if rows:
        keys = [row.key for row in rows]
        with index.store.lock.write():
            index.store.remove(np.array(keys, np.int64))
            index.ledger.remove(keys)
            index.ledger.remove_warnings(row.id for row in rows)
            index.unsaved |= {"store", "ledger"}
    return len(rows)
