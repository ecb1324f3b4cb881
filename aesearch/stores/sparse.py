"""Exact search over sparse rows: the vector space model of words (Salton et al. 1975), by scipy's sparse product."""

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

FILE = "rows.safetensors"
BATCH = 64
"""Queries compared at a time, so that memory is bounded by 64 numbers an item."""


class SparseStore(Store):
    """Rows of words, compared by cosine.  A document takes 8 bytes for each different word that it holds."""

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
        return 8 * self._rows().nnz / max(1, len(self))

    def _rows(self) -> csr_array:
        """All rows in one; the blocks that were added are joined when they are first needed."""
        if len(self._blocks) > 1:
            self._blocks = [csr_array(vstack(self._blocks, format="csr"))]
        return self._blocks[0]

    def _add(self, keys: np.ndarray, codes: Rows) -> None:
        self._keys = np.concatenate([self._keys, keys])
        self._blocks.append(csr_array(codes))

    def _search(self, codes: Rows, k: int) -> tuple[np.ndarray, np.ndarray]:
        by_word = self._rows().T.tocsr()
        keys, distances = [], []
        for start in range(0, codes.shape[0], BATCH):
            far = np.maximum(np.float32(1) - (codes[start : start + BATCH] @ by_word).toarray(), np.float32(0))
            nearest = np.argpartition(far, k - 1, axis=1)[:, :k]
            keys.append(self._keys[nearest])
            distances.append(np.take_along_axis(far, nearest, 1))
        return np.concatenate(keys), np.concatenate(distances)

    def keys(self) -> np.ndarray:
        return self._keys

    def _codes(self, places: np.ndarray) -> Rows:
        return self._rows()[places]

    def _remove(self, keys: np.ndarray) -> None:
        stay = ~np.isin(self._keys, keys)
        self._blocks, self._keys = [self._rows()[stay]], self._keys[stay]

    def _normalize(self, codes: Rows) -> Rows:
        rows = csr_array(codes, dtype=np.float32)
        lengths = np.sqrt(np.asarray((rows * rows).sum(1)).ravel())
        return csr_array(diags_array(1 / np.maximum(lengths, np.float32(1e-12))).astype(np.float32) @ rows)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        rows = self._rows()
        arrays = {"keys": self._keys, "starts": rows.indptr, "columns": rows.indices, "weights": rows.data}
        write_arrays(folder / FILE, arrays)

    @classmethod
    def load(cls, folder: Path, metric: Metric, width: int) -> Self:
        """The store saved in `folder`.  Raises CorruptIndex where it is missing or damaged."""
        store = cls(metric, width)
        arrays = read_arrays(folder / FILE, "keys", "starts", "columns", "weights")
        try:
            rows = csr_array((arrays["weights"], arrays["columns"], arrays["starts"]), shape=(len(arrays["keys"]), width))
            rows.check_format(full_check=True)
        except ValueError as error:
            raise CorruptIndex(folder / FILE, f"holds no sparse rows ({error})") from None
        store._keys, store._blocks = arrays["keys"], [rows]
        return store
