"""Drift: whether the coder still suits the items that were added since it was trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aesearch.analysis.rescoring import score_queries
from aesearch.arrays import stack_rows

if TYPE_CHECKING:
    from aesearch.index.retriever import Retriever

MIN_ITEMS = 100
"""Minimum number of added items for a meaningful score."""

SIGNIFICANT_RATIO = 0.55
"""Drift is significant if the score falls below this share of the score at training.

Measured ratios (benchmarks/drift.py): more items of the same kind 0.67 to 1.05, lowest for documents; documents on other
subjects 0.21 to 0.43; photos of other subjects, which a coder encodes about as well, 0.77 to 0.96.
"""


@dataclass(frozen=True, slots=True)
class Drift:
    """Label-free score (`aesearch.scoring`) of the items added last, and of the held-out items at training.

    Attributes
    ----------
    n_items : int
        Number of added items that were scored.
    score : float
        Score of these items.
    training_score : float
        Score of the held-out items at training.
    """

    n_items: int
    score: float
    training_score: float

    @property
    def is_significant(self) -> bool:
        """Whether the coder serves the added items so much worse that it should be retrained."""
        return self.score < SIGNIFICANT_RATIO * self.training_score


def measure_drift(retriever: Retriever) -> Drift | None:
    """Score the items that were added last, which are read again.

    Returns
    -------
    Drift or None
        None if fewer than MIN_ITEMS items were added or can be read again, or the coder was not scored at training.
    """
    keys, training_score = retriever.record.added.recent_keys, retriever.record.score
    if len(keys) < MIN_ITEMS or not training_score or not retriever.record.source:
        return None
    batches = list(retriever.reload_features(keys))
    if sum(X.shape[0] for _, X in batches) < MIN_ITEMS:
        return None
    read_keys = np.concatenate([batch_keys for batch_keys, _ in batches])
    score = score_queries(retriever, stack_rows([X for _, X in batches]), read_keys)
    return None if score is None else Drift(len(read_keys), score.value, training_score.value)
