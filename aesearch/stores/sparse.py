"""Exact search over sparse rows in memory: the vector space model (Salton et al. 1975) by SciPy's sparse product."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.sparse import csr_array, diags_array, vstack

from aesearch.arrays import read_arrays, write_arrays
from aesearch.errors import CorruptIndex
from aesearch.stores.base import Store

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.coders.base import Metric

ROWS_FILE = "rows.safetensors"
BATCH_SIZE = 64
"""Queries compared at a time, so that memory stays bounded by 64 distances for each item."""


class SparseStore(Store):
    """Exact search over bags of words by cosine. A document takes 8 bytes for each of its terms."""

    name = "sparse"
    metrics = ("cosine",)
    is_sparse = True

    def __init__(self, metric: Metric, width: int) -> None:
        super().__init__(metric, width)
        self._keys = np.zeros(0, np.int64)
        self._blocks = [csr_array((0, width), dtype=np.float32)]

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def bytes_per_item(self) -> float:
        with self.lock.read():
            return 8 * self._rows().nnz / max(1, len(self))

    def keys(self) -> np.ndarray:
        return self._keys

    def _rows(self) -> csr_array:
        """Return all rows as one matrix. Added blocks are joined the first time that they are needed.

        Threads that read at the same time may all join the blocks, with the same result. The caller holds the lock.
        """
        blocks = self._blocks
        if len(blocks) > 1:
            self._blocks = blocks = [csr_array(vstack(blocks, format="csr"))]
        return blocks[0]

    def _add(self, keys: np.ndarray, codes: Rows) -> None:
        self._keys = np.concatenate([self._keys, keys])
        self._blocks.append(csr_array(codes))

    def _search(self, codes: Rows, k: int) -> tuple[np.ndarray, np.ndarray]:
        transposed = self._rows().T.tocsr()
        keys, distances = [], []
        for start in range(0, codes.shape[0], BATCH_SIZE):
            cosines = (codes[start : start + BATCH_SIZE] @ transposed).toarray()  # [batch, n_items]
            batch_distances = np.maximum(np.float32(1) - cosines, np.float32(0))
            nearest = np.argpartition(batch_distances, k - 1, axis=1)[:, :k]
            keys.append(self._keys[nearest])
            distances.append(np.take_along_axis(batch_distances, nearest, 1))
        return np.concatenate(keys), np.concatenate(distances)

    def _codes(self, positions: np.ndarray) -> Rows:
        return self._rows()[positions]

    def _remove(self, keys: np.ndarray) -> None:
        is_kept = ~np.isin(self._keys, keys)
        self._blocks, self._keys = [self._rows()[is_kept]], self._keys[is_kept]

    def _normalize(self, codes: Rows) -> Rows:
        rows = csr_array(codes, dtype=np.float32)
        lengths = np.sqrt(np.asarray((rows * rows).sum(1)).ravel())
        return csr_array(diags_array(1 / np.maximum(lengths, np.float32(1e-12))).astype(np.float32) @ rows)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with self.lock.read():
            rows, keys = self._rows(), self._keys
        arrays = {"keys": keys, "indptr": rows.indptr, "indices": rows.indices, "data": rows.data}
        write_arrays(folder / ROWS_FILE, arrays)

    @classmethod
    def load(cls, folder: Path, metric: Metric, width: int) -> Self:
        """Load a store from a folder; see `Store.load`. The rows are read into memory."""
        store = cls(metric, width)
        arrays = read_arrays(folder / ROWS_FILE, "keys", "indptr", "indices", "data")
        try:
            shape = (len(arrays["keys"]), width)
            rows = csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
            rows.check_format(full_check=True)
        except ValueError as error:
            raise CorruptIndex(folder / ROWS_FILE, f"does not hold sparse rows ({error})") from None
        store._keys, store._blocks = arrays["keys"], [rows]
        return store
