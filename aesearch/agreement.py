"""How good a code is, told without a label: do an item's two halves have the same neighbors?

Each half, or view, of a held-out item is asked of the collection, and the share of neighbors that both name is counted,
less the share that the views of two different items have in common.  Codes that keep an item's subject agree; codes that
keep its details do not, although they reconstruct better and find the item's other half more surely.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aesearch.augmentation import two_views
from aesearch.stores.base import NO_KEY, Store

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.coders.base import Coder

NEIGHBORS = 100
"""NeighborAutoencoder compared in a large collection; in one of under 5,000 items, one for each 50 and at least 5."""

LEAST = 20
"""Items whose views must be asked at least: of fewer, the score would be chance."""

STRANGERS = 4
"""Other items, drawn for each, whose neighbors tell what chance would give."""


def neighbor_agreement(store: Store, first: Rows, second: Rows) -> float:
    """Share of neighbors, beyond chance, that two views of an item have in common: from 0, none, to about 1, all.

    store : the codes of the collection;  first, second : [Q, width], the codes of each item's two views, row by row.
    """
    draw = np.random.default_rng(0)
    k = min(NEIGHBORS, max(5, len(store) // 50), len(store))
    ours, theirs = store.search(first, k)[0], store.search(second, k)[0]
    chance = [_common(ours, theirs[draw.permutation(len(theirs))]) for _ in range(STRANGERS)]
    return _common(ours, theirs) - float(np.mean(chance))


def score_coder(coder: Coder, store: Store, X: Rows) -> float | None:
    """The agreement of the views of these items in the coder's codes.

    X: [Q, V] csr, pictures [Q, C, H, W], or vectors [Q, D].  None where they are fewer than LEAST.
    """
    if X.shape[0] < LEAST:
        return None
    first, second = two_views(X, np.random.default_rng(0))
    return neighbor_agreement(store, coder.encode(first), coder.encode(second))


def _common(a: np.ndarray, b: np.ndarray) -> float:
    """The mean share of each row of a that is in the same row of b.  a, b: [Q, k] keys, each at most once in a row."""
    both = np.sort(np.concatenate([a, b], axis=1), axis=1)
    return float(((both[:, 1:] == both[:, :-1]) & (both[:, 1:] != NO_KEY)).sum() / max(1, a.size))
