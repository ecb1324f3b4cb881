"""Shared by the benchmarks: retrieval quality by labels, and the accuracy of a linear probe."""

from typing import Any, NamedTuple

import numpy as np
from datasets import LabeledRows
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from aesearch.analysis.metrics import RelevanceByLabel, average_precision, macro_mean, precision_at
from aesearch.arrays import is_sparse
from aesearch.catalog import create_store
from aesearch.coders.base import Coder
from aesearch.coders.validation import score_coder
from aesearch.items import Label
from aesearch.scoring import HeldOutItems

DEPTH = 1000
"""Length of the ranking that mean average precision is computed from."""
MAX_SCORED_QUERIES = 1000


class RetrievalScores(NamedTuple):
    """Means over the queries: precision at 1, 10 and 100, mAP@1000, and the label-free score.

    `macro_precision_at_10` is the mean over labels of the mean precision at 10 of the queries that have this label.
    """

    precision_at_1: float
    precision_at_10: float
    precision_at_100: float
    mean_average_precision: float
    label_free: float
    macro_precision_at_10: float


def score_retrieval(coder: Coder, rows: LabeledRows) -> RetrievalScores:
    """Search the database for every query. A neighbor is relevant if it shares a label with the query."""
    codes = coder.encode(rows.X)
    store = create_store(None, coder.metric, codes.shape[1], is_sparse=is_sparse(codes))
    store.add(np.arange(len(rows.labels)), codes)
    neighbors, _ = store.search(coder.encode(rows.Q), min(DEPTH, len(rows.labels)))
    relevance, query_labels = RelevanceByLabel(list(map(as_label, rows.labels))), list(map(as_label, rows.query_labels))
    pairs = zip(query_labels, neighbors, strict=True)
    is_relevant = np.stack([relevance.relevant_items(label)[found] for label, found in pairs])
    p1, p10, p100 = (float(precision_at(is_relevant, k).mean()) for k in (1, 10, 100))
    step = max(1, rows.Q.shape[0] // MAX_SCORED_QUERIES)
    label_free = score_coder(coder, rows.X, HeldOutItems(rows.Q[::step])).value
    macro_p10 = float(macro_mean(precision_at(is_relevant, 10), query_labels))
    return RetrievalScores(p1, p10, p100, float(average_precision(is_relevant).mean()), label_free, macro_p10)


def as_label(value: Any) -> Label:
    """Return a label of a data set, which is a number, a name, or a list of names, as the label of an item."""
    return tuple(map(str, value)) if isinstance(value, list | tuple) else str(value)


def probe_accuracy(codes: Any, query_codes: Any, labels: np.ndarray, query_labels: np.ndarray) -> float:
    """Return the accuracy of a logistic regression that is trained on codes of the database and tested on the queries."""
    if codes.dtype == np.uint8:
        codes, query_codes = (np.unpackbits(bits, axis=1).astype(np.float32) for bits in (codes, query_codes))
    if not is_sparse(codes):
        scaler = StandardScaler().fit(codes)
        codes, query_codes = scaler.transform(codes), scaler.transform(query_codes)
    return float(LogisticRegression(max_iter=100, C=0.1).fit(codes, labels).score(query_codes, query_labels))
