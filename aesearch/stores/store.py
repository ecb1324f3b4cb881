"""The contract of all stores.  What is checked, scaled and ordered is so here, once, and alike for every one of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from aesearch.errors import BadSetting, ShapeMismatch

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.coders.coder import Metric

NONE = -1
"""The key that pads an answer where fewer than k items are stored."""

TIES = 10_000
"""Items looked at beyond the k-th for ties with it; where still more are tied, which of them are given is the store's."""


OTHERS = 1024
"""Codes whose neighbours are looked for at a time."""

BALL = 10_000
"""Items of a ball that are given, where nothing else is said."""


class Store(ABC):
    """Holds codes under keys and finds the nearest ones, exactly.

    Distances, smaller is nearer:  "cosine" 1 - cos, from 0 to 2;  "l2" the euclidean distance;  "hamming" the number of
    bits that differ.

    Parameters
    ----------
    metric : how codes are compared.
    width : numbers of a code, or its bytes for "hamming".
    """

    name: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]

    def __init__(self, metric: Metric, width: int) -> None:
        if metric not in self.metrics:
            raise BadSetting(f'store "{self.name}" has no metric "{metric}"; it has {", ".join(self.metrics)}')
        self.metric, self.width = metric, width

    @abstractmethod
    def __len__(self) -> int:
        """How many codes are stored."""

    def add(self, keys: np.ndarray, codes: Rows) -> None:
        """Stores codes [N, width] under keys [N] int64, at least 0 and not yet in use."""
        keys = np.ascontiguousarray(keys, np.int64)
        if len(keys) != codes.shape[0]:
            raise ShapeMismatch("codes to add", f"{len(keys):,} for as many keys", f"{codes.shape[0]:,}")
        self._add(keys, self._comparable(codes))

    def search(self, codes: Rows, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest to each code: keys [Q, k] int64 and distances [Q, k] float32, nearest first, ties by key.

        The k-th place too goes by key among all that are tied for it (but see TIES).  Where fewer than k codes are
        stored the rest is NONE, at infinite distance.
        """
        if k < 1:
            raise BadSetting(f"k is {k}; ask for at least 1 neighbour")
        codes = self._comparable(codes)
        keys = np.full((codes.shape[0], k), NONE, np.int64)
        distances = np.full((codes.shape[0], k), np.inf, np.float32)
        open_rows, reach = np.arange(codes.shape[0]), k + 1
        while len(open_rows) and len(self):
            reach = min(reach, len(self))
            found, far = self._search(codes[open_rows], reach)
            order = np.lexsort((found, far))[:, :k]
            width = order.shape[1]
            keys[open_rows, :width] = np.take_along_axis(found, order, 1)
            distances[open_rows, :width] = np.take_along_axis(far, order, 1)
            if reach == len(self) or reach > k + TIES:
                break
            # A row is settled once something is seen beyond the last place: then all that tie for it were seen too.
            open_rows = open_rows[far.max(1) <= distances[open_rows, -1]]
            reach = min(4 * reach, k + TIES + 1)
        return keys, distances

    def within(self, codes: Rows, distance: float, at_most: int = BALL) -> tuple[np.ndarray, np.ndarray]:
        """All codes no further than `distance` from each of `codes`, of bits those in a ball of so many flips: as `search`
        answers, as wide as the fullest ball, but at most the `at_most` nearest.
        """
        reach = min(64, at_most)
        while True:
            keys, distances = self.search(codes, reach)
            if reach >= min(at_most, len(self)) or not (distances[:, -1] <= distance).any():
                break
            reach = min(4 * reach, at_most)
        keys, distances = np.where(distances <= distance, keys, NONE), np.where(distances <= distance, distances, np.inf)
        width = int((keys != NONE).sum(1).max(initial=0))
        return keys[:, :width], distances[:, :width]

    def remove(self, keys: np.ndarray) -> None:
        """Forgets the codes under these keys [N] int64; a key that is not there is passed over."""
        if len(keys):
            self._remove(np.ascontiguousarray(keys, np.int64))

    @abstractmethod
    def keys(self) -> np.ndarray:
        """The keys in use [N] int64, in no order."""

    def codes(self, keys: np.ndarray) -> Rows:
        """The codes under these keys [M] int64, all of them in use, as they are compared: [M, width]."""
        held = self.keys()
        order = np.argsort(held)
        return self._codes(order[np.searchsorted(held, keys, sorter=order)] if len(held) else np.zeros(0, np.int64))

    def others(self, keys: np.ndarray, k: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The k codes nearest to each of those under these keys [M] int64, itself left out, as `search` answers, OTHERS of
        the keys at a time."""
        codes = self.codes(keys)
        for start in range(0, len(keys), OTHERS):
            own = keys[start : start + OTHERS]
            near, far = self.search(codes[start : start + OTHERS], k + 1)
            # Among more than k copies of itself one may be missing: then the last is left out.
            is_own = near == own[:, None]
            is_own[~is_own.any(1), -1] = True
            yield near[~is_own].reshape(len(own), k), far[~is_own].reshape(len(own), k)

    @property
    @abstractmethod
    def bytes_per_item(self) -> float:
        """Memory that one code takes, its key aside."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Writes the store into `folder`, which is made if it is not there."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, metric: Metric, width: int) -> Self:
        """The store saved in `folder`.  Raises BrokenIndex."""

    @abstractmethod
    def _add(self, keys: np.ndarray, codes: Rows) -> None: ...

    @abstractmethod
    def _search(self, codes: Rows, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Some k nearest, k at most len(self), in any order: keys [Q, k] int64, distances [Q, k] float32."""

    @abstractmethod
    def _codes(self, places: np.ndarray) -> Rows:
        """The codes at these places [M] int64 of `keys()`: [M, width]."""

    @abstractmethod
    def _remove(self, keys: np.ndarray) -> None: ...

    def _comparable(self, codes: Rows) -> Rows:
        """The codes, checked; of unit length for the cosine."""
        if codes.ndim != 2 or codes.shape[1] != self.width:
            raise ShapeMismatch(f'store "{self.name}": codes', f"[N, {self.width}]", list(codes.shape))
        if self.metric == "hamming":
            return np.ascontiguousarray(codes, np.uint8)
        if self.metric == "l2":
            return np.ascontiguousarray(codes, np.float32)
        return self._unit(codes)

    def _unit(self, codes: Rows) -> Rows:
        codes = np.ascontiguousarray(codes, np.float32)
        return codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), np.float32(1e-12))
