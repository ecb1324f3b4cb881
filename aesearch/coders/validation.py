"""The label-free score of a coder: on held-out items, or by cross-fitting if the items are few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aesearch.arrays import is_sparse
from aesearch.catalog import create_store
from aesearch.coders.base import Coder
from aesearch.scoring import MIN_ITEMS, HeldOutItems, ItemScores

if TYPE_CHECKING:
    from aesearch.arrays import Rows

N_FOLDS = 5
"""Folds of `cross_fit`."""


def score_coder(coder: Coder, X: Rows, held_out: HeldOutItems) -> ItemScores:
    """Score a fitted coder on held-out items, with the rows X [n_items, ...] as the collection."""
    codes = coder.encode(X)
    store = create_store(None, coder.metric, codes.shape[1], is_sparse=is_sparse(codes))
    store.add(np.arange(X.shape[0]), codes)
    first, second = coder.encode(held_out.first), coder.encode(held_out.second)
    return held_out.score(store, first, second, lambda keys: held_out.describe(X[keys]))


def can_cross_fit(coder: Coder, X: Rows) -> bool:
    """Return whether `cross_fit` works for a coder and rows X: it is fast, and each fit has enough rows."""
    n_training = X.shape[0] - -(-X.shape[0] // N_FOLDS)
    fits = coder.returns_rows or coder.base.code_size <= n_training
    return coder.base.is_fast_to_fit and X.shape[0] >= MIN_ITEMS and fits


def cross_fit(coder: Coder, X: Rows) -> ItemScores:
    """Score a coder on all rows X: each fifth of them after a fit to the others. Fit it again to use it."""
    parts = []
    for fold in range(N_FOLDS):
        is_held_out = np.arange(X.shape[0]) % N_FOLDS == fold
        rows = X[np.flatnonzero(~is_held_out)]
        held_out = HeldOutItems(X[np.flatnonzero(is_held_out)])
        parts.append(score_coder(coder.fit(rows), rows, held_out))
    return ItemScores.concatenate(parts)
