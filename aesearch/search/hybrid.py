"""Hybrid ranking: similarities of codes and scores of words, added.

A code finds documents on the subject of a query, in other words, too; its words find a name, a number, a rare term. The
score of an item is

    similarity of its code + weight * score of its words

where both are on absolute scales: the cosine, and the share of the query that the best passage matches
(`aesearch.search.words`). An item with all words of the query is ahead of the items on the same subject; without such an
item, the subject decides. Sums of ranks say neither, and are worse on MED and Cranfield (benchmarks/RESULTS.md).

The best items are added to the code of the query, which has only a few words (pseudo-relevance feedback), each weighted by
its score, and the items are ranked again.

References
----------
Rocchio 1971, "Relevance feedback in information retrieval".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

LEXICAL_WEIGHTS = (2.0, 3.0, 4.0, 6.0)
"""Weights of words from which one is chosen for a collection (`aesearch.index.known_items`). With smaller ones, the best
match of all words may not come first; with larger ones, the subject hardly matters."""
DEFAULT_LEXICAL_WEIGHT = 3.0
FEEDBACK_ITEMS, FEEDBACK_WEIGHT = 5, 2.0
"""Best items that are added to the code of the query, and their weight together; the query's is 1."""


class Ranking(NamedTuple):
    """Ranked items.

    Attributes
    ----------
    keys : array of shape (n_items,), int64
        The best first.
    scores : array of shape (n_items,), float
        Similarity of the code plus weighted score of the words.
    distances : array of shape (n_items,), float32
        Distances of the codes, in the metric of the index; infinite if the query or the item has no code.
    """

    keys: np.ndarray
    scores: np.ndarray
    distances: np.ndarray


def rank(
    keys: np.ndarray, similarities: np.ndarray, distances: np.ndarray, words: Mapping[int, float], weight: float
) -> Ranking:
    """Rank items by codes and words.

    Parameters
    ----------
    keys : array of shape (n_items,), int64
        Each once.
    similarities, distances : arrays of shape (n_items,)
        Cosines, or what takes their place, and distances.
    words : mapping of int to float
        Score of the words of each item that has any, by key.
    weight : float
        Weight of the words.
    """
    scores = similarities + weight * np.array([words.get(key, 0.0) for key in keys.tolist()])
    order = np.lexsort((keys, -scores))
    return Ranking(keys[order], scores[order], distances[order])
