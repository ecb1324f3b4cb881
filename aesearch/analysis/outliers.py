"""Outliers: items far from their nearest neighbors, or items that the autoencoder reconstructs badly.

The mean distance to the nearest neighbors is the score of Angiulli & Pizzuti 2002 (after Ramaswamy, Rastogi & Shim 2000);
the reconstruction error is the score of Hawkins et al. 2002 and of Sakurada & Yairi 2014. The neighbors are found by code,
but their distances are measured in the rerank features: codes have no room for what makes an item unusual.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aesearch.analysis.decoding import reconstruct_rows, require_decoder
from aesearch.analysis.metrics import squared_errors
from aesearch.analysis.neighborhoods import UnreadableCallback, ignore_unreadable, iter_neighbors, spool_features
from aesearch.arrays import is_sparse
from aesearch.errors import InvalidParameter, NoItems
from aesearch.search.reranking import normalize_rows
from aesearch.stores.base import NO_KEY

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.index.retriever import Retriever
    from aesearch.items import Label

OutlierMethod = Literal["features", "codes", "reconstruction"]

N_NEIGHBORS = 10
"""Nearest neighbors whose distances are averaged."""


@dataclass(frozen=True)
class Outlier:
    """An unusual item.

    Attributes
    ----------
    id : str
    path : str or None
        None for an item created in memory.
    label : str or tuple of str or None
    percentile : float
        Percent of all items that have a lower score.
    score : float
        Mean distance to the 10 nearest neighbors, or squared reconstruction error.
    """

    id: str
    path: str | None
    label: Label | None
    percentile: float
    score: float

    def as_dict(self) -> dict[str, Any]:
        """Return the outlier as `aesearch outliers --json` prints it."""
        return asdict(self)


def find_outliers(
    retriever: Retriever,
    k: int = 20,
    method: OutlierMethod | None = None,
    on_unreadable: UnreadableCallback = ignore_unreadable,
) -> list[Outlier]:
    """Return the k items with the highest outlier scores, highest first.

    Items whose files can no longer be read are missing, unless the method is "codes".

    Parameters
    ----------
    retriever : Retriever
    k : int
    method : {"features", "codes", "reconstruction"}, optional
        "features" measures the distances to the nearest neighbors in the rerank features, for which the files are read
        again. "codes" measures them in the codes, which is fast. "reconstruction" measures the reconstruction error; it
        needs an index loaded with `encoder_only=False`. None means "features" for an index of files, and "codes" if the
        items were created in memory or none of the files can be read.
    on_unreadable : callable, optional
        Called with the number of items whose files can no longer be read, if there are any.

    Raises
    ------
    NoItems
        If the given method needs the files, and none of them can be read.
    InvalidParameter
        If the method needs files but the items were created in memory, or needs the decoder but it is not loaded.
    """
    if k < 1:
        raise InvalidParameter(f"k is {k}; it must be at least 1")
    rows = {row.key: row for row in retriever.ledger.all_rows()}
    all_keys = np.array(list(rows), np.int64)
    chosen = method or ("features" if retriever.record.source else "codes")
    keys, scores = score_items(retriever, all_keys, chosen)
    if len(keys) < len(all_keys):
        on_unreadable(len(all_keys) - len(keys))
        if not len(keys) and method:
            raise NoItems(
                "none of the files can be read; run aesearch relocate OLD NEW if they were moved, or use --by codes"
            )
        if not len(keys):
            keys, scores = score_items(retriever, all_keys, "codes")
    percentiles = 100 * np.searchsorted(np.sort(scores), scores) / max(1, len(scores))
    outliers = []
    for position in np.lexsort((keys, -scores))[:k].tolist():
        row = rows[int(keys[position])]
        percentile = round(float(percentiles[position]), 2)
        outliers.append(Outlier(row.id, retriever.resolve_path(row), row.label, percentile, float(scores[position])))
    return outliers


def score_items(retriever: Retriever, keys: np.ndarray, method: OutlierMethod) -> tuple[np.ndarray, np.ndarray]:
    """Return the outlier scores of items.

    Parameters
    ----------
    retriever : Retriever
    keys : array of shape (n_items,), int64
    method : {"features", "codes", "reconstruction"}

    Returns
    -------
    keys : array of shape (n_scored,), int64
        Keys of the items that could be read.
    scores : array of shape (n_scored,)
    """
    if method == "codes":
        neighborhoods = retriever.store.neighbors_of(keys, N_NEIGHBORS)
        return keys, np.concatenate([mean_distances(distances, neighbors) for neighbors, distances in neighborhoods])
    if method == "reconstruction":
        return _score_by_reconstruction(retriever, keys)
    with spool_features(retriever, keys) as spool:
        scores = [
            mean_feature_distances(batch.features, batch.neighbor_features, batch.positions)
            for batch in iter_neighbors(retriever.store, spool, N_NEIGHBORS)
        ]
        return spool.keys, np.concatenate(scores) if scores else np.zeros(0)


def _score_by_reconstruction(retriever: Retriever, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    require_decoder(retriever.coder)
    scored_keys: list[int] = []
    scores: list[np.ndarray] = []
    for batch_keys, X in retriever.reload_features(keys.tolist()):
        scored_keys += batch_keys
        scores.append(reconstruction_errors(retriever, X))
    return np.array(scored_keys, np.int64), np.concatenate(scores) if scores else np.zeros(0)


def mean_feature_distances(features: Rows, neighbor_features: Rows, positions: np.ndarray) -> np.ndarray:
    """Return the mean Euclidean distance of each row to its neighbors. Sparse rows are scaled to unit length first.

    Parameters
    ----------
    features : array of shape (n_items, n_features)
    neighbor_features : array of shape (n_neighbors, n_features)
    positions : array of shape (n_items, k), int64
        Rows of `neighbor_features` that are the neighbors of each item; NO_KEY for a missing neighbor.

    Returns
    -------
    array of shape (n_items,), float32
    """
    distances = np.zeros(positions.shape, np.float32)
    if is_sparse(features):
        own, neighbors = normalize_rows(features), normalize_rows(neighbor_features)
    else:
        own, neighbors = np.asarray(features, np.float32), np.asarray(neighbor_features, np.float32)
    for column in range(positions.shape[1]):
        exists = positions[:, column] != NO_KEY
        differences = own[exists] - neighbors[positions[exists, column]]
        squares = differences.multiply(differences) if is_sparse(differences) else differences**2
        distances[exists, column] = np.sqrt(np.asarray(squares.sum(1)).ravel())
    return mean_distances(distances, positions)


def reconstruction_errors(retriever: Retriever, X: Rows) -> np.ndarray:
    """Return the squared reconstruction error of each row: (n_items,)."""
    return squared_errors(X, reconstruct_rows(retriever.coder, X))


def mean_distances(distances: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
    """Return the mean distance of each item to its neighbors, ignoring missing ones.

    Parameters
    ----------
    distances : array of shape (n_items, k)
    neighbors : array of shape (n_items, k), int64
        Keys or positions of the neighbors; NO_KEY for a missing neighbor.

    Returns
    -------
    array of shape (n_items,)
    """
    exists = neighbors != NO_KEY
    return np.where(exists, distances, 0).sum(1) / np.maximum(exists.sum(1), 1)
