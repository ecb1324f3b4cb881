"""Rows of features kept on disk between reading and coding, so that each file is read once and memory stays bounded."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from aesearch.arrays import is_sparse

if TYPE_CHECKING:
    from aesearch.arrays import Rows


class Spool:
    """Rows appended in batches, then read by their numbers.

    Dense rows lie in one file; sparse ones in two (columns, weights), and only where each row begins is held in memory.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._files: dict[str, IO[bytes]] = {}
        self._dtypes: dict[str, Any] = {}
        self._starts = [np.zeros(1, np.int64)]
        self._shape: tuple[int, ...] = ()
        self._is_sparse = False
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, X: Any) -> None:
        """Adds rows [N, ...], dense or csr, all batches of one kind and width."""
        self._shape, self._is_sparse = tuple(X.shape[1:]), is_sparse(X)
        if self._is_sparse:
            self._write("columns", X.indices.astype(np.int32, copy=False))
            self._write("weights", X.data)
            self._starts.append(X.indptr[1:].astype(np.int64) + self._starts[-1][-1])
        else:
            self._write("rows", X)
        self._length += X.shape[0]

    def _write(self, name: str, array: np.ndarray) -> None:
        if name not in self._files:
            self._files[name] = open(self._folder / name, "wb")  # noqa: SIM115  # closed by close()
            self._dtypes[name] = array.dtype
        self._files[name].write(np.ascontiguousarray(array).data)

    def _read(self, name: str) -> np.ndarray:
        self._files[name].flush()
        if not (self._folder / name).stat().st_size:
            return np.zeros(0, self._dtypes[name])
        return np.memmap(self._folder / name, self._dtypes[name], "r")

    def rows(self, numbers: np.ndarray) -> Rows:
        """The rows of those numbers [M], in rising order, as an array in memory: [M, ...]."""
        if not self._is_sparse:
            return np.array(self._read("rows").reshape(self._length, *self._shape)[_place(numbers)])
        from scipy.sparse import csr_array

        starts = np.concatenate(self._starts)
        self._starts = [starts]
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


def _place(numbers: np.ndarray) -> np.ndarray | slice:
    """The same numbers as a slice where they follow each other: many times faster to read."""
    follows = len(numbers) and numbers[-1] - numbers[0] == len(numbers) - 1
    return slice(int(numbers[0]), int(numbers[-1]) + 1) if follows else numbers
