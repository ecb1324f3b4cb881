"""Changes to the items of an open index: insert, move, delete. The store and the ledger change together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from aesearch.coders.base import NOT_FINITE_REASON, finite_rows
from aesearch.errors import InvalidParameter
from aesearch.features.base import Features
from aesearch.index.ledger import Ledger, LedgerRow
from aesearch.index.passage_codes import PassageCodes, add_codes, encode_passages, tokenize_passages
from aesearch.index.storage import IndexState
from aesearch.index.stored_values import metadata_rows
from aesearch.index.texts import TokenizedPassage
from aesearch.index.unicode import as_utf8, is_utf8
from aesearch.items import Item, Skip, SkipCategory, label_names
from aesearch.search.passages import PassageMode

if TYPE_CHECKING:
    from aesearch.arrays import Rows

T = TypeVar("T")

CHANGING_PARTS = frozenset({"store", "passages", "ledger"})
"""Parts of an index that change with its items."""

READ_BATCH = 128
"""Items per batch while reading. Batches are small, so that workers do not wait while this process computes features."""


def batches(items: Iterable[T], size: int = READ_BATCH) -> Iterator[list[T]]:
    """Yield lists of up to `size` items."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def rejection_reason(item: Item, features: Features) -> str | None:
    """Return why an item of the right kind cannot be indexed, or None if it can."""
    if not all(map(is_utf8, (item.id, *label_names(item.label), item.path))):
        return "its id, label or path holds half of a surrogate pair, which is not valid Unicode"
    try:
        rows = list(metadata_rows(0, item))
    except InvalidParameter as error:
        return str(error)
    if not all(is_utf8(text) for row in rows for text in row if isinstance(text, str)):
        return "its metadata hold half of a surrogate pair, which is not valid Unicode"
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


def register_items(
    ledger: Ledger, prepared: Prepared, features: Features, skips: dict[str, Skip]
) -> tuple[dict[int, Item], dict[int, list[int]]]:
    """Add prepared items and their texts to a ledger.

    Items that have a known id, or do not fit, are added to `skips` instead.

    Returns
    -------
    items : dict of int to Item
        The items that were added, by key.
    passages : dict of int to list of int
        The ids of their passages, by the `id()` of the item.
    """
    fitting = _select_fitting(prepared.items, features, skips)
    registered: dict[int, Item] = {}
    for item, key in zip(fitting, ledger.add(fitting), strict=True):
        if key is None:
            skips[item.id] = Skip(SkipCategory.DUPLICATE_ID, "an earlier item has the same id")
        else:
            registered[key] = item
    texts = {key: prepared.texts[id(item)] for key, item in registered.items() if id(item) in prepared.texts}
    return registered, {id(registered[key]): ids for key, ids in ledger.texts.add(texts.items()).items()}


class Prepared(NamedTuple):
    """Items that can be indexed, with a row or a code of each.

    Attributes
    ----------
    items : list of Item
    rows : array of shape (n_items, ...), or None if there is no item
        Features or codes.
    warnings : dict of str to str
        Problems of some of the items, by id.
    texts : mapping of int to list of TokenizedPassage
        The passages of each document, by the `id()` of its item.
    passage_codes : PassageCodes or None
        Codes of the passages of documents that have several.
    """

    items: list[Item]
    rows: Rows | None
    warnings: dict[str, str]
    texts: Mapping[int, list[TokenizedPassage]] = MappingProxyType({})
    passage_codes: PassageCodes | None = None

    def rows_of(self, items: Iterable[Item]) -> Rows:
        """Return the rows of some of the items, in their order."""
        position_of = {id(item): position for position, item in enumerate(self.items)}  # two items may have the same id
        rows: Any = self.rows
        return rows[[position_of[id(item)] for item in items]]


def prepare_rows(
    items: Iterable[Item], features: Features, skips: dict[str, Skip], splitting: PassageMode | None
) -> Prepared:
    """Return the features and the passages of items.

    Items that do not fit, or whose features are not finite, are added to `skips`.
    """
    fitting = _select_fitting(items, features, skips)
    if not fitting:
        return Prepared([], None, {})
    prepared = _select_finite(fitting, features.transform(fitting), skips)
    if prepared.rows is None:
        return prepared
    by_position = features.row_warnings(prepared.rows)
    warnings = {prepared.items[position].id: reason for position, reason in by_position.items()}
    return prepared._replace(warnings=warnings, texts=tokenize_passages(prepared.items, splitting))


def prepare_codes(index: IndexState, items: Iterable[Item], skips: dict[str, Skip]) -> Prepared:
    """Return the codes of items. Add the items that do not fit, or cannot be encoded, to `skips`."""
    prepared = prepare_rows(items, index.features, skips, index.record.splitting)
    if prepared.rows is None:
        return prepared
    encoded = _select_finite(prepared.items, index.coder.encode(prepared.rows), skips)
    passage_codes = encode_passages(index.features, index.coder, prepared.texts)
    return encoded._replace(warnings=prepared.warnings, texts=prepared.texts, passage_codes=passage_codes)


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
        registered, passage_ids = register_items(index.ledger, prepared, index.features, skips)
        if registered:
            index.unsaved |= CHANGING_PARTS
            try:
                index.store.add(np.array(list(registered), np.int64), prepared.rows_of(registered.values()))
                add_codes(index.passages, prepared.passage_codes, passage_ids)
            except BaseException:  # the ledger must list no item that the stores lack
                index.store.remove(np.array(list(registered), np.int64))
                index.passages.remove(np.array(index.ledger.remove(registered), np.int64))
                raise
            index.record.added = index.record.added.plus(list(registered))
    return list(registered.values())


def move_items(index: IndexState, moves: Sequence[tuple[LedgerRow, Item]], skips: dict[str, Skip]) -> int:
    """Give the code of each row to the item that now has its content. Return the number of moved items.

    An item that cannot be registered is added to `skips`, and its row is deleted.
    """
    if not moves:
        return 0
    items = [item for _, item in moves]
    texts = tokenize_passages(items, index.record.splitting)
    passage_codes = encode_passages(index.features, index.coder, texts)
    with index.store.lock.write():
        warnings = index.ledger.warnings
        codes = index.store.codes(np.array([row.key for row, _ in moves], np.int64))
        prepared = Prepared(items, codes, {}, texts)
        delete_rows(index, [row for row, _ in moves])
        registered, passage_ids = register_items(index.ledger, prepared, index.features, skips)
        if registered:
            index.store.add(np.array(list(registered), np.int64), prepared.rows_of(registered.values()))
            add_codes(index.passages, passage_codes, passage_ids)
        index.ledger.add_warnings({item.id: warnings[row.id] for row, item in moves if row.id in warnings})
    return len(registered)


def delete_rows(index: IndexState, rows: Iterable[LedgerRow]) -> int:
    """Remove the items of ledger rows and return their number."""
    rows = list(rows)
    if rows:
        keys = [row.key for row in rows]
        with index.store.lock.write():
            index.store.remove(np.array(keys, np.int64))
            index.passages.remove(np.array(index.ledger.remove(keys), np.int64))
            index.ledger.remove_warnings(row.id for row in rows)
            index.unsaved |= CHANGING_PARTS
    return len(rows)
