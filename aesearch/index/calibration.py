"""Calibration of distances: which share of random pairs of items is farther apart than a query and its hit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.stores.distances import pairwise_distances

if TYPE_CHECKING:
    from aesearch.coders.base import Metric
    from aesearch.stores.base import Store

SAMPLE_SIZE = 400
"""Items on each side of the random pairs."""
SHARES = (0.0, 0.0001, 0.001, *(0.01 * percent for percent in range(1, 100)), 1.0)
"""Shares of random pairs whose largest distance is recorded."""


def random_distances(store: Store) -> list[float]:
    """Return the quantiles SHARES of the distances between random pairs of items; an empty list for a single item."""
    keys = np.random.default_rng(0).permutation(np.sort(store.keys()))[: 2 * SAMPLE_SIZE]
    if len(keys) < 2:
        return []
    middle = len(keys) // 2
    first, second = store.codes(keys[:middle]), store.codes(keys[middle:])
    return [round(float(value), 6) for value in np.quantile(pairwise_distances(first, second, store.metric), SHARES)]


def to_similarities(distances: np.ndarray, metric: Metric, code_size: int, random: Sequence[float]) -> np.ndarray:
    """Return distances as similarities, 1 for equal codes and near 0 for random pairs: the cosine, or what takes its place.

    Parameters
    ----------
    distances : array
        Infinite distances are similarities of 0.
    metric : {"cosine", "l2", "hamming"}
    code_size : int
        Dimensions, or bits.
    random : sequence of float
        Result of `random_distances`. The squares of Euclidean distances are divided by the square of the median.
    """
    distances = np.where(np.isfinite(distances), distances, _unrelated(metric, code_size, random))
    if metric == "cosine":
        return 1 - distances
    if metric == "hamming":
        return 1 - 2 * distances / code_size
    return 1 - (distances / _median(random)) ** 2


def to_scores(similarities: np.ndarray, metric: Metric, code_size: int, random: Sequence[float]) -> np.ndarray:
    """Return the share of random pairs, 0 to 1, that are less similar; see `to_similarities`. NaN if it is not known."""
    if not random:
        return np.full(np.shape(similarities), np.nan)
    differences: Any = np.maximum(0, 1 - np.asarray(similarities, np.float64))
    if metric == "hamming":
        differences = differences * code_size / 2
    elif metric == "l2":
        differences = np.sqrt(differences) * _median(random)
    # Below the smallest distance of the sample, the share falls to 0 at distance 0.
    return 1 - np.interp(differences, [0.0, *random], [0.0, 0.5 / SAMPLE_SIZE**2, *SHARES[1:]])


def _median(random: Sequence[float]) -> float:
    return max(random[SHARES.index(0.5)] if random else 1.0, 1e-12)


def _unrelated(metric: Metric, code_size: int, random: Sequence[float]) -> float:
    """Return the distance that counts as a similarity of 0."""
    return {"cosine": 1.0, "hamming": code_size / 2, "l2": _median(random)}[metric]
