"""Reranking: order the candidates found by short codes by their full features.

The score of a candidate is the mean of its similarities to the query:

- the cosine of their codes;
- the cosine of their features, as semantic hashing ranks its candidates by TF-IDF (Salakhutdinov & Hinton 2007);
- for bags of words, the cosine in a latent space that is learned from the candidates alone. It separates documents that are
  all about the subject of the query (local latent semantic indexing: Hull 1994; Schuetze, Hull & Pedersen 1995).

Bags of words are scored twice. The second time, the best candidates of the first time are added to the query, which often
has only a few words (pseudo-relevance feedback: Rocchio 1971).

References
----------
Hull 1994, "Improving text retrieval for the routing problem using latent semantic indexing".
Rocchio 1971, "Relevance feedback in information retrieval".
Salakhutdinov & Hinton 2007, "Semantic hashing".
Schuetze, Hull & Pedersen 1995, "A comparison of classifiers and document representations for the routing problem".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.arrays import is_sparse
from aesearch.stores.base import NO_KEY

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.coders.base import Metric

MAX_CANDIDATES = 500
"""Items that are reranked for each query."""
CANDIDATES_PER_LATENT_DIMENSION = 10
FEEDBACK_DOCUMENTS = 5
"""Best candidates that are added to a query of words. Together they weigh at most as much as the query."""
UNRANKED_OFFSET = 2
"""Added to the distance of an item that is not reranked, so that it comes last. Cosine distances are at most 2."""
EPSILON = 1e-12
"""Smallest divisor, for vectors of length zero."""


def rerank(
    queries: Rows, keys: np.ndarray, distances: np.ndarray, load_features: Callable[[list[int]], tuple[list[int], Rows]]
) -> tuple[np.ndarray, np.ndarray]:
    """Reorder search results by the similarity of their features to those of the query.

    Parameters
    ----------
    queries : array or csr matrix of shape (n_queries, n_features)
        Features of the queries.
    keys, distances : arrays of shape (n_queries, n_hits)
        Results of a store, with distances on the scale of 1 - cosine (see `to_cosine_distances`).
    load_features : callable
        Takes a list of keys. Returns the keys of the items that can still be read, and their features [n_read, n_features].

    Returns
    -------
    keys : array of shape (n_queries, n_hits), int64
    distances : array of shape (n_queries, n_hits), float32
        1 - similarity. The first MAX_CANDIDATES items are reranked. Items after them, and items that can no longer be read,
        come last, with their original distance + 2.
    """
    candidates = keys[:, :MAX_CANDIDATES]
    loaded, features = load_features(np.unique(candidates[candidates != NO_KEY]).tolist())
    row_of = {key: row for row, key in enumerate(loaded)}
    new_keys, new_distances = np.full_like(keys, NO_KEY), np.full(keys.shape, np.inf, np.float32)
    for i in range(len(keys)):
        is_hit = keys[i] != NO_KEY
        n_hits = int(is_hit.sum())
        new_keys[i, :n_hits], new_distances[i, :n_hits] = _rerank_hits(
            queries[[i]], keys[i][is_hit], distances[i][is_hit], row_of, features
        )
    return new_keys, new_distances


def _rerank_hits(
    query: Rows, keys: np.ndarray, distances: np.ndarray, row_of: Mapping[int, int], features: Rows
) -> tuple[np.ndarray, np.ndarray]:
    """Rerank the hits of one query: keys and distances [n_hits]. `row_of` maps keys to rows of `features`."""
    is_candidate = np.array([i < MAX_CANDIDATES and key in row_of for i, key in enumerate(keys.tolist())], bool)
    new_distances = distances + UNRANKED_OFFSET
    if is_candidate.any():
        candidates = features[[row_of[key] for key in keys[is_candidate].tolist()]]
        new_distances[is_candidate] = 1 - similarity(query, candidates, 1 - distances[is_candidate])
    order = np.lexsort((keys, new_distances))
    return keys[order], new_distances[order]


def merge_views(keys: np.ndarray, distances: np.ndarray, n_views: int) -> tuple[np.ndarray, np.ndarray]:
    """Merge the results of several views of each query: each item once, at its smallest distance.

    Parameters
    ----------
    keys, distances : arrays of shape (n_queries * n_views, n_hits)
        Results of a store. The views of a query are adjacent.
    n_views : int

    Returns
    -------
    keys, distances : arrays of shape (n_queries, n_hits), int64 and float32
    """
    n_queries, n_hits = len(keys) // n_views, keys.shape[1]
    merged_keys = np.full((n_queries, n_hits), NO_KEY, np.int64)
    merged_distances = np.full((n_queries, n_hits), np.inf, np.float32)
    for i in range(n_queries):
        views = slice(i * n_views, (i + 1) * n_views)
        all_keys, all_distances = keys[views].ravel(), distances[views].ravel()
        order = np.lexsort((all_keys, all_distances))
        order = order[all_keys[order] != NO_KEY]
        # The first occurrence of a key has its smallest distance.
        first = order[np.sort(np.unique(all_keys[order], return_index=True)[1])[:n_hits]]
        merged_keys[i, : len(first)], merged_distances[i, : len(first)] = all_keys[first], all_distances[first]
    return merged_keys, merged_distances


def to_cosine_distances(distances: np.ndarray, metric: Metric, code_size: int) -> np.ndarray:
    """Return distances of a store on the scale of 1 - cosine.

    Euclidean distances have no fixed scale. Their squares are divided by the mean square of each query's hits.

    Parameters
    ----------
    distances : array of shape (n_queries, n_hits)
        Infinite for padding, as a store returns them.
    metric : {"cosine", "l2", "hamming"}
    code_size : int
        Dimensions, or bits for "hamming".
    """
    if metric == "cosine":
        return distances
    if metric == "hamming":
        return 2 * distances / np.float32(code_size)
    is_hit = np.isfinite(distances)
    squares = np.where(is_hit, distances, 0) ** 2
    return np.where(is_hit, squares / np.maximum(squares.mean(1, keepdims=True), EPSILON), np.inf)


def similarity(query: Rows, candidates: Rows, code_cosines: np.ndarray) -> np.ndarray:
    """Return the similarity of each candidate to the query, at most 1.

    Parameters
    ----------
    query : array or csr matrix of shape (1, n_features)
    candidates : array or csr matrix of shape (n, n_features)
    code_cosines : array of shape (n,)
        Cosines of the candidates' codes with the query's code.

    Returns
    -------
    array of shape (n,)
    """
    if is_sparse(candidates):
        return _term_similarity(query, candidates, code_cosines)
    # Without the mean of the candidates, which all of them share, their cosines differ more.
    mean = np.asarray(candidates).mean(0)
    feature_cosines = cosine_similarities(np.asarray(query) - mean, np.asarray(candidates) - mean)
    return (code_cosines + feature_cosines) / 2


def _term_similarity(query: Rows, candidates: Rows, code_cosines: np.ndarray) -> np.ndarray:
    """Return the similarity [n] of bags of words to a query; see `similarity`."""
    rows = normalize_rows(candidates)
    gram = (rows @ rows.T).toarray()  # [n, n] cosines of the candidates with each other
    query_cosines = (rows @ normalize_rows(query).T).toarray()[:, 0]  # [n]
    projection = latent_projection(gram)
    latent_candidates = gram @ projection  # [n, D]

    def score(query_cosines: np.ndarray) -> np.ndarray:
        latent_cosines = cosine_similarities((query_cosines @ projection)[None], latent_candidates)
        return (code_cosines + query_cosines + latent_cosines) / 3

    scores = score(query_cosines)
    best = np.argsort(-scores, kind="stable")[:FEEDBACK_DOCUMENTS]
    # The closer the best candidate is, the less feedback a query needs. An item as a query keeps its distance of 0.
    weight = 1 - min(1, max(0, scores[best[0]]))
    return score(add_feedback(query_cosines, gram, best, weight))


def latent_projection(gram: np.ndarray) -> np.ndarray:
    """Return the projection of inner products with the candidates into the candidates' latent space.

    The latent space is the truncated singular value decomposition of the candidates, R = U S W^T. It follows from their
    inner products alone, because R R^T = U S^2 U^T. If g = R x are the inner products of x with the candidates, then the
    latent coordinates of x are W^T x = (U S^-1)^T g.

    Parameters
    ----------
    gram : array of shape (n, n)
        R R^T, the inner products of the candidates with each other.

    Returns
    -------
    array of shape (n, D)
        U S^-1 for the D largest singular values, one for every CANDIDATES_PER_LATENT_DIMENSION candidates.
    """
    eigenvalues, eigenvectors = np.linalg.eigh(gram)  # in ascending order
    size = max(1, len(eigenvalues) // CANDIDATES_PER_LATENT_DIMENSION)
    return eigenvectors[:, -size:] / np.sqrt(np.maximum(eigenvalues[-size:], 1e-9))


def add_feedback(query_cosines: np.ndarray, gram: np.ndarray, best: np.ndarray, weight: float) -> np.ndarray:
    """Return the cosines of the candidates with the query after adding the best candidates to it.

    The new query is q + weight * m, with q the query and m the mean of the best candidates, both of unit length.

    Parameters
    ----------
    query_cosines : array of shape (n,)
        Cosines of the candidates with the query.
    gram : array of shape (n, n)
        Cosines of the candidates with each other.
    best : array of int
        Positions of the best candidates.
    weight : float

    Returns
    -------
    array of shape (n,)
    """
    # m = s / |s|, with s the sum of the best candidates and |s|^2 the sum of their inner products.
    length = np.sqrt(max(gram[np.ix_(best, best)].sum(), EPSILON))
    mean_cosines, query_mean_cosine = gram[:, best].sum(1) / length, query_cosines[best].sum() / length
    # cos(c, q + w m) = (c.q + w c.m) / |q + w m|, with |q + w m|^2 = 1 + w^2 + 2 w q.m
    return (query_cosines + weight * mean_cosines) / np.sqrt(1 + weight**2 + 2 * weight * query_mean_cosine)


def cosine_similarities(query: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the cosines, [n] float32, of rows [n, n_features] with a query [1, n_features]."""
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
    return (rows @ query[0] / np.maximum(lengths, EPSILON)).astype(np.float32)


def normalize_rows(X: Any) -> Any:
    """Return the rows of a csr matrix, scaled to unit length. Empty rows stay empty."""
    lengths = np.sqrt(np.asarray(X.multiply(X).sum(1)).ravel())
    return X.multiply(1 / np.maximum(lengths, EPSILON)[:, None]).tocsr()
