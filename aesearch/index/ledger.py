"""The ledger: which item stands behind a key, and which file, as it was when read, behind an item.  SQLite."""

from __future__ import annotations

import errno
import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from aesearch.errors import Busy, CorruptIndex
from aesearch.items import Item

_TABLES = """
CREATE TABLE IF NOT EXISTS items (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, path TEXT, label TEXT, digest BLOB, excerpt TEXT
);
CREATE INDEX IF NOT EXISTS items_by_path ON items (path);
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS skipped (path TEXT PRIMARY KEY, reason TEXT NOT NULL);
"""
MOST_AT_ONCE = 500
"""Keys or ids named in one statement."""


class Row(NamedTuple):
    """What is kept of an item; `path` is below the collection's root."""

    key: int
    id: str
    path: str | None
    label: str | None
    digest: bytes | None
    excerpt: str | None


class Ledger:
    """Items by key, id and file.

    A key is a checksum of the item's id, 63 bits of it: the same for the same id in every index, and in no order, so that
    ties in distance that are broken by key favor no label.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path | None = None) -> None:
        self._db, self._path = connection, path

    @classmethod
    def new(cls) -> Self:
        """An empty ledger, in memory until it is saved (SQLite spills a large one to a file of its own)."""
        db = sqlite3.connect("", check_same_thread=False)
        db.executescript(_TABLES)
        return cls(db)

    @classmethod
    def kept(cls, path: Path) -> Self:
        """A ledger that is written at `path` as it grows: as it was at its last commit(), or empty if it is not there.

        It is this process's alone.  Raises Busy where another has it, and CorruptIndex where the file is none.
        """
        with _as_ours(path):
            db = sqlite3.connect(path, timeout=1, check_same_thread=False)
            db.execute("PRAGMA locking_mode = EXCLUSIVE")  # no memory need be shared, which network file systems cannot
            db.execute("PRAGMA journal_mode = WAL")  # a commit then need not wait for the disk, and still is all or nothing
            db.execute("PRAGMA synchronous = NORMAL")
            (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise sqlite3.DatabaseError(found)
            db.executescript(_TABLES)
        return cls(db, path)

    def commit(self) -> None:
        """Makes what was entered since the last one outlive this process, where the ledger has a file."""
        with _as_ours(self._path):
            self._db.commit()

    @classmethod
    def load(cls, path: Path) -> Self:
        """The ledger at `path`, to be read; `copy()` gives one that can be changed.  Raises CorruptIndex."""
        if not path.is_file():
            raise CorruptIndex(path, "is missing")
        with _as_ours(path):
            db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        ledger = cls(db, path)
        next(ledger._read("SELECT key, id, path, label, digest, excerpt FROM items LIMIT 1"), None)
        return ledger

    def copy(self) -> Ledger:
        """The same ledger, apart from its file."""
        db = sqlite3.connect("", check_same_thread=False)
        with _as_ours(self._path):
            self._db.commit()  # a copy would wait for ever for what is not
            self._db.backup(db)
        return Ledger(db, self._path)

    def save(self, path: Path) -> None:
        """Writes the ledger to `path`.  Raises OSError, where the disk is full."""
        with _as_ours(path):
            self._db.commit()
            with closing(sqlite3.connect(path)) as target:
                self._db.backup(target)

    def close(self) -> None:
        self._db.close()

    def __len__(self) -> int:
        return int(next(self._read("SELECT count(*) FROM items"))[0])

    def add(self, items: Iterable[Item]) -> list[int | None]:
        """Enters the items and returns their keys; None for one whose id is there already."""
        items = list(items)
        keys = [key_of(item.id) for item in items]
        refused = set()
        done = 0
        while done < len(items):
            rest = zip(keys[done:], items[done:], strict=True)
            rows = [(key, one.id, one.path, one.label, one.digest, one.excerpt) for key, one in rest]
            before = self._db.total_changes
            try:
                self._change("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)", rows)
                break
            except sqlite3.IntegrityError:
                done += self._db.total_changes - before
                if self.rows_by_id([items[done].id]):
                    refused.add(done)
                    done += 1
                else:
                    keys[done] = (keys[done] + 1) & _POSITIVE  # another id of the same checksum: once in many billions
        return [None if place in refused else key for place, key in enumerate(keys)]

    def remove(self, keys: Iterable[int]) -> None:
        self._change("DELETE FROM items WHERE key = ?", ((key,) for key in keys))

    def rows_by_key(self, keys: Sequence[int]) -> dict[int, Row]:
        """The rows of those of the keys that are there."""
        return {row.key: row for row in self._select("key", keys)}

    def rows_by_id(self, ids: Sequence[str]) -> dict[str, Row]:
        """The rows of those of the ids that are there."""
        return {row.id: row for row in self._select("id", ids)}

    def rows_by_path(self, paths: Sequence[str]) -> list[Row]:
        """The rows of the items in those files."""
        return list(self._select("path", paths))

    def all_rows(self) -> Iterator[Row]:
        """Every row, by key."""
        return map(Row._make, self._read("SELECT * FROM items ORDER BY key"))

    def _select(self, column: str, values: Sequence[int] | Sequence[str]) -> Iterator[Row]:
        for start in range(0, len(values), MOST_AT_ONCE):
            part = values[start : start + MOST_AT_ONCE]
            marks = ",".join("?" * len(part))
            yield from map(Row._make, self._read(f"SELECT * FROM items WHERE {column} IN ({marks})", part))

    def _read(self, statement: str, values: Sequence[int] | Sequence[str] = ()) -> Iterator[tuple[Any, ...]]:
        """What the statement selects.  Raises CorruptIndex at a damaged page: SQLite looks at each only when it needs it."""
        with _as_ours(self._path):
            yield from self._db.execute(statement, values)

    def _change(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Runs the statement for each of the rows.  Raises OSError where the disk is full: large ledgers lie there too."""
        with _as_ours(self._path):
            self._db.executemany(statement, rows)

    def files(self) -> dict[str, tuple[int, int]]:
        """Size in bytes and time of change in nanoseconds of every file, as they were when it was read."""
        return {path: (size, mtime) for path, size, mtime in self._read("SELECT * FROM files")}

    def set_files(self, files: Mapping[str, tuple[int, int]]) -> None:
        self._change("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", ((path, *stat) for path, stat in files.items()))

    def remove_files(self, paths: Iterable[str]) -> None:
        self._change("DELETE FROM files WHERE path = ?", ((path,) for path in paths))

    @property
    def skipped(self) -> dict[str, str]:
        """Every file and row that was left out, and why."""
        return dict(self._read("SELECT path, reason FROM skipped ORDER BY path"))

    @skipped.setter
    def skipped(self, reasons: Mapping[str, str]) -> None:
        self._change("DELETE FROM skipped", [()])
        self.skip(reasons)

    def skip(self, reasons: Mapping[str, str]) -> None:
        """Enters more that was left out."""
        self._change("INSERT OR REPLACE INTO skipped VALUES (?, ?)", reasons.items())


@contextmanager
def _as_ours(path: Path | None) -> Iterator[None]:
    """SQLite's errors as ours: Busy, OSError where the disk has no room or cannot be written, else CorruptIndex."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except (sqlite3.DatabaseError, UnicodeError) as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            raise Busy(f"{path} is being written by another process; try again when it has ended") from None
        if code in _THE_DISK:
            raise OSError(errno.EIO, f"the ledger cannot be written ({error}); make room on the disk", path) from None
        raise CorruptIndex(path or "the ledger", f"cannot be read ({error})") from None


_THE_DISK = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_POSITIVE = (1 << 63) - 1


def key_of(id: str) -> int:
    """63 bits of a checksum of the id."""
    return int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest()) & _POSITIVE
