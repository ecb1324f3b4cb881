"""SQLite databases of an index: read in place, changed in a copy, saved to a new file."""

from __future__ import annotations

import errno
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

from aesearch.errors import Busy, CorruptIndex
from aesearch.index.locations import temporary_folder

MAX_VALUES_PER_STATEMENT = 500
IntegrityError = sqlite3.IntegrityError
_SCHEMA_QUERY = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
_DISK_ERROR_CODES = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


class Database:
    """An SQLite database with a fixed schema.

    Threads may share a database: they use the connection one after the other.

    Attributes
    ----------
    schema : str
        SQL statements that create the tables of a subclass.
    """

    schema: ClassVar[str]

    def __init__(self, connection: sqlite3.Connection, path: Path | None = None, *, is_temporary: bool = False) -> None:
        self._connection, self._path, self._is_temporary = connection, path, is_temporary
        self._lock = threading.RLock()

    @classmethod
    def create(cls) -> Self:
        """Return an empty database in memory. SQLite moves a large one to a temporary file."""
        connection = sqlite3.connect("", check_same_thread=False)
        connection.executescript(cls.schema)
        return cls(connection, is_temporary=True)

    @classmethod
    def open_exclusive(cls, path: Path) -> Self:
        """Open a database that is written in place, in the state of its last commit(). Create it if there is no file.

        Raises
        ------
        Busy
            If another process has it open.
        CorruptIndex
            If the file does not have this schema.
        """
        with translate_errors(path), ExitStack() as stack:
            connection = stack.enter_context(closing(sqlite3.connect(path, timeout=1, check_same_thread=False)))
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # no shared memory, which network file systems lack
            connection.execute("PRAGMA journal_mode = WAL")  # commits are atomic, and do not wait for the disk
            connection.execute("PRAGMA synchronous = NORMAL")
            (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if result != "ok":
                raise sqlite3.DatabaseError(result)
            connection.executescript(cls.schema)
            _check_schema(connection, cls.schema, path)
            stack.pop_all()  # keep it open
        return cls(connection, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Open a database for reading; `copy()` returns one that can be changed. Raises CorruptIndex if that fails."""
        if not path.is_file():
            raise CorruptIndex(path, "is missing")
        with translate_errors(path):
            address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(address, uri=True, check_same_thread=False)
            _check_schema(connection, cls.schema, path)
        return cls(connection, path)

    def copy(self) -> Self:
        """Return a copy that can be changed independently of the file."""
        connection = sqlite3.connect("", check_same_thread=False)
        with self._lock, translate_errors(self._path, is_temporary=True):
            self._connection.commit()  # a backup waits forever for uncommitted changes
            self._connection.backup(connection)
        return type(self)(connection, self._path, is_temporary=True)

    def commit(self) -> None:
        """Make the changes since the last commit durable, if the database has a file."""
        with self._lock, translate_errors(self._path):
            self._connection.commit()

    def save(self, path: Path) -> None:
        """Write the database to a file. Raises OSError if the disk is full."""
        with self._lock, translate_errors(path):
            self._connection.commit()
            with closing(sqlite3.connect(path)) as target:
                self._connection.backup(target)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def read(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return selected rows. Raises CorruptIndex at a damaged page, which SQLite notices only when it reads the page."""
        with self._lock, translate_errors(self._path, self._is_temporary):
            return self._connection.execute(statement, values).fetchall()

    def write(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run a statement once per row. Raises OSError if the disk is full, which a large database in memory uses, too."""
        with self._lock, translate_errors(self._path, self._is_temporary):
            self._connection.executemany(statement, rows)


def _check_schema(connection: sqlite3.Connection, schema: str, path: Path) -> None:
    """Raise CorruptIndex unless a database has exactly the tables of its schema: a manipulated view could run forever."""
    with closing(sqlite3.connect("")) as empty:
        empty.executescript(schema)
        expected = empty.execute(_SCHEMA_QUERY).fetchall()
    if connection.execute(_SCHEMA_QUERY).fetchall() != expected:
        raise CorruptIndex(path, "does not have the tables of a ledger")


@contextmanager
def translate_errors(path: Path | None, is_temporary: bool = False) -> Iterator[None]:
    """Turn errors of SQLite into Busy, into OSError if the disk is full or read-only, and otherwise into CorruptIndex.

    A database in memory is written to the temporary folder if it is large; then that is the full one.
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


def values_in_parts(values: Sequence[Any]) -> Iterator[tuple[Sequence[Any], str]]:
    """Yield parts of a sequence that one statement can take, and the marks of their parameters: `IN (?,?,?)`."""
    for start in range(0, len(values), MAX_VALUES_PER_STATEMENT):
        part = values[start : start + MAX_VALUES_PER_STATEMENT]
        yield part, ",".join("?" * len(part))
