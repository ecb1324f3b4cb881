"""Rows and codes on disk between reading and storing.

Each input file is read once, memory stays bounded, and an interrupted build finds what it had done.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from aesearch.arrays import is_sparse

if TYPE_CHECKING:
    from aesearch.arrays import Rows

LOG_FILE = "batches.jsonl"


class Spool:
    """Rows under keys: appended in batches, read by position.

    Dense rows are stored in one file. Sparse rows are stored in two (columns and weights), and only the offset of each row
    is held in memory. For each batch a line of LOG_FILE lists the bytes added to each file, with checksums.

    Parameters
    ----------
    folder : Path
        Created if it does not exist. An existing spool is reopened with all complete batches; the rest is discarded.
    known_keys : container of int, optional
        When reopening, discard all batches from the first one with another key.
    """

    def __init__(self, folder: Path, known_keys: Container[int] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._files: dict[str, IO[bytes]] = {}
        self._dtypes: dict[str, Any] = {}
        self._keys = [np.zeros(0, np.int64)]
        self._offsets = [np.zeros(1, np.int64)]
        self._shape: tuple[int, ...] = ()
        self._is_sparse = False
        self._length = 0
        self._reopen(known_keys)

    def __len__(self) -> int:
        return self._length

    @property
    def keys(self) -> np.ndarray:
        """Keys of all rows in their order, [n_rows] int64."""
        return _merge(self._keys)

    def append(self, keys: np.ndarray, X: Any) -> None:
        """Append rows.

        Parameters
        ----------
        keys : array of shape (n_rows,), int64
        X : array or csr matrix of shape (n_rows, ...)
            All batches have the same type and width.
        """
        keys = np.asarray(keys, np.int64)
        if is_sparse(X):
            counts = np.diff(X.indptr).astype(np.int64)
            arrays = {"keys": keys, "counts": counts, "columns": X.indices.astype(np.int32, copy=False), "weights": X.data}
        else:
            arrays = {"keys": keys, "rows": np.asarray(X)}
        with _naming(self._folder):
            batch = {"shape": X.shape[1:], "files": {name: self._write(name, array) for name, array in arrays.items()}}
            self._file(LOG_FILE).write(json.dumps(batch).encode() + b"\n")
        self._register(batch, arrays)

    def _write(self, name: str, array: np.ndarray) -> tuple[str, int, int]:
        """Append an array to a file. Return its dtype, size in bytes and checksum."""
        data = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        self._file(name).write(data)
        return array.dtype.str, data.nbytes, zlib.crc32(data)

    def _register(self, batch: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Add a batch, which is in the files already, to the rows."""
        self._shape, self._is_sparse = tuple(batch["shape"]), "counts" in arrays
        self._dtypes |= {name: array.dtype for name, array in arrays.items()}
        self._keys.append(arrays["keys"])
        if self._is_sparse:
            self._offsets.append(np.cumsum(arrays["counts"]) + self._offsets[-1][-1])
        self._length += len(arrays["keys"])

    def _reopen(self, known_keys: Container[int] | None) -> None:
        """Register the complete batches, and truncate the files after the last one."""
        sizes = {LOG_FILE: 0}
        for line in self._file(LOG_FILE).readlines():
            if not line.endswith(b"\n"):
                break
            try:
                batch = json.loads(line)
                arrays = {name: self._read_next(name, *entry) for name, entry in batch["files"].items()}
            except (ValueError, TypeError, KeyError):  # the line or its data is incomplete
                break
            if known_keys is not None and not all(key in known_keys for key in arrays["keys"].tolist()):
                break
            self._register(batch, arrays)
            sizes[LOG_FILE] += len(line)
            for name, (_, size, _) in batch["files"].items():
                sizes[name] = sizes.get(name, 0) + size
        for path in self._folder.iterdir():
            self._file(path.name).truncate(sizes.get(path.name, 0))

    def _read_next(self, name: str, dtype: str, size: int, checksum: int) -> np.ndarray:
        """Read the next array of a file. Raises ValueError if it is incomplete or altered."""
        data = self._file(name).read(size)
        if len(data) != size or zlib.crc32(data) != checksum:
            raise ValueError(name)
        return np.frombuffer(data, dtype)

    def _file(self, name: str) -> IO[bytes]:
        """Return an open file, which is read from the start and written at the end."""
        if name not in self._files:
            self._files[name] = open(self._folder / name, "a+b")  # noqa: SIM115  # closed by close()
            self._files[name].seek(0)
        return self._files[name]

    def _memory_map(self, name: str) -> np.ndarray:
        """Return the content of a file without reading it into memory."""
        with _naming(self._folder):
            self._files[name].flush()
        if not (self._folder / name).stat().st_size:
            return np.zeros(0, self._dtypes[name])
        return np.memmap(self._folder / name, self._dtypes[name], "r")

    def flush(self) -> None:
        """Pass all appended rows to the operating system, so that they outlive this process. The log is flushed last."""
        with _naming(self._folder):
            for name in sorted(self._files, key=lambda name: name == LOG_FILE):
                self._files[name].flush()

    def rows(self, positions: np.ndarray) -> Rows:
        """Return the rows at ascending positions [n] as an array in memory, [n, ...]."""
        if not self._is_sparse:
            return np.array(self._memory_map("rows").reshape(self._length, *self._shape)[_as_slice(positions)])
        from scipy.sparse import csr_array

        offsets = _merge(self._offsets)
        counts = offsets[positions + 1] - offsets[positions]
        ends = np.cumsum(counts)
        entries = np.repeat(offsets[positions] - (ends - counts), counts) + np.arange(ends[-1] if len(ends) else 0)
        weights, columns = self._memory_map("weights")[entries], self._memory_map("columns")[entries]
        indptr = np.concatenate([[0], ends])
        return csr_array((weights, columns, indptr), shape=(len(positions), self._shape[0]))

    def sample(self, max_rows: int, seed: int = 0) -> Rows:
        """Return all rows in their order, or a random sample of `max_rows` of them."""
        if self._length <= max_rows:
            return self.rows(np.arange(self._length))
        return self.rows(np.sort(np.random.default_rng(seed).choice(self._length, max_rows, replace=False)))

    def close(self) -> None:
        """Close all files."""
        with _naming(self._folder):
            for file in self._files.values():
                file.close()


@contextmanager
def _naming(folder: Path) -> Iterator[None]:
    """Name the folder in an OSError without a path: it may be in the temporary folder, which may be on another disk."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(folder)
        raise


def _merge(parts: list[np.ndarray]) -> np.ndarray:
    """Concatenate the parts in place and return the result. Parts are appended more often than they are read."""
    if len(parts) > 1:
        parts[:] = [np.concatenate(parts)]
    return parts[0]


def _as_slice(positions: np.ndarray) -> np.ndarray | slice:
    """Return consecutive positions as a slice, which is read many times faster, and other positions as they are."""
    is_consecutive = len(positions) and positions[-1] - positions[0] == len(positions) - 1
    return slice(int(positions[0]), int(positions[-1]) + 1) if is_consecutive else positions
