"""Why these neighbours: the words that a query and its hits share; of pictures, what the codes keep of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.arrays import is_sparse, stacked
from aesearch.errors import BadSetting
from aesearch.items import Hit, Item
from aesearch.reranking import cosines, unit

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.retriever import Retriever

WORDS = 8


@dataclass(frozen=True)
class Reason:
    """Why an item was found.

    likeness : the cosine of all its features with the query's: as `--rerank` has them.  The
        code may have put an item near that shares little with the query, or nothing: by other words for the same.
    words : of documents, the words that it shares with the query, by their part in that cosine, the greatest first.
    seen, kept : of pictures, the item at the features' size, and what its code gives back (None without a decoder).
    """

    hit: Hit
    likeness: float
    words: dict[str, float]
    seen: Any = None
    kept: Any = None

    def as_dict(self) -> dict[str, Any]:
        """What `aesearch explain --json` prints of a hit."""
        return {**self.hit.as_dict(), "likeness": round(self.likeness, 4), "words": self.words}


def explain(retriever: Retriever, what: Item, k: int = 5) -> tuple[Reason, list[Reason]]:
    """The query seen as the index sees it (as a Reason of rank 0), and why each of its k nearest was found.

    Hits whose files cannot be read any more are left out.  Raises BadSetting where the items were made in memory, or are
    vectors, which share nothing that could be shown.
    """
    if retriever.features.coded_as == "vectors":
        raise BadSetting("vectors share nothing that could be shown; explain answers of pictures and documents")
    X = retriever.rows_of([what])
    hits = {hit.id: hit for hit in retriever.query(what, k)}
    keys = {row.key: id for id, row in retriever.ledger.rows_of(list(hits)).items()}
    read, rows = [], []
    for found, part in retriever.read_again(list(keys)):
        read += [hits[keys[key]] for key in found]
        rows.append(part)
    order = np.argsort([hit.rank for hit in read])
    asked = Reason(Hit(0, what.id, 0.0, what.label), 1.0, {})
    if not read:
        return asked, []
    near = stacked(rows)[order]
    ranked = [read[at] for at in order.tolist()]
    return _by_words(retriever, X, near, ranked) if is_sparse(X) else _by_sight(retriever, X, near, ranked, asked)


def _by_words(retriever: Retriever, X: Any, near: Any, hits: list[Hit]) -> tuple[Reason, list[Reason]]:
    mine, theirs = unit(X), unit(near)
    shared = theirs.multiply(mine.toarray()).tocsr()
    reasons = []
    for number, hit in enumerate(hits):
        parts = shared[[number]]
        [words] = retriever.features.inverse(parts)
        weights = sorted(parts.data.tolist(), reverse=True)
        told = {word: round(weight, 4) for word, weight in zip(words[:WORDS], weights, strict=False)}
        reasons.append(Reason(hit, float(parts.sum()), told))
    [words] = retriever.features.inverse(mine)
    weights = sorted(mine.data.tolist(), reverse=True)
    return Reason(Hit(0, "query", 0.0), 1.0, dict(zip(words[:WORDS], weights, strict=False))), reasons


def _by_sight(retriever: Retriever, X: Rows, near: Rows, hits: list[Hit], asked: Reason) -> tuple[Reason, list[Reason]]:
    both = np.concatenate([np.asarray(X), np.asarray(near)])
    details = np.asarray(retriever.coder.detail(both), np.float32)
    alike = cosines(details[:1], details)
    seen = retriever.features.inverse(both)
    kept: list[Any] = [None] * len(both)
    if retriever.coder.can_decode:
        kept = retriever.features.inverse(retriever.coder.decode(np.asarray(retriever.coder.encode(both))))
    reasons = [Reason(hit, float(alike[at]), {}, seen[at], kept[at]) for at, hit in enumerate(hits, 1)]
    return Reason(asked.hit, 1.0, {}, seen[0], kept[0]), reasons
