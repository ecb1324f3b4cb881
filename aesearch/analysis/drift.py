"""Drift: whether the coder still suits the items that were added since it was trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aesearch.agreement import score_coder
from aesearch.arrays import stack_rows

if TYPE_CHECKING:
    from aesearch.index.retriever import Retriever

MIN_ITEMS = 100
"""Minimum number of added items for a meaningful score."""

SIGNIFICANT_RATIO = 0.55
"""Drift is significant if the agreement falls below this share of the agreement at training.

Measured ratios (benchmarks/drift.py): more items of the same kind 0.67 to 1.05, lowest for documents; documents on other
subjects 0.21 to 0.43; photos of other subjects, which a coder encodes about as well, 0.77 to 0.96.
"""


@dataclass(frozen=True, slots=True)
class Drift:
    """Neighbor agreement (`aesearch.agreement`) of the items added last, and of the collection at training.

    Attributes
    ----------
    n_items : int
        Number of added items that were scored.
    agreement : float
        Agreement of these items.
    training_agreement : float
        Agreement of the held-out items at training.
    """

    n_items: int
    agreement: float
    training_agreement: float

    @property
    def is_significant(self) -> bool:
        """Whether the coder serves the added items so much worse that it should be retrained."""
        return self.agreement < SIGNIFICANT_RATIO * self.training_agreement


def measure_drift(retriever: Retriever) -> Drift | None:
    """Score the items that were added last, which are read again.

    Returns
    -------
    Drift or None
        None if fewer than MIN_ITEMS items were added or can be read again, or the coder was not scored at training.
    """
    keys, training_agreement = retriever.record.added.recent_keys, retriever.record.agreement
    if len(keys) < MIN_ITEMS or not training_agreement or not retriever.record.source:
        return None
    rows = [X for _, X in retriever.reload_features(keys)]
    if sum(X.shape[0] for X in rows) < MIN_ITEMS:
        return None
    X = stack_rows(rows)
    agreement = score_coder(retriever.coder, retriever.store, X)
    return None if agreement is None else Drift(X.shape[0], agreement, training_agreement)
