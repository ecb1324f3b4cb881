"""Exact search in memory by FAISS's flat indexes (Douze et al. 2024)."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import faiss
import numpy as np

from aesearch.errors import CorruptIndex
from aesearch.stores.base import Store

if TYPE_CHECKING:
    from aesearch.coders.base import Metric

FLOATS_FILE = "codes.faiss"
BITS_FILE = "bits.faiss"


class FlatStore(Store):
    """Exact search by a FAISS flat index inside an ID map, which keeps the keys of the other items if some are removed.

    The saved file can be opened by `faiss.read_index`, or `faiss.read_index_binary` for bits. It holds an IndexIDMap of an
    inner product index over unit vectors for "cosine", a squared Euclidean index for "l2", a binary index for "hamming".

    Notes
    -----
    FAISS compares a batch of 20 or more queries by a matrix product, which is less exact. For "l2", a distance near 0 may
    be off by a thousandth of the codes' length.
    """

    name = "flat"
    metrics = ("cosine", "l2", "hamming")

    def __init__(self, metric: Metric, width: int) -> None:
        super().__init__(metric, width)
        if metric == "hamming":
            self._index: Any = faiss.IndexBinaryIDMap(faiss.IndexBinaryFlat(8 * width))
        else:
            flat = faiss.IndexFlatIP(width) if metric == "cosine" else faiss.IndexFlatL2(width)
            self._index = faiss.IndexIDMap(flat)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def bytes_per_item(self) -> float:
        return self.width if self.metric == "hamming" else 4 * self.width

    def keys(self) -> np.ndarray:
        with self.lock.read():
            return faiss.vector_to_array(self._index.id_map)

    def _add(self, keys: np.ndarray, codes: np.ndarray) -> None:
        self._index.add_with_ids(codes, keys)

    def _search(self, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        scores, keys = self._index.search(codes, k)
        if self.metric == "cosine":
            return keys, np.maximum(np.float32(1) - scores, np.float32(0))
        return keys, np.sqrt(np.maximum(scores, 0)) if self.metric == "l2" else scores.astype(np.float32)

    def _codes(self, positions: np.ndarray) -> np.ndarray:
        if self.metric == "hamming":
            return faiss.vector_to_array(_flat_index(self._index).xb).reshape(-1, self.width)[positions]
        return self._index.index.reconstruct_batch(positions) if len(positions) else np.zeros((0, self.width), np.float32)

    def _remove(self, keys: np.ndarray) -> None:
        self._index.remove_ids(keys)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (BITS_FILE if self.metric == "hamming" else FLOATS_FILE)
        try:
            (faiss.write_index_binary if self.metric == "hamming" else faiss.write_index)(self._index, str(path))
        except RuntimeError as error:
            reason = str(error).splitlines()[0].rpartition(": ")[2]
            raise OSError(errno.EIO, f"the codes cannot be written ({reason}); free some disk space", str(path)) from None

    @classmethod
    def load(cls, folder: Path, metric: Metric, width: int) -> Self:
        """Load a store from a folder; see `Store.load`. The codes are read into memory."""
        path = folder / (BITS_FILE if metric == "hamming" else FLOATS_FILE)
        if not path.is_file():
            raise CorruptIndex(path, "is missing")
        try:
            index: Any = faiss.read_index_binary(str(path)) if metric == "hamming" else faiss.read_index(str(path))
        except RuntimeError as error:
            raise CorruptIndex(path, f"cannot be read ({str(error).splitlines()[0][:120]})") from None
        store = cls(metric, width)
        if not _has_layout(index, store._index):
            raise CorruptIndex(path, f'does not hold codes of width {width} for metric "{metric}"')
        store._index = index
        return store


def _has_layout(index: Any, expected: Any) -> bool:
    """Return whether an index that was read is consistent, and of the same classes and width as an expected one."""
    if type(index) is not type(expected) or index.d != expected.d:
        return False
    flat = _flat_index(index)
    if type(flat) is not type(_flat_index(expected)) or flat.d != index.d:
        return False
    return index.ntotal == flat.ntotal == index.id_map.size()


def _flat_index(index: Any) -> Any:
    """Return the flat index inside an ID map."""
    is_binary = isinstance(index, faiss.IndexBinaryIDMap)
    return (faiss.downcast_IndexBinary if is_binary else faiss.downcast_index)(index.index)
