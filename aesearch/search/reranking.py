"""A closer look at the candidates that a code names: all that is known of them is compared, not 8 bytes.

A candidate's score is the mean of its likenesses to the query: of their codes; of their features in full (Salakhutdinov &
Hinton 2007 order the candidates of semantic hashing by TF-IDF so); and, of words, of their places in a latent space learned
from the candidates alone, which tells apart what one subject's documents differ in (local latent semantic indexing:
Hull 1994; Schuetze, Hull & Pedersen 1995).  Of words the best few so found are then asked with the query, whose own words
are few (pseudo-relevance feedback: Rocchio 1971).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.arrays import is_sparse
from aesearch.stores.base import NO_KEY

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.coders.base import Metric

MAX_CANDIDATES = 500
"""Items looked at closely."""
LATENT = 10
"""The latent space has a dimension for so many candidates."""
FEEDBACK = 5
"""Documents asked with the query, their mean weighing as much as it does at most."""


def rerank(
    queries: Rows, keys: np.ndarray, distances: np.ndarray, load_features: Callable[[list[int]], tuple[list[int], Rows]]
) -> tuple[np.ndarray, np.ndarray]:
    """The first CANDIDATES of each answer in the order of a closer look, the others after them.

    Parameters
    ----------
    queries : [Q, F], the queries' features in full, csr of weighted words or dense.
    keys, distances : [Q, n] as a store answers, the distances brought to 1 - cosine (`to_cosine_distances`).
    known : of a list of keys, those whose items can still be read, and their features in full, [N, F].

    Returns keys [Q, n] and distances [Q, n] float32: 1 less the mean likeness; of an item further down, or that cannot be
    read any more, the code's distance plus 2, so that it comes after the others.
    """
    first = keys[:, :MAX_CANDIDATES]
    read, rows = load_features(np.unique(first[first != NO_KEY]).tolist())
    row_of = {key: row for row, key in enumerate(read)}
    order, far = np.full_like(keys, NO_KEY), np.full(keys.shape, np.inf, np.float32)
    for number in range(len(keys)):
        there = keys[number] != NO_KEY
        mine, apart = keys[number][there], distances[number][there]
        found = np.array([place < MAX_CANDIDATES and key in row_of for place, key in enumerate(mine.tolist())], bool)
        seen = apart + 2
        if found.any():
            close = rows[[row_of[key] for key in mine[found].tolist()]]
            seen[found] = 1 - similarity(queries[[number]], close, 1 - apart[found])
        ranked = np.lexsort((mine, seen))
        order[number, : len(mine)], far[number, : len(mine)] = mine[ranked], seen[ranked]
    return order, far


def merge_views(keys: np.ndarray, distances: np.ndarray, views: int) -> tuple[np.ndarray, np.ndarray]:
    """Answers to several views of each query as one: every item once, at its least distance.

    keys, distances: [Q * views, n].  Returns both as [Q, n].
    """
    count, places = len(keys) // views, keys.shape[1]
    near, far = np.full((count, places), NO_KEY, np.int64), np.full((count, places), np.inf, np.float32)
    for number in range(count):
        mine = slice(number * views, (number + 1) * views)
        every, apart = keys[mine].ravel(), distances[mine].ravel()
        order = np.lexsort((every, apart))
        order = order[every[order] != NO_KEY]
        first = np.sort(np.unique(every[order], return_index=True)[1])[:places]
        near[number, : len(first)], far[number, : len(first)] = every[order][first], apart[order][first]
    return near, far


def to_cosine_distances(distances: np.ndarray, metric: Metric, code_size: int) -> np.ndarray:
    """Distances [Q, n] on the scale of 1 - cosine; of "l2", whose scale is the collection's own, by each query's mean."""
    if metric == "cosine":
        return distances
    if metric == "hamming":
        return 2 * distances / np.float32(code_size)
    squared = np.where(np.isfinite(distances), distances, 0) ** 2
    return np.where(np.isfinite(distances), squared / np.maximum(squared.mean(1, keepdims=True), 1e-12), np.inf)


def similarity(query: Rows, candidates: Rows, by_code: np.ndarray) -> np.ndarray:
    """How like the query each candidate is: the mean of its likenesses, [N].

    query: [1, F];  candidates: [N, F];  both csr of weighted words, or dense, which are compared less the candidates' mean;
    by_code: [N], the cosines of the codes.
    """
    if not is_sparse(candidates):
        mean = np.asarray(candidates).mean(0)
        return (by_code + cosine_similarities(np.asarray(query) - mean, np.asarray(candidates) - mean)) / 2
    rows = normalize_rows(candidates)
    among, shared = (rows @ rows.T).toarray(), (rows @ normalize_rows(query).T).toarray()[:, 0]
    to_latent = latent_projection(among)
    places = among @ to_latent

    def mean_likeness(shared: np.ndarray) -> np.ndarray:
        return (by_code + shared + cosine_similarities((shared @ to_latent)[None], places)) / 3

    alike = mean_likeness(shared)
    best = np.argsort(-alike, kind="stable")[:FEEDBACK]
    # A query that has its like in the collection needs no other words, and stays at no distance from it.
    return mean_likeness(add_feedback(shared, among, best, weight=1 - min(1, max(0, alike[best[0]]))))


def latent_projection(among: np.ndarray) -> np.ndarray:
    """[N, N] inner products of the candidates with each other -> [N, D], which brings whoever's inner products with them
    are known [..., N] to their latent space [..., D]: the truncated singular value decomposition, without the words.
    """
    values, vectors = np.linalg.eigh(among)
    size = max(1, len(values) // LATENT)
    return vectors[:, -size:] / np.sqrt(np.maximum(values[-size:], 1e-9))


def add_feedback(shared: np.ndarray, among: np.ndarray, best: np.ndarray, weight: float) -> np.ndarray:
    """The cosines of the candidates with the query, to which the mean direction of the `best` of them was added, so
    weighed: [N].

    shared: [N], their cosines with the query itself;  among: [N, N], with each other.
    """
    length = np.sqrt(max(among[np.ix_(best, best)].sum(), 1e-12))
    towards, along = among[:, best].sum(1) / length, shared[best].sum() / length
    return (shared + weight * towards) / np.sqrt(1 + weight**2 + 2 * weight * along)


def cosine_similarities(query: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """query: [1, F];  rows: [N, F].  Returns [N] float32."""
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
    return (rows @ query[0] / np.maximum(lengths, 1e-12)).astype(np.float32)


def normalize_rows(X: Any) -> Any:
    """Rows of unit length.  X: [N, F] csr; an empty row stays empty."""
    lengths = np.sqrt(np.asarray(X.multiply(X).sum(1)).ravel())
    return X.multiply(1 / np.maximum(lengths, 1e-12)[:, None]).tocsr()
