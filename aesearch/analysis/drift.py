"""Whether a coder still suits what was added to its index since it was trained."""

from __future__ import annotations

from dataclasses import dataclass

from aesearch.agreement import score_coder
from aesearch.arrays import stack_rows
from aesearch.index.retriever import Retriever

LEAST = 100
"""Items added since; the score of fewer says little."""

CLEARLY = 0.55
"""More of the same score 0.67 to 1.05 of what was trained on (documents the least), documents of other groups 0.21 to 0.43
(benchmarks/drift.py); photos of other things, which a coder describes about as well, 0.77 to 0.96."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The label-free score (`aesearch.agreement`) of the last `items` added, and that of the collection at training."""

    items: int
    agreement: float
    trained: float

    @property
    def clear(self) -> bool:
        """Whether the new items are clearly worse served than those trained on, so that to train anew is worth it."""
        return self.agreement < CLEARLY * self.trained


def drift(retriever: Retriever) -> Drift | None:
    """How the items that were added since training fare; the last of them are read again.

    None where they are too few, or can be read no more, or nothing was scored at training.
    """
    keys, trained = retriever.record.added.recent_keys, retriever.record.agreement
    if len(keys) < LEAST or not trained or not retriever.record.source:
        return None
    rows = [X for _, X in retriever.reload_features(keys)]
    if sum(X.shape[0] for X in rows) < LEAST:
        return None
    X = stack_rows(rows)
    found = score_coder(retriever.coder, retriever.store, X)
    return None if found is None else Drift(X.shape[0], found, trained)
