"""The ledger of an index: which item has which key, and the state of each file when it was read. Stored in SQLite."""

from __future__ import annotations

import errno
import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from aesearch.errors import Busy, CorruptIndex
from aesearch.index.locations import temporary_folder
from aesearch.index.stored_values import decode_label, encode_label, parse_category
from aesearch.index.unicode import as_utf8, is_utf8
from aesearch.items import Item, Label, Skip

_SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, path TEXT, label TEXT, digest BLOB, excerpt TEXT
);
CREATE INDEX IF NOT EXISTS items_by_path ON items (path);
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS skipped (path TEXT PRIMARY KEY, category TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS warnings (path TEXT PRIMARY KEY, reason TEXT NOT NULL);
"""
_SCHEMA_QUERY = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
MAX_VALUES_PER_STATEMENT = 500
ROWS_PER_PAGE = 10_000
"""Rows read at a time while iterating over all rows. Other threads may use the ledger between two pages."""
_MAX_KEY = (1 << 63) - 1
_DISK_ERROR_CODES = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


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


class Ledger:
    """Items by key, id and file.

    A key is a 63-bit checksum of the item's id. The same id has the same key in every index. The order of keys does not
    depend on the labels, so that breaking ties in distance by key favors no label.

    Threads may share a ledger: they use the connection one after the other.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path | None = None, *, is_temporary: bool = False) -> None:
        self._connection, self._path, self._is_temporary = connection, path, is_temporary
        self._lock = threading.RLock()

    @classmethod
    def create(cls) -> Self:
        """Return an empty ledger in memory. SQLite moves a large one to a temporary file."""
        connection = sqlite3.connect("", check_same_thread=False)
        connection.executescript(_SCHEMA)
        return cls(connection, is_temporary=True)

    @classmethod
    def open_exclusive(cls, path: Path) -> Self:
        """Open a ledger that is written in place, in the state of its last commit(). Create it if the file does not exist.

        Raises
        ------
        Busy
            If another process has it open.
        CorruptIndex
            If the file is not a ledger.
        """
        with _translate_errors(path), ExitStack() as stack:
            connection = stack.enter_context(closing(sqlite3.connect(path, timeout=1, check_same_thread=False)))
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # no shared memory, which network file systems lack
            connection.execute("PRAGMA journal_mode = WAL")  # commits are atomic, and do not wait for the disk
            connection.execute("PRAGMA synchronous = NORMAL")
            (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if result != "ok":
                raise sqlite3.DatabaseError(result)
            connection.executescript(_SCHEMA)
            _check_schema(connection, path)
            stack.pop_all()  # keep it open
        return cls(connection, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Open a ledger for reading; `copy()` returns one that can be changed. Raises CorruptIndex if it cannot be read."""
        if not path.is_file():
            raise CorruptIndex(path, "is missing")
        with _translate_errors(path):
            address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(address, uri=True, check_same_thread=False)
            _check_schema(connection, path)
        return cls(connection, path)

    def copy(self) -> Ledger:
        """Return a copy that can be changed independently of the file."""
        connection = sqlite3.connect("", check_same_thread=False)
        with self._lock, _translate_errors(self._path, is_temporary=True):
            self._connection.commit()  # a backup waits forever for uncommitted changes
            self._connection.backup(connection)
        return Ledger(connection, self._path, is_temporary=True)

    def commit(self) -> None:
        """Make the changes since the last commit durable, if the ledger has a file."""
        with self._lock, _translate_errors(self._path):
            self._connection.commit()

    def save(self, path: Path) -> None:
        """Write the ledger to a file. Raises OSError if the disk is full."""
        with self._lock, _translate_errors(path):
            self._connection.commit()
            with closing(sqlite3.connect(path)) as target:
                self._connection.backup(target)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __len__(self) -> int:
        return int(self._read("SELECT count(*) FROM items")[0][0])

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
                self._write("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)", rows)
                break
            except sqlite3.IntegrityError:
                done += self._connection.total_changes - before
                if self.rows_by_id([items[done].id]):
                    duplicates.add(done)
                    done += 1
                else:  # another id with the same checksum: once in many billions
                    keys[done] = (keys[done] + 1) & _MAX_KEY
        return [None if position in duplicates else key for position, key in enumerate(keys)]

    def remove(self, keys: Iterable[int]) -> None:
        """Remove items. Unknown keys are ignored."""
        self._write("DELETE FROM items WHERE key = ?", ((key,) for key in keys))

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
        return self._read(statement)[0] == (len(keys), int((keys & 0x7FFFFFFF).sum()), int((keys >> 31).sum()))

    def files(self) -> dict[str, tuple[int, int]]:
        """Return the size in bytes and the modification time in nanoseconds of every file when it was read."""
        return {path: (size, mtime) for path, size, mtime in self._read("SELECT * FROM files")}

    def set_files(self, files: Mapping[str, tuple[int, int]]) -> None:
        """Record the size and the modification time of files."""
        rows = ((path, *stat) for path, stat in files.items() if is_utf8(path))
        self._write("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", rows)

    def remove_files(self, paths: Iterable[str]) -> None:
        """Remove the records of files."""
        self._write("DELETE FROM files WHERE path = ?", ((path,) for path in paths))

    @property
    def skipped(self) -> dict[str, Skip]:
        """Every file and row that was skipped, and why."""
        rows = self._read("SELECT path, category, reason FROM skipped ORDER BY path")
        return {path: Skip(parse_category(category), reason) for path, category, reason in rows}

    @skipped.setter
    def skipped(self, skips: Mapping[str, Skip]) -> None:
        self._write("DELETE FROM skipped", [()])
        self.add_skips(skips)

    def add_skips(self, skips: Mapping[str, Skip]) -> None:
        """Record more skipped files and rows."""
        rows = ((as_utf8(path), skip.category.value, as_utf8(skip.reason)) for path, skip in skips.items())
        self._write("INSERT OR REPLACE INTO skipped VALUES (?, ?, ?)", rows)

    @property
    def warnings(self) -> dict[str, str]:
        """Every file and row that was read only in part, and what is missing."""
        return dict(self._read("SELECT path, reason FROM warnings ORDER BY path"))

    def add_warnings(self, warnings: Mapping[str, str]) -> None:
        """Record more files and rows that were read only in part."""
        rows = ((as_utf8(path), as_utf8(reason)) for path, reason in warnings.items())
        self._write("INSERT OR REPLACE INTO warnings VALUES (?, ?)", rows)

    def remove_warnings(self, paths: Iterable[str]) -> None:
        """Remove the warnings about files and rows. Unknown paths are ignored."""
        self._write("DELETE FROM warnings WHERE path = ?", ((as_utf8(path),) for path in paths))

    def _select(self, column: str, values: Sequence[int] | Sequence[str]) -> Iterator[LedgerRow]:
        for start in range(0, len(values), MAX_VALUES_PER_STATEMENT):
            part = values[start : start + MAX_VALUES_PER_STATEMENT]
            marks = ",".join("?" * len(part))
            yield from self._read_rows(f"SELECT * FROM items WHERE {column} IN ({marks})", part)

    def _read_rows(self, statement: str, values: Sequence[int] | Sequence[str]) -> list[LedgerRow]:
        """Return selected rows of the table `items`."""
        found = self._read(statement, values)
        with _translate_errors(self._path):
            return [LedgerRow(*row)._replace(label=decode_label(row[3])) for row in found]

    def _read(self, statement: str, values: Sequence[int] | Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """Return selected rows. Raises CorruptIndex at a damaged page, which SQLite notices only when it reads the page."""
        with self._lock, _translate_errors(self._path, self._is_temporary):
            return self._connection.execute(statement, values).fetchall()

    def _write(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run a statement once per row. Raises OSError if the disk is full: a large ledger in memory uses the disk, too."""
        with self._lock, _translate_errors(self._path, self._is_temporary):
            self._connection.executemany(statement, rows)


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise CorruptIndex unless a database has exactly the tables of a ledger: a manipulated view could run forever."""
    with closing(sqlite3.connect("")) as empty:
        empty.executescript(_SCHEMA)
        expected = empty.execute(_SCHEMA_QUERY).fetchall()
    if connection.execute(_SCHEMA_QUERY).fetchall() != expected:
        raise CorruptIndex(path, "does not have the tables of a ledger")


def key_of(id: str) -> int:
    """Return the 63-bit checksum of an id."""
    return int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest()) & _MAX_KEY


@contextmanager
def _translate_errors(path: Path | None, is_temporary: bool = False) -> Iterator[None]:
    """Turn errors of SQLite into Busy, into OSError if the disk is full or read-only, and otherwise into CorruptIndex.

    A ledger in memory is written to the temporary folder if it is large; then that is the full one.
    """
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except (sqlite3.DatabaseError, ValueError) as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            raise Busy(f"{path} is locked: another process is writing it; try again when it has finished") from None
        if code in _DISK_ERROR_CODES:
            full = temporary_folder() if is_temporary else path
            raise OSError(errno.EIO, f"the ledger cannot be written ({error}); free some disk space", full) from None
        raise CorruptIndex(path or "the ledger", f"cannot be read ({error})") from None
