"""Rows of features, and codes, kept on disk between reading and storing: each file is read once, memory stays bounded, and
a build that was broken off finds again what it had."""

from __future__ import annotations

import json
import zlib
from collections.abc import Container
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from aesearch.arrays import is_sparse

if TYPE_CHECKING:
    from aesearch.arrays import Rows

BATCHES = "batches.jsonl"


class Spool:
    """Rows under keys, appended in batches, then read by their numbers.

    Dense rows lie in one file; sparse ones in two (columns, weights), and only where each row begins is held in memory.
    A line of BATCHES says of each batch what it added to each file, with a checksum: a spool that is opened again holds the
    batches that are whole, and of these, where `known` is given, those up to the first with a key that is not known.
    """

    def __init__(self, folder: Path, known: Container[int] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._files: dict[str, IO[bytes]] = {}
        self._dtypes: dict[str, Any] = {}
        self._keys = [np.zeros(0, np.int64)]
        self._starts = [np.zeros(1, np.int64)]
        self._shape: tuple[int, ...] = ()
        self._is_sparse = False
        self._length = 0
        self._reopen(known)

    def __len__(self) -> int:
        return self._length

    @property
    def keys(self) -> np.ndarray:
        """[N] int64, in the order of the rows."""
        return _joined(self._keys)

    def append(self, keys: np.ndarray, X: Any) -> None:
        """Adds rows [N, ...], dense or csr, and their keys [N] int64; all batches are of one kind and width."""
        keys = np.asarray(keys, np.int64)
        if is_sparse(X):
            counts = np.diff(X.indptr).astype(np.int64)
            arrays = {"keys": keys, "counts": counts, "columns": X.indices.astype(np.int32, copy=False), "weights": X.data}
        else:
            arrays = {"keys": keys, "rows": np.asarray(X)}
        batch = {"shape": X.shape[1:], "files": {name: self._write(name, array) for name, array in arrays.items()}}
        self._file(BATCHES).write(json.dumps(batch).encode() + b"\n")
        self._enter(batch, arrays)

    def _write(self, name: str, array: np.ndarray) -> tuple[str, int, int]:
        """Dtype, bytes and checksum of what was added to the file."""
        raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        self._file(name).write(raw)
        return array.dtype.str, raw.nbytes, zlib.crc32(raw)

    def _enter(self, batch: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self._shape, self._is_sparse = tuple(batch["shape"]), "counts" in arrays
        self._dtypes |= {name: array.dtype for name, array in arrays.items()}
        self._keys.append(arrays["keys"])
        if self._is_sparse:
            self._starts.append(np.cumsum(arrays["counts"]) + self._starts[-1][-1])
        self._length += len(arrays["keys"])

    def _reopen(self, known: Container[int] | None) -> None:
        """Takes up the batches that are whole, and cuts off what follows them."""
        kept = {BATCHES: 0}
        for line in self._file(BATCHES).readlines():
            try:
                batch = json.loads(line)
                arrays = {name: self._whole(name, *said) for name, said in batch["files"].items()}
            except (ValueError, TypeError, KeyError):  # the line itself was not written whole
                break
            if known is not None and not all(key in known for key in arrays["keys"].tolist()):
                break
            self._enter(batch, arrays)
            kept[BATCHES] += len(line)
            for name, (_, size, _) in batch["files"].items():
                kept[name] = kept.get(name, 0) + size
        for path in self._folder.iterdir():
            self._file(path.name).truncate(kept.get(path.name, 0))

    def _whole(self, name: str, dtype: str, size: int, checksum: int) -> np.ndarray:
        """What is next in the file.  Raises ValueError where it is not what was written."""
        raw = self._file(name).read(size)
        if len(raw) != size or zlib.crc32(raw) != checksum:
            raise ValueError(name)
        return np.frombuffer(raw, dtype)

    def _file(self, name: str) -> IO[bytes]:
        """Read from its beginning, written at its end."""
        if name not in self._files:
            self._files[name] = open(self._folder / name, "a+b")  # noqa: SIM115  # closed by close()
            self._files[name].seek(0)
        return self._files[name]

    def _read(self, name: str) -> np.ndarray:
        self._files[name].flush()
        if not (self._folder / name).stat().st_size:
            return np.zeros(0, self._dtypes[name])
        return np.memmap(self._folder / name, self._dtypes[name], "r")

    def flush(self) -> None:
        """Hands to the system what was appended, so that it outlives this process; the line of a batch after the batch."""
        for name in sorted(self._files, key=lambda name: name == BATCHES):
            self._files[name].flush()

    def rows(self, numbers: np.ndarray) -> Rows:
        """The rows of those numbers [M], in rising order, as an array in memory: [M, ...]."""
        if not self._is_sparse:
            return np.array(self._read("rows").reshape(self._length, *self._shape)[_place(numbers)])
        from scipy.sparse import csr_array

        starts = _joined(self._starts)
        counts = starts[numbers + 1] - starts[numbers]
        ends = np.cumsum(counts)
        places = np.repeat(starts[numbers] - (ends - counts), counts) + np.arange(ends[-1] if len(ends) else 0)
        parts = (self._read("weights")[places], self._read("columns")[places], np.concatenate([[0], ends]))
        return csr_array(parts, shape=(len(numbers), self._shape[0]))

    def sample(self, most: int, seed: int = 0) -> Rows:
        """All rows, or `most` of them drawn at random, in their order."""
        if self._length <= most:
            return self.rows(np.arange(self._length))
        return self.rows(np.sort(np.random.default_rng(seed).choice(self._length, most, replace=False)))

    def close(self) -> None:
        for file in self._files.values():
            file.close()


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """The parts as one array, which takes their place: parts are added more often than they are asked for."""
    if len(parts) > 1:
        parts[:] = [np.concatenate(parts)]
    return parts[0]


def _place(numbers: np.ndarray) -> np.ndarray | slice:
    """The same numbers as a slice where they follow each other: many times faster to read."""
    follows = len(numbers) and numbers[-1] - numbers[0] == len(numbers) - 1
    return slice(int(numbers[0]), int(numbers[-1]) + 1) if follows else numbers
