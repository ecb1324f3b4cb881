"""Shared by the benchmarks: retrieval quality by labels, and the accuracy of a linear probe."""

from typing import Any, NamedTuple

import numpy as np
from datasets import LabeledRows
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from aesearch.analysis.metrics import average_precision, precision_at
from aesearch.arrays import is_sparse
from aesearch.catalog import create_store
from aesearch.coders.base import Coder
from aesearch.coders.validation import score_coder
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
    has_label, query_has_label = label_matrices(rows.labels, rows.query_labels)
    is_relevant = share_label(has_label, query_has_label, neighbors)
    p1, p10, p100 = (float(precision_at(is_relevant, k).mean()) for k in (1, 10, 100))
    step = max(1, rows.Q.shape[0] // MAX_SCORED_QUERIES)
    label_free = score_coder(coder, rows.X, HeldOutItems(rows.Q[::step])).value
    macro_p10 = macro_mean(precision_at(is_relevant, 10), query_has_label)
    return RetrievalScores(p1, p10, p100, float(average_precision(is_relevant).mean()), label_free, macro_p10)


def label_matrices(labels: np.ndarray, query_labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for items and queries which labels they have: two boolean arrays, one row per item, one column per label."""
    rows = [[tuple(x) if isinstance(x, list | tuple) else (x,) for x in part] for part in (labels, query_labels)]
    columns = {
        label: column for column, label in enumerate(sorted({label for part in rows for row in part for label in row}))
    }
    matrices = []
    for part in rows:
        matrix = np.zeros((len(part), len(columns)), bool)
        for number, row in enumerate(part):
            matrix[number, [columns[label] for label in row]] = True
        matrices.append(matrix)
    return matrices[0], matrices[1]


def share_label(has_label: np.ndarray, query_has_label: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
    """Return which neighbors share a label with their query: a boolean array of the shape of `neighbors`."""
    shares = np.zeros(neighbors.shape, bool)
    for column in range(has_label.shape[1]):
        queries = np.flatnonzero(query_has_label[:, column])
        shares[queries] |= has_label[:, column][neighbors[queries]]
    return shares


def macro_mean(values: np.ndarray, query_has_label: np.ndarray) -> float:
    """Return the mean over labels of the mean of the values of the queries that have this label."""
    counts = query_has_label.sum(axis=0)
    return float(((values @ query_has_label)[counts > 0] / counts[counts > 0]).mean())


def probe_accuracy(codes: Any, query_codes: Any, labels: np.ndarray, query_labels: np.ndarray) -> float:
    """Return the accuracy of a logistic regression that is trained on codes of the database and tested on the queries."""
    if codes.dtype == np.uint8:
        codes, query_codes = (np.unpackbits(bits, axis=1).astype(np.float32) for bits in (codes, query_codes))
    if not is_sparse(codes):
        scaler = StandardScaler().fit(codes)
        codes, query_codes = scaler.transform(codes), scaler.transform(query_codes)
    return float(LogisticRegression(max_iter=100, C=0.1).fit(codes, labels).score(query_codes, query_labels))
