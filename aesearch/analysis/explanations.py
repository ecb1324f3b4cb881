"""Why these neighbors: the words that a query and its hits share; of pictures, in what they are alike and what the codes
keep of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.arrays import is_sparse, stack_rows
from aesearch.errors import InvalidParameter
from aesearch.items import Hit, Item
from aesearch.search.reranking import cosine_similarities, normalize_rows

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.coders.base import Coder
    from aesearch.index.retriever import Retriever

WORDS = 8


@dataclass(frozen=True)
class Reason:
    """Why an item was found.

    likeness : the cosine of all its features with the query's, as `--rerank` has them.  A code may put an item near that
        shares little with the query, or nothing: other words for the same.
    words : of documents, the words that it shares with the query, by their part in that cosine, the greatest first.
    decoded : shared words again, as the decoder weighs them: each by its share of all the words that are given back of
        both codes, the greatest first.  None without a decoder.
    parts : of pictures, what each description (gradients, colors, pixels) adds to that cosine, which is their sum; empty
        where the coder describes pictures by nothing but their pixels.
    seen, kept : of pictures, the item at the features' size, and what its code gives back (None without a decoder).
    """

    hit: Hit
    likeness: float
    words: dict[str, float]
    decoded: dict[str, float] | None
    parts: dict[str, float]
    seen: Any = None
    kept: Any = None

    def as_dict(self) -> dict[str, Any]:
        """What `aesearch explain --json` prints of a hit."""
        parts = {name: round(part, 4) for name, part in self.parts.items()}
        told = {"likeness": round(self.likeness, 4), "words": self.words, "decoded": self.decoded, "parts": parts}
        return self.hit.as_dict() | told


def explain(retriever: Retriever, what: Item, k: int = 5) -> list[Reason]:
    """The query itself, as the index sees it (rank 0), then its k nearest, each with why it was found.

    Hits whose files cannot be read any more are left out.  Raises InvalidParameter where the items were made in memory, or are
    vectors, which share nothing that could be shown.
    """
    if retriever.features.row_kind == "vectors":
        raise InvalidParameter("vectors share nothing that could be shown; explain answers of pictures and documents")
    hits = {hit.id: hit for hit in retriever.query(what, k)}
    keys = {row.key: hits[id] for id, row in retriever.ledger.rows_by_id(list(hits)).items()}
    found, rows = [Hit(0, what.id, 0.0, what.label)], [retriever.featurize([what])]
    for read, part in retriever.reload_features(list(keys)):
        found += [keys[key] for key in read]
        rows.append(part)
    order = np.argsort([hit.rank for hit in found])
    ranked, X = [found[at] for at in order.tolist()], stack_rows(rows)[order]
    return _by_words(retriever, X, ranked) if is_sparse(X) else _by_sight(retriever, X, ranked)


def _by_words(retriever: Retriever, X: Any, hits: list[Hit]) -> list[Reason]:
    """X: [1 + k, V] csr, the query first."""
    rows = normalize_rows(X).toarray()
    shared = rows * rows[0]
    words = _told(retriever, shared)
    decoded: list[Any] = [None] * len(hits)
    if retriever.coder.can_decode:
        decoded = _told(retriever, np.where(shared > 0, _of_both(retriever.coder, X), 0))
    return [Reason(hit, float(shared[at].sum()), words[at], decoded[at], {}) for at, hit in enumerate(hits)]


def _of_both(coder: Coder, X: Any) -> np.ndarray:
    """What the decoder gives back of each row's code and the first row's together: shares of 1, [1 + k, V].

    The geometric mean of what it gives of either, which bits have too; of a decoder of one layer before a softmax, as
    `neighbors` has, it is what it gives of the mean of both codes.
    """
    given = np.maximum(coder.decode(coder.encode(X)), 0)
    both = np.sqrt(given * given[0])
    return both / np.maximum(both.sum(1, keepdims=True), 1e-12)


def _told(retriever: Retriever, weights: np.ndarray) -> list[dict[str, float]]:
    """The weightiest words of each row, with their weights.  weights: [N, V]."""
    return [
        {word: round(weight, 4) for word, weight in zip(words[:WORDS], sorted(row, reverse=True), strict=False)}
        for words, row in zip(retriever.features.inverse_transform(weights), weights.tolist(), strict=True)
    ]


def _by_sight(retriever: Retriever, X: Rows, hits: list[Hit]) -> list[Reason]:
    """X: [1 + k, C, H, W], the query first."""
    details = np.asarray(retriever.coder.rerank_features(X), np.float32)
    alike, seen = cosine_similarities(details[:1], details), retriever.features.inverse_transform(X)
    parts = _by_part(details, retriever.coder.rerank_feature_groups())
    kept: list[Any] = [None] * len(hits)
    if retriever.coder.can_decode:
        kept = retriever.features.inverse_transform(retriever.coder.decode(np.asarray(retriever.coder.encode(X))))
    return [Reason(hit, float(alike[at]), {}, None, parts[at], seen[at], kept[at]) for at, hit in enumerate(hits)]


def _by_part(details: np.ndarray, sizes: Mapping[str, int]) -> list[dict[str, float]]:
    """What each part adds to a row's cosine with the first row.  details: [1 + k, F];  sizes: of the parts of F."""
    if not sizes:
        return [{} for _ in details]
    rows = details / np.maximum(np.linalg.norm(details, axis=1, keepdims=True), 1e-12)
    starts = np.cumsum([0, *sizes.values()])[:-1]
    sums = np.add.reduceat(rows * rows[0], starts, axis=1)
    return [dict(zip(sizes, row, strict=True)) for row in sums.tolist()]
