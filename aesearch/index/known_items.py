"""The weight of words in hybrid ranking, chosen for a collection without labels: how well are known items found?

A known-item query consists of three words that are typical of one document; a person who remembers a document types such
words. The weight of words is the smallest one with which these documents are found almost as well as with any, so that the
subject counts as much as possible.

References
----------
Azzopardi, de Rijke & Balog 2007, "Building simulated queries for known-item topics".
"""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

import numpy as np

from aesearch.errors import NoKnownTerms
from aesearch.features.tokenizer import tokenize
from aesearch.index.storage import IndexState
from aesearch.index.word_query import query_words
from aesearch.search.hybrid import DEFAULT_LEXICAL_WEIGHT, LEXICAL_WEIGHTS

MIN_DOCUMENTS = 500
"""Smaller collections get the default weight: any weight finds their known items."""
N_QUERIES = 100
QUERY_WORDS, TYPICAL_WORDS = 3, 12
"""Words of a query, and the strongest words of a document (by TF-IDF) that they are drawn from."""
MAX_WORDS_PER_DOCUMENT, MAX_PASSAGES = 1000, 10
"""Different words, and passages, of a document that are considered."""
MIN_RANK_SHARE = 0.985
"""Share of the best mean reciprocal rank that the chosen weight has to reach."""
N_HITS = 10


class KnownItemQuery(NamedTuple):
    """Words that are typical of a document, and its key."""

    text: str
    key: int


def choose_lexical_weight(index: IndexState) -> float:
    """Return the weight of words for an index of documents."""
    if index.record.kind != "documents" or len(index.store) < MIN_DOCUMENTS:
        return DEFAULT_LEXICAL_WEIGHT
    queries = draw_queries(index, N_QUERIES)
    if not queries:
        return DEFAULT_LEXICAL_WEIGHT
    ranks = {weight: mean_reciprocal_rank(index, queries, weight) for weight in LEXICAL_WEIGHTS}
    return next(weight for weight in LEXICAL_WEIGHTS if ranks[weight] >= MIN_RANK_SHARE * max(ranks.values()))


def draw_queries(index: IndexState, n_queries: int, seed: int = 0) -> list[KnownItemQuery]:
    """Return a known-item query for each of up to `n_queries` random documents."""
    rng = np.random.default_rng(seed)
    texts = index.ledger.texts
    keys = rng.permutation(np.sort(index.store.keys()))[:n_queries].tolist()
    n_passages, queries = len(texts), list[KnownItemQuery]()
    for key, ids in texts.ids_of(keys).items():
        passages = texts.passages(ids[:MAX_PASSAGES]).values()
        counts = Counter(token for passage in passages for token in tokenize(passage.text))
        words = [word for word, _ in counts.most_common(MAX_WORDS_PER_DOCUMENT)]
        frequencies = {word: texts.count(f'"{word}"', n_passages) for word in words}
        idf = {word: 1 + math.log((1 + n_passages) / (1 + frequencies[word])) for word in words}  # as BagOfWords has it
        strength = {word: (1 + math.log(counts[word])) * idf[word] for word in words}
        typical = sorted(words, key=lambda word: (-strength[word], word))[:TYPICAL_WORDS]
        if len(typical) >= QUERY_WORDS:
            queries.append(KnownItemQuery(" ".join(rng.choice(typical, QUERY_WORDS, replace=False)), key))
    return queries


def mean_reciprocal_rank(index: IndexState, queries: list[KnownItemQuery], weight: float) -> float:
    """Return the mean of 1 / rank of the documents that known-item queries are made from; 0 beyond rank 10."""
    total = 0.0
    for query in queries:
        try:
            keys = query_words(index, query.text, N_HITS, "hybrid", weight).ranking.keys[:N_HITS].tolist()
        except NoKnownTerms:
            continue
        if query.key in keys:
            total += 1 / (1 + keys.index(query.key))
    return total / len(queries)
