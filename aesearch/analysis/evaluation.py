"""Retrieval quality of an index: precision for labeled queries, label-free score and reconstruction error for all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.analysis.metrics import RelevanceByLabel, average_precision, macro_mean, precision_at, squared_errors
from aesearch.analysis.rescoring import Reload, score_queries
from aesearch.arrays import stack_rows
from aesearch.errors import InvalidParameter, NoItems, WrongKind
from aesearch.items import Item, ItemCollection, Label, Skip, SkipCategory
from aesearch.readers.folder import FileCollection
from aesearch.scoring import MIN_ITEMS, Score

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.index.retriever import Retriever

MAP_DEPTH = 1000
"""Number of nearest items that mean average precision takes into account."""

CURVE_LENGTH = 100
"""Largest k of the precision and recall curves."""

BATCH_SIZE = 256
"""Queries encoded and searched at a time."""

MAX_SCORED_QUERIES = 500
"""Queries that the label-free score is computed with: the files of their neighbors are read again."""


@dataclass(frozen=True)
class Evaluation:
    """Result of `evaluate`, averaged over the queries.

    Attributes
    ----------
    queries : int
        Number of queries with a label, or of all queries if none has one.
    precision : dict of int to float
        Share of the k nearest items that share a label with the query, by k. At k = 1 it is the accuracy of a
        1-nearest-neighbor classifier. Empty if no query has a label.
    macro_precision : dict of int to float
        The same, averaged over the queries of each label first, and then over the labels, so that rare labels count as much
        as frequent ones.
    mean_average_precision : float or None
        Mean average precision over the MAP_DEPTH nearest items (`aesearch.analysis.metrics.average_precision`). None if no
        query has a label.
    score : Score or None
        Label-free score (`aesearch.scoring`), with up to MAX_SCORED_QUERIES queries. None for fewer than 20 queries, and if
        the neighbors of a query can no longer be read.
    reconstruction_sse : float or None
        Squared error of the reconstruction of a query, summed over its features: pixels in 0..1, or term weights. None if
        only the encoder is loaded.
    queries_per_second : float
        Rate of encoding and searching in batches. Reading files and computing features do not count.
    average_precisions : array of shape (n_labeled_queries,)
        Average precision of each labeled query.
    curve : dict of str to array
        "precision" and "recall" at k = 1, 2, ..., CURVE_LENGTH, averaged over the labeled queries. Empty if there are none.
    """

    queries: int
    precision: dict[int, float]
    macro_precision: dict[int, float]
    mean_average_precision: float | None
    score: Score | None
    reconstruction_sse: float | None
    queries_per_second: float
    average_precisions: np.ndarray = field(repr=False, compare=False)
    curve: dict[str, np.ndarray] = field(repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """Return the evaluation as `aesearch evaluate --json` prints it."""
        return {
            "queries": self.queries,
            "precision": {str(k): value for k, value in self.precision.items()},
            "macro_precision": {str(k): value for k, value in self.macro_precision.items()},
            f"map@{MAP_DEPTH}": self.mean_average_precision,
            "score": None if self.score is None else asdict(self.score),
            "reconstruction_sse": self.reconstruction_sse,
            "queries_per_second": self.queries_per_second,
        }


def evaluate(
    retriever: Retriever, queries: ItemCollection, ks: Sequence[int] = (1, 10, 100), *, reload: Reload | None = None
) -> Evaluation:
    """Query an index with items that are not in it, and measure how good the results are.

    Precision is measured with the labeled queries; score, reconstruction error and speed with all queries. Items at the
    same distance are ordered by their keys, which are checksums and therefore favor no label.

    Parameters
    ----------
    retriever : Retriever
    queries : ItemCollection
        Files that the features of the index reject are added to `queries.skipped`.
    ks : sequence of int
        Numbers of nearest items at which precision is measured.
    reload : callable, optional
        Reads the features of indexed items for the score, by default from their files. Without it, an index of items that
        were created in memory has no score.

    Returns
    -------
    Evaluation

    Raises
    ------
    InvalidParameter
        If a k is less than 1, or a query file is in the index.
    WrongKind
        If the queries are of another kind than the index.
    NoItems
        If there is no query, or no query has a label and there are fewer than 20.
    """
    if not ks or min(ks) < 1:
        raise InvalidParameter(f"k is {min(ks, default=0)}; it must be at least 1 (--k)")
    if isinstance(queries, FileCollection):
        if queries.kind != retriever.kind:
            raise WrongKind(f"cannot query an index of {retriever.kind} with {queries.kind}; use other queries (--queries)")
        _check_not_indexed(retriever, queries)
        queries = queries.with_image_size(retriever.features.image_size)
    measurements = _Measurements(retriever, ks, reload)
    suitable = _skip_incompatible(queries, retriever)
    while batch := list(islice(suitable, BATCH_SIZE)):
        measurements.add(batch)
    return measurements.result()


class _Measurements:
    """Accumulator of the measurements of all batches of queries."""

    def __init__(self, retriever: Retriever, ks: Sequence[int], reload: Reload | None) -> None:
        self._retriever, self._reload = retriever, reload
        self._depth = min(max(MAP_DEPTH, *ks), len(retriever))
        self._n_queries, self._seconds = 0, 0.0
        self._rows: list[Rows] = []
        self._errors: list[np.ndarray] = []
        self._rankings = _RankingMetrics(retriever, ks)

    def add(self, batch: Sequence[Item]) -> None:
        """Query the index with a batch of items."""
        coder = self._retriever.coder
        X = self._retriever.features.transform(batch)
        start = time.perf_counter()
        codes = coder.encode(X)
        neighbors, _ = self._retriever.store.search(codes, self._depth)
        self._seconds += time.perf_counter() - start
        self._rankings.add([item.label for item in batch], neighbors)
        if self._n_queries < MAX_SCORED_QUERIES:
            self._rows.append(X[: MAX_SCORED_QUERIES - self._n_queries])
        if coder.can_decode:
            self._errors.append(squared_errors(X, coder.decode(codes)))
        self._n_queries += len(batch)

    def result(self) -> Evaluation:
        """Return the means over all batches."""
        rankings = self._rankings
        if not rankings.n_queries and self._n_queries < MIN_ITEMS:
            raise NoItems(
                f"no query has a label, and label-free evaluation needs at least {MIN_ITEMS} queries, not "
                f"{self._n_queries}; use more queries, or queries in folders named after their class, or --label-field"
            )
        return Evaluation(
            queries=rankings.n_queries or self._n_queries,
            precision=rankings.precision(),
            macro_precision=rankings.macro_precision(),
            mean_average_precision=float(rankings.average_precisions().mean()) if rankings.n_queries else None,
            score=score_queries(self._retriever, stack_rows(self._rows), reload=self._reload),
            reconstruction_sse=float(np.concatenate(self._errors).mean()) if self._errors else None,
            queries_per_second=self._n_queries / max(self._seconds, 1e-9),
            average_precisions=rankings.average_precisions(),
            curve=rankings.curve(),
        )


class _RankingMetrics:
    """Accumulator of the metrics that need labels. An item is relevant to a query if they share a label."""

    def __init__(self, retriever: Retriever, ks: Sequence[int]) -> None:
        labels = [(row.key, row.label) for row in retriever.ledger.all_rows()]
        self._keys = np.array([key for key, _ in labels], np.int64)  # in ascending order
        self._relevance = RelevanceByLabel([label for _, label in labels])
        self._ks = ks
        self._query_labels: list[Label] = []
        self._precisions: list[np.ndarray] = []
        self._average_precisions: list[np.ndarray] = []
        self._n_relevant_found: list[np.ndarray] = []
        self._n_relevant: list[int] = []

    @property
    def n_queries(self) -> int:
        """Number of labeled queries."""
        return len(self._query_labels)

    def add(self, labels: Sequence[Label | None], neighbors: np.ndarray) -> None:
        """Add the neighbors (n_queries, depth) int64 of queries. Queries without a label are ignored."""
        found = []
        for label, positions in zip(labels, np.searchsorted(self._keys, neighbors), strict=True):
            if label is not None:
                relevant = self._relevance.relevant_items(label)
                found.append(relevant[positions])
                self._n_relevant.append(int(relevant.sum()))
                self._query_labels.append(label)
        if not found:
            return
        is_relevant = np.stack(found)
        self._precisions.append(np.stack([precision_at(is_relevant, k) for k in self._ks], axis=1))
        self._average_precisions.append(average_precision(is_relevant[:, :MAP_DEPTH]))
        self._n_relevant_found.append(is_relevant[:, :CURVE_LENGTH].cumsum(1))

    def precision(self) -> dict[int, float]:
        """Return the mean precision at each k."""
        if not self.n_queries:
            return {}
        return dict(zip(self._ks, np.concatenate(self._precisions).mean(0).tolist(), strict=True))

    def macro_precision(self) -> dict[int, float]:
        """Return the mean over labels of the mean precision at each k of the queries with this label."""
        if not self.n_queries:
            return {}
        means = macro_mean(np.concatenate(self._precisions), self._query_labels)
        return dict(zip(self._ks, means.tolist(), strict=True))

    def average_precisions(self) -> np.ndarray:
        """Return the average precision of each labeled query: (n_labeled_queries,)."""
        return np.concatenate(self._average_precisions) if self.n_queries else np.zeros(0)

    def curve(self) -> dict[str, np.ndarray]:
        """Return the mean precision and recall at each k up to CURVE_LENGTH."""
        if not self.n_queries:
            return {}
        found = np.concatenate(self._n_relevant_found)  # (n_labeled_queries, CURVE_LENGTH)
        recall = found / np.maximum(self._n_relevant, 1)[:, None]
        return {"precision": found.mean(0) / np.arange(1, found.shape[1] + 1), "recall": recall.mean(0)}


def _skip_incompatible(queries: ItemCollection, retriever: Retriever) -> Iterator[Item]:
    """Yield the queries that the features of the index accept; add the files that they reject to `queries.skipped`."""
    if not isinstance(queries, FileCollection):
        yield from queries
        return
    for item in queries:
        if reason := retriever.features.rejection_reason(item):
            queries.skipped[item.id] = Skip(SkipCategory.INCOMPATIBLE, reason)
        else:
            yield item


def _check_not_indexed(retriever: Retriever, queries: FileCollection) -> None:
    """Raise InvalidParameter if a query file is one of those that the index was built from."""
    source = retriever.record.source
    if source is None:
        return
    indexed = retriever.ledger.files()
    query_root = queries.root.resolve()
    for path in queries.paths:
        file = query_root / path
        if file.is_relative_to(source.root) and file.relative_to(source.root).as_posix() in indexed:
            raise InvalidParameter(f"{file} is in the index and would find itself; query with items that are not indexed")
