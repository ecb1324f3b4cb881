"""What is unlike everything else: items far from their own neighbors, or that their code cannot give back.

The mean distance to the nearest neighbors is the measure of Angiulli & Pizzuti 2002 (after Ramaswamy, Rastogi & Shim
2000); the error of the reconstruction that of Hawkins et al. 2002 and of Sakurada & Yairi 2014.  Codes find the neighbors,
and the features in full tell how far they are: what makes an item strange is what codes of the others have no room for.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aesearch.analysis.evaluation import squared_errors
from aesearch.analysis.neighborhoods import details, neighbors
from aesearch.arrays import is_sparse
from aesearch.errors import InvalidParameter
from aesearch.search.reranking import normalize_rows
from aesearch.stores.base import NO_KEY

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.index.retriever import Retriever

Measure = Literal["features", "codes", "reconstruction"]

NEIGHBORS = 10
"""Others whose distance counts."""


@dataclass(frozen=True)
class Outlier:
    """An item that stands apart.

    percentile : the share of all items that are less strange, in percent.
    strangeness : its mean distance to its 10 nearest others, or the squared error of its reconstruction.
    """

    id: str
    path: str | None
    label: str | None
    percentile: float
    strangeness: float

    def as_dict(self) -> dict[str, Any]:
        """What `aesearch outliers --json` prints of an item."""
        return asdict(self)


def outliers(retriever: Retriever, k: int = 20, by: Measure | None = None) -> list[Outlier]:
    """The k strangest items, the strangest first.

    by : "features", how far an item is from its neighbors in all its features, for which the files are read again;
        "codes", how far in the codes alone, at once; "reconstruction", how badly its code gives it back, which needs an
        index loaded with `encoder_only=False`.  None: by features where the index was built from files, else by codes.

    Items that cannot be read any more are left out.  Raises InvalidParameter where the items or the decoder are not there.
    """
    rows = {row.key: row for row in retriever.ledger.all_rows()}
    by = by or ("features" if retriever.record.source else "codes")
    keys, strange = strangeness(retriever, np.array(list(rows), np.int64), by)
    order = np.lexsort((keys, -strange))[:k]
    below = 100 * np.searchsorted(np.sort(strange), strange) / max(1, len(strange))
    return [
        Outlier(row.id, retriever.resolve_path(row), row.label, round(float(below[at]), 2), float(strange[at]))
        for at in order.tolist()
        if (row := rows[int(keys[at])])
    ]


def strangeness(retriever: Retriever, keys: np.ndarray, by: Measure) -> tuple[np.ndarray, np.ndarray]:
    """Those of the items [N] int64 that can be measured, and how strange each is: [M] int64 and [M]."""
    if by == "codes":
        return keys, np.concatenate([mean_of(far, near) for near, far in retriever.store.neighbors_of(keys, NEIGHBORS)])
    if by == "reconstruction":
        if not retriever.coder.can_decode:
            raise InvalidParameter(
                "the encoder was loaded alone, and reconstructs nothing; load the index with encoder_only=False"
            )
        errors = [(found, reconstruction_errors(retriever, X)) for found, X in retriever.reload_features(keys.tolist())]
        return (
            np.array([key for found, _ in errors for key in found], np.int64),
            np.concatenate([error for _, error in errors]) if errors else np.zeros(0),
        )
    with details(retriever, keys) as known:
        found = neighbors(retriever.store, known, NEIGHBORS)
        strange = [distance_in_full(mine, theirs, at) for _, _, mine, theirs, at in found]
        keys = known.keys
    return keys, np.concatenate(strange) if strange else np.zeros(0)


def distance_in_full(rows: Rows, known: Rows, near: np.ndarray) -> np.ndarray:
    """How far each row is from its neighbors on the mean: the euclidean distance, of words that of rows of unit length.

    rows: [B, F];  known: [M, F];  near: [B, k], the neighbors' places in `known`, NONE where there is none.  Returns [B].
    """
    far = np.zeros(near.shape, np.float32)
    if is_sparse(rows):
        mine, theirs = normalize_rows(rows), normalize_rows(known)
    else:
        mine, theirs = np.asarray(rows, np.float32), np.asarray(known, np.float32)
    for column in range(near.shape[1]):
        there = near[:, column] != NO_KEY
        apart = mine[there] - theirs[near[there, column]]
        squared = apart.multiply(apart).sum(1) if is_sparse(apart) else (apart**2).sum(1)
        far[there, column] = np.sqrt(np.asarray(squared).ravel())
    return mean_of(far, near)


def reconstruction_errors(retriever: Retriever, X: Rows) -> np.ndarray:
    """The squared error of what is given back of each row.  Returns [N]."""
    return squared_errors(X, retriever.coder.decode(np.asarray(retriever.coder.encode(X))))


def mean_of(far: np.ndarray, near: np.ndarray) -> np.ndarray:
    """The mean distance of each row's neighbors, of as many as there are.  far, near: [B, k].  Returns [B]."""
    there = near != NO_KEY
    return np.where(there, far, 0).sum(1) / np.maximum(there.sum(1), 1)
