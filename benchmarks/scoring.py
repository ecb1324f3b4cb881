"""Shared by the benchmarks: retrieval quality by labels, and the accuracy of a linear probe."""

from typing import Any, NamedTuple

import numpy as np
from datasets import LabeledRows
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from aesearch.agreement import score_coder
from aesearch.analysis.metrics import average_precision, precision_at
from aesearch.arrays import is_sparse
from aesearch.catalog import create_store
from aesearch.coders.base import Coder

DEPTH = 1000
"""Length of the ranking that mean average precision is computed from."""
MAX_AGREEMENT_QUERIES = 1000


class RetrievalScores(NamedTuple):
    """Means over the queries: precision at 1, 10 and 100, mAP@1000, and the label-free neighbor agreement."""

    precision_at_1: float
    precision_at_10: float
    precision_at_100: float
    mean_average_precision: float
    agreement: float


def score_retrieval(coder: Coder, rows: LabeledRows) -> RetrievalScores:
    """Search the database for every query. A neighbor is relevant if it has the label of the query."""
    codes = coder.encode(rows.X)
    store = create_store(None, coder.metric, codes.shape[1], is_sparse=is_sparse(codes))
    store.add(np.arange(len(rows.labels)), codes)
    neighbors, _ = store.search(coder.encode(rows.Q), min(DEPTH, len(rows.labels)))
    is_relevant = rows.labels[neighbors] == rows.query_labels[:, None]
    p1, p10, p100 = (float(precision_at(is_relevant, k).mean()) for k in (1, 10, 100))
    step = max(1, rows.Q.shape[0] // MAX_AGREEMENT_QUERIES)
    agreement = score_coder(coder, store, rows.Q[::step]) or 0.0
    return RetrievalScores(p1, p10, p100, float(average_precision(is_relevant).mean()), agreement)


def probe_accuracy(codes: Any, query_codes: Any, labels: np.ndarray, query_labels: np.ndarray) -> float:
    """Return the accuracy of a logistic regression that is trained on codes of the database and tested on the queries."""
    if codes.dtype == np.uint8:
        codes, query_codes = (np.unpackbits(bits, axis=1).astype(np.float32) for bits in (codes, query_codes))
    if not is_sparse(codes):
        scaler = StandardScaler().fit(codes)
        codes, query_codes = scaler.transform(codes), scaler.transform(query_codes)
    return float(LogisticRegression(max_iter=100, C=0.1).fit(codes, labels).score(query_codes, query_labels))
