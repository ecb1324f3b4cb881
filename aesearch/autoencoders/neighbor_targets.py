"""What `neighbors` is trained on: items with the mixture of their neighbors as the target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array, eye_array
from torch import Tensor

from aesearch.arrays import is_sparse
from aesearch.autoencoders.batches import RowBatches, SparseBatch
from aesearch.stores.flat import FlatStore

LATENT = 64
"""Numbers of the codes by which the first neighbors of documents are found."""


@dataclass
class Material:
    """What is learned from.

    own : [N, F], what each item is asked to give back of itself: csr of its words' shares, or its description.
    inputs : the items as the encoder is given them, first as they are, then in other views.
    first : [N, E] float32, codes by which the first neighbors are found.
    views : two views of the held-out items.
    """

    own: Any
    inputs: list[RowBatches]
    first: np.ndarray
    views: list[RowBatches]


@dataclass(frozen=True)
class Pair:
    """A batch and what it is to become: x [B, F] or SparseBatch, target [B, F]."""

    x: Tensor | SparseBatch
    target: Tensor


class Mixtures:
    """RowBatches with their targets: `weights` [N, N] csr, rows summing to 1, times what each item is of its own."""

    def __init__(self, learned: Material, weights: Any, device: torch.device) -> None:
        self._learned, self._weights, self._device = learned, weights, device

    def __getitem__(self, rows: Tensor) -> Pair:
        which = int(torch.randint(len(self._learned.inputs), ()))
        target = self._weights[rows.numpy()] @ self._learned.own
        target = target.toarray() if is_sparse(target) else target
        return Pair(self._learned.inputs[which][rows], torch.from_numpy(target.astype(np.float32)).to(self._device))


def mixture(codes: np.ndarray, graph: np.ndarray, near: int, share: float) -> Any:
    """Each item's weights over the items: `share` spread over its `near` nearest among `graph`, the rest its own.

    codes: [N, E], compared by cosine;  graph: [G] numbers of items.  Returns [N, N] csr.
    """
    count = len(codes)
    if near < 1:
        return eye_array(count, format="csr")
    keys = stored(codes[graph], graph).search(codes, min(near + 1, len(graph)))[0]
    others = keys != np.arange(count)[:, None]
    others[others.all(1), -1] = False  # an item that is not in the graph, or lost among its equals: the last one goes
    numbers = keys[others].reshape(count, -1)
    each = numbers.shape[1]
    weights = np.full(numbers.size, share / each, np.float32)
    nearest = csr_array((weights, numbers.ravel(), np.arange(0, numbers.size + 1, each)), shape=(count, count))
    return csr_array(nearest + (1 - share) * eye_array(count, dtype=np.float32, format="csr"))


def latent(X: Any, draw: np.random.Generator, size: int = LATENT) -> np.ndarray:
    """Latent semantic codes (Deerwester et al. 1990), by which the first neighbors are found.  X: [N, V] csr."""
    from scipy.sparse.linalg import svds

    size = min(size, min(X.shape) - 1)
    if size < 1:
        return X.toarray()
    left, values, _ = svds(X.astype(np.float64), k=size, v0=draw.standard_normal(min(X.shape)))
    return np.ascontiguousarray(left * values, np.float32)


def stored(codes: np.ndarray, keys: np.ndarray | None = None) -> FlatStore:
    """The codes [N, E], to be searched by cosine, under `keys` [N] or else their numbers."""
    store = FlatStore("cosine", codes.shape[1])
    store.add(np.arange(len(codes)) if keys is None else keys, codes)
    return store


def shuffles(count: int, batch_size: int, steps: int) -> Iterator[Tensor]:
    """RowBatches of row numbers, every row once before any comes again, until there were so many."""
    while steps > 0:
        batches = torch.randperm(count).split(batch_size)[:steps]
        steps -= len(batches)
        yield from batches
