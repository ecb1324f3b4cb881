"""Exact search by FAISS's flat indexes (Douze et al. 2024), in memory."""

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

FILE = "codes.faiss"
BITS_FILE = "bits.faiss"


class FlatStore(Store):
    """FAISS's flat index behind a map of keys, so that keys survive the removal of others.

    The file that it saves opens with `faiss.read_index` (`faiss.read_index_binary` for bits): an IndexIDMap of an inner
    product over unit vectors for "cosine", of squared euclidean distance for "l2", of Hamming distance for "hamming".

    A batch of 20 or more is compared by a matrix product, which rounds: for "l2" a distance near 0 may be off by a
    thousandth of the codes' own length.
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

    def _add(self, keys: np.ndarray, codes: np.ndarray) -> None:
        self._index.add_with_ids(codes, keys)

    def _search(self, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        far, keys = self._index.search(codes, k)
        if self.metric == "cosine":
            return keys, np.maximum(np.float32(1) - far, np.float32(0))
        return keys, np.sqrt(np.maximum(far, 0)) if self.metric == "l2" else far.astype(np.float32)

    def keys(self) -> np.ndarray:
        return faiss.vector_to_array(self._index.id_map)

    def _codes(self, places: np.ndarray) -> np.ndarray:
        if self.metric != "hamming":
            return self._index.index.reconstruct_batch(places) if len(places) else np.zeros((0, self.width), np.float32)
        return faiss.vector_to_array(self._flat().xb).reshape(-1, self.width)[places]

    def _remove(self, keys: np.ndarray) -> None:
        self._index.remove_ids(keys)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (BITS_FILE if self.metric == "hamming" else FILE)
        try:
            (faiss.write_index_binary if self.metric == "hamming" else faiss.write_index)(self._index, str(path))
        except RuntimeError as error:
            why = str(error).splitlines()[0].rpartition(": ")[2]
            raise OSError(errno.EIO, f"the codes cannot be written ({why}); make room on the disk", str(path)) from None

    @classmethod
    def load(cls, folder: Path, metric: Metric, width: int) -> Self:
        """The store saved in `folder`.  Raises CorruptIndex where it is missing, damaged, or of other codes."""
        store = cls(metric, width)
        path = folder / (BITS_FILE if metric == "hamming" else FILE)
        if not path.is_file():
            raise CorruptIndex(path, "is missing")
        try:
            index: Any = faiss.read_index_binary(str(path)) if metric == "hamming" else faiss.read_index(str(path))
        except RuntimeError as error:
            raise CorruptIndex(path, f"cannot be read ({str(error).splitlines()[0][:120]})") from None
        if type(index) is not type(store._index) or index.d != store._index.d:
            raise CorruptIndex(path, f"holds no codes of {width} numbers under keys")
        empty, store._index = store._flat(), index
        flat = store._flat()
        if type(flat) is not type(empty) or flat.d != index.d or not index.ntotal == flat.ntotal == index.id_map.size():
            raise CorruptIndex(path, f"holds no codes of {width} numbers under keys")
        return store

    def _flat(self) -> Any:
        """The index beneath the map of keys."""
        return (faiss.downcast_IndexBinary if self.metric == "hamming" else faiss.downcast_index)(self._index.index)
