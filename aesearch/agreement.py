"""Neighbor agreement: a label-free estimate of retrieval quality.

Each held-out item is split into two augmented views (two halves of a document's words, two random crops of an image). Good
codes give both views the same nearest neighbors. The score is the mean overlap of the two neighbor lists, corrected for
chance. Codes that capture the subject of an item score high. Codes that capture its details score low, although they
reconstruct better and are better at finding one view of an item with the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aesearch.augmentation import two_views
from aesearch.stores.base import NO_KEY, Store

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.coders.base import Coder

MIN_ITEMS = 20
"""Minimum number of items for a meaningful score."""

CHANCE_PAIRS_PER_ITEM = 4
"""Random pairs of different items that estimate the overlap expected by chance."""

MIN_NEIGHBORS, MAX_NEIGHBORS = 5, 100
"""Smallest and largest number of neighbors that are compared."""

ITEMS_PER_NEIGHBOR = 50
"""Between the two limits, one neighbor is compared for this many items of the collection."""


def neighbor_agreement(store: Store, first: Rows, second: Rows, *, seed: int = 0) -> float:
    """Return the chance-corrected overlap of the neighbors of two views.

    Parameters
    ----------
    store : Store
        Codes of the collection.
    first, second : array of shape (n_items, width)
        Codes of the two views; row i of both belongs to the same item.
    seed : int
        Seed of the random pairs that estimate the overlap expected by chance.

    Returns
    -------
    float
        0 if the views share no more neighbors than random items do, almost 1 if they share all.
    """
    rng = np.random.default_rng(seed)
    k = min(MAX_NEIGHBORS, max(MIN_NEIGHBORS, len(store) // ITEMS_PER_NEIGHBOR), len(store))
    first_neighbors, second_neighbors = store.search(first, k)[0], store.search(second, k)[0]
    chance = [
        _mean_overlap(first_neighbors, second_neighbors[rng.permutation(len(second_neighbors))])
        for _ in range(CHANCE_PAIRS_PER_ITEM)
    ]
    return _mean_overlap(first_neighbors, second_neighbors) - float(np.mean(chance))


def score_coder(coder: Coder, store: Store, X: Rows) -> float | None:
    """Return the neighbor agreement of the codes of items that are not in the collection.

    Parameters
    ----------
    coder : Coder
        A fitted coder.
    store : Store
        Its codes of the collection.
    X : array of shape (n_items, ...)
        Rows of the held-out items: csr, images [n_items, C, H, W], or vectors [n_items, D].

    Returns
    -------
    float or None
        See `neighbor_agreement`; None for fewer than MIN_ITEMS items.
    """
    if X.shape[0] < MIN_ITEMS:
        return None
    first, second = two_views(X, np.random.default_rng(0))
    return neighbor_agreement(store, coder.encode(first), coder.encode(second))


def _mean_overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mean share of the keys in a row of a that are also in this row of b; a, b: [Q, k], unique in each row."""
    keys = np.sort(np.concatenate([a, b], axis=1), axis=1)
    return float(((keys[:, 1:] == keys[:, :-1]) & (keys[:, 1:] != NO_KEY)).sum() / max(1, a.size))
