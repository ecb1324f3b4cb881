"""The ledger of an index: which item has which key, and the state of each file when it was read. Stored in SQLite."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from aesearch.index.database import Database, IntegrityError, translate_errors, values_in_parts
from aesearch.index.filters import Filter
from aesearch.index.stored_values import decode_label, encode_label, metadata_rows, parse_category
from aesearch.index.texts import TEXT_SCHEMA, Texts
from aesearch.index.unicode import as_utf8, is_utf8
from aesearch.items import Item, Label, Skip

_SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, path TEXT, label TEXT, digest BLOB, excerpt TEXT
);
CREATE INDEX IF NOT EXISTS items_by_path ON items (path);
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS skipped (path TEXT PRIMARY KEY, category TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS metadata (
    item INTEGER NOT NULL, name TEXT NOT NULL, value NOT NULL, PRIMARY KEY (item, name, value)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS metadata_by_value ON metadata (name, value);
CREATE TABLE IF NOT EXISTS warnings (path TEXT PRIMARY KEY, reason TEXT NOT NULL);
"""
ROWS_PER_PAGE = 10_000
"""Rows read at a time while iterating over all rows. Other threads may use the ledger between two pages."""
_MAX_KEY = (1 << 63) - 1


class LedgerRow(NamedTuple):
    """What the ledger stores about an item.

    `path` is relative to the root of the collection; absolute if the item was added from elsewhere; None if the item was
    created in memory.
    """

    key: int
    id: str
    path: str | None
    label: Label | None
    digest: bytes | None
    excerpt: str | None


class Ledger(Database):
    """Items by key, id and file.

    A key is a 63-bit checksum of the item's id. The same id has the same key in every index. The order of keys does not
    depend on the labels, so that breaking ties in distance by key favors no label.
    """

    schema = _SCHEMA + TEXT_SCHEMA

    @property
    def texts(self) -> Texts:
        """The passages of documents, and their words."""
        return Texts(self)

    def __len__(self) -> int:
        return int(self.read("SELECT count(*) FROM items")[0][0])

    def add(self, items: Iterable[Item]) -> list[int | None]:
        """Add items and return their keys; None for an item whose id already exists.

        Ids, paths and labels are valid Unicode; see `aesearch.index.edits`.
        """
        with self._lock:
            return self._add(items)

    def _add(self, items: Iterable[Item]) -> list[int | None]:
        items = list(items)
        keys = [key_of(item.id) for item in items]
        duplicates = set()
        done = 0
        while done < len(items):
            rest = zip(keys[done:], items[done:], strict=True)
            rows = [
                (key, item.id, item.path, encode_label(item.label), item.digest, item.excerpt and as_utf8(item.excerpt))
                for key, item in rest
            ]
            before = self._connection.total_changes
            try:
                self.write("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)", rows)
                break
            except IntegrityError:
                done += self._connection.total_changes - before
                if self.rows_by_id([items[done].id]):
                    duplicates.add(done)
                    done += 1
                else:  # another id with the same checksum: once in many billions
                    keys[done] = (keys[done] + 1) & _MAX_KEY
        added = [None if position in duplicates else key for position, key in enumerate(keys)]
        fields = (
            row for key, item in zip(added, items, strict=True) if key is not None for row in metadata_rows(key, item)
        )
        self.write("INSERT OR IGNORE INTO metadata VALUES (?, ?, ?)", fields)
        return added

    def remove(self, keys: Iterable[int]) -> list[int]:
        """Remove items and their texts, and return the ids of the removed passages. Unknown keys are ignored."""
        keys = list(keys)
        with self._lock:
            self.write("DELETE FROM items WHERE key = ?", [(key,) for key in keys])
            self.write("DELETE FROM metadata WHERE item = ?", [(key,) for key in keys])
            return self.texts.remove(keys)

    def matching(self, condition: Filter, keys: Sequence[int]) -> set[int]:
        """Return which of some keys are those of items that meet a condition."""
        found: set[int] = set()
        for part, marks in values_in_parts(keys):
            statement = f"SELECT key FROM items WHERE key IN ({marks}) AND ({condition.correlated})"
            found.update(key for (key,) in self.read(statement, [*part, *condition.parameters]))
        return found

    def select(self, condition: Filter) -> list[int]:
        """Return the keys of all items that meet a condition."""
        statement = f"SELECT key FROM items WHERE {condition.selecting}"
        return [key for (key,) in self.read(statement, condition.parameters)]

    def metadata_of(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return the metadata of items, without their labels, by the keys of the items that have any."""
        found: dict[int, dict[str, Any]] = {}
        for part, marks in values_in_parts(keys):
            statement = f"SELECT item, name, value FROM metadata WHERE item IN ({marks}) AND name != 'label'"
            for key, name, value in self.read(statement, part):
                fields = found.setdefault(key, {})
                known = fields.get(name)
                fields[name] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
        return found

    def count_values(self) -> list[tuple[str, Any, int]]:
        """Return each field, each of its values, and the number of items that have it, the most frequent values first."""
        statement = "SELECT name, value, count(*) AS n FROM metadata GROUP BY name, value ORDER BY name, n DESC, value"
        return [(name, value, n) for name, value, n in self.read(statement)]

    def rows_by_key(self, keys: Sequence[int]) -> dict[int, LedgerRow]:
        """Return the rows of the keys that exist."""
        return {row.key: row for row in self._select("key", keys)}

    def rows_by_id(self, ids: Sequence[str]) -> dict[str, LedgerRow]:
        """Return the rows of the ids that exist."""
        return {row.id: row for row in self._select("id", [id for id in ids if is_utf8(id)])}

    def rows_by_path(self, paths: Sequence[str]) -> list[LedgerRow]:
        """Return the rows of all items in the files."""
        return list(self._select("path", paths))

    def all_rows(self) -> Iterator[LedgerRow]:
        """Yield every row in the order of keys."""
        last_key = -1
        while page := self._read_rows(f"SELECT * FROM items WHERE key > ? ORDER BY key LIMIT {ROWS_PER_PAGE}", [last_key]):
            yield from page
            last_key = page[-1].key

    def has_keys(self, keys: np.ndarray) -> bool:
        """Return whether the items have exactly these distinct keys [n] int64.

        Only their count and the sums of their halves are compared. This takes 0.1 seconds for a million items, while
        reading all keys takes a second, and finds every difference but a contrived one.
        """
        statement = "SELECT count(*), coalesce(sum(key & 2147483647), 0), coalesce(sum(key >> 31), 0) FROM items"
        return self.read(statement)[0] == (len(keys), int((keys & 0x7FFFFFFF).sum()), int((keys >> 31).sum()))

    def files(self) -> dict[str, tuple[int, int]]:
        """Return the size in bytes and the modification time in nanoseconds of every file when it was read."""
        return {path: (size, mtime) for path, size, mtime in self.read("SELECT * FROM files")}

    def set_files(self, files: Mapping[str, tuple[int, int]]) -> None:
        """Record the size and the modification time of files."""
        rows = ((path, *stat) for path, stat in files.items() if is_utf8(path))
        self.write("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", rows)

    def remove_files(self, paths: Iterable[str]) -> None:
        """Remove the records of files."""
        self.write("DELETE FROM files WHERE path = ?", ((path,) for path in paths))

    @property
    def skipped(self) -> dict[str, Skip]:
        """Every file and row that was skipped, and why."""
        rows = self.read("SELECT path, category, reason FROM skipped ORDER BY path")
        return {path: Skip(parse_category(category), reason) for path, category, reason in rows}

    @skipped.setter
    def skipped(self, skips: Mapping[str, Skip]) -> None:
        self.write("DELETE FROM skipped", [()])
        self.add_skips(skips)

    def add_skips(self, skips: Mapping[str, Skip]) -> None:
        """Record more skipped files and rows."""
        rows = ((as_utf8(path), skip.category.value, as_utf8(skip.reason)) for path, skip in skips.items())
        self.write("INSERT OR REPLACE INTO skipped VALUES (?, ?, ?)", rows)

    @property
    def warnings(self) -> dict[str, str]:
        """Every file and row that was read only in part, and what is missing."""
        return dict(self.read("SELECT path, reason FROM warnings ORDER BY path"))

    def add_warnings(self, warnings: Mapping[str, str]) -> None:
        """Record more files and rows that were read only in part."""
        rows = ((as_utf8(path), as_utf8(reason)) for path, reason in warnings.items())
        self.write("INSERT OR REPLACE INTO warnings VALUES (?, ?)", rows)

    def remove_warnings(self, paths: Iterable[str]) -> None:
        """Remove the warnings about files and rows. Unknown paths are ignored."""
        self.write("DELETE FROM warnings WHERE path = ?", ((as_utf8(path),) for path in paths))

    def _select(self, column: str, values: Sequence[int] | Sequence[str]) -> Iterator[LedgerRow]:
        for part, marks in values_in_parts(values):
            yield from self._read_rows(f"SELECT * FROM items WHERE {column} IN ({marks})", part)

    def _read_rows(self, statement: str, values: Sequence[int] | Sequence[str]) -> list[LedgerRow]:
        """Return selected rows of the table `items`."""
        found = self.read(statement, values)
        with translate_errors(self._path):
            return [LedgerRow(*row)._replace(label=decode_label(row[3])) for row in found]


def key_of(id: str) -> int:
    """Return the 63-bit checksum of an id."""
    return int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest()) & _MAX_KEY
