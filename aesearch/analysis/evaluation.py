"""How well an index finds what bears the query's label, and how well its codes keep what they stand for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.agreement import LEAST, neighbor_agreement
from aesearch.arrays import is_sparse, stack_rows
from aesearch.augmentation import two_views
from aesearch.errors import InvalidParameter, NoItems, WrongKind
from aesearch.items import Item, ItemCollection
from aesearch.readers.folder import FileCollection

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.index.retriever import Retriever

DEPTH = 1000
"""NeighborAutoencoder that the mean average precision looks at."""

CURVE = 100
"""NeighborAutoencoder up to which precision and recall are kept place by place."""

BATCH = 256


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found, as means over the queries.

    queries : those with a label, or all where none has one.
    precision : share of the k nearest that bear the query's label, by k; at 1 it is the accuracy of 1-nearest-neighbor.
    mean_average_precision : over the DEPTH nearest, each query's divided by the relevant items found there.  Without a
        single label `precision` is empty and this None.
    agreement : the label-free score of the queries' views (`aesearch.agreement`); None of fewer than 20 queries.
    reconstruction_sse : squared error of the queries' decoded codes, summed over a row; pixels in 0..1, words in the
        features' own weights.  None where the coder was loaded without its decoder.
    queries_per_second : encoding and searching, in batches; reading and features are not counted.
    average_precisions : [Q], of each labeled query.
    curve : "precision" and "recall" at 1, 2, ... CURVE, means over the labeled queries: [CURVE] each.
    """

    queries: int
    precision: dict[int, float]
    mean_average_precision: float | None
    agreement: float | None
    reconstruction_sse: float | None
    queries_per_second: float
    average_precisions: np.ndarray = field(repr=False, compare=False)
    curve: dict[str, np.ndarray] = field(repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """What `aesearch evaluate --json` prints."""
        return {
            "queries": self.queries,
            "precision": {str(k): value for k, value in self.precision.items()},
            f"map@{DEPTH}": self.mean_average_precision,
            "agreement": self.agreement,
            "reconstruction_sse": self.reconstruction_sse,
            "queries_per_second": self.queries_per_second,
        }


def evaluate(retriever: Retriever, queries: ItemCollection, ks: Sequence[int] = (1, 10, 100)) -> Evaluation:
    """Asks `retriever` every item of `queries`, which must not be in the index.

    Precision counts the labeled queries; the agreement, the reconstruction and the speed are of all of them.  Distances
    that tie are ordered by the items' keys, which are checksums and favor no label.

    Raises WrongKind, InvalidParameter where a k is below 1 or a query is one of the indexed items, and NoItems where there
    is no query, or no label and too few queries for the label-free score.
    """
    if not ks or min(ks) < 1:
        raise InvalidParameter(f"k is {min(ks, default=0)}; ask for at least 1 neighbor (--k)")
    if isinstance(queries, FileCollection):
        if queries.kind != retriever.kind:
            raise WrongKind(f"the queries are {queries.kind}, and this index is of {retriever.kind}")
        _check_apart(retriever, queries)
        queries = queries.with_image_size(retriever.features.image_size)
    keys, labels = _labels_by_key(retriever)
    depth = min(max(DEPTH, *ks), len(retriever))
    total = dict(zip(*np.unique(labels, return_counts=True), strict=True))
    precisions, average_precisions, found_by, totals, errors, views = [], [], [], [], [], []
    draw = np.random.default_rng(0)
    seconds, asked = 0.0, 0
    remaining = _fitting(queries, retriever)
    while batch := list(islice(remaining, BATCH)):
        X = retriever.features.transform(batch)
        began = time.perf_counter()
        codes = retriever.coder.encode(X)
        found, _ = retriever.store.search(codes, depth)
        seconds += time.perf_counter() - began
        labeled = [number for number, item in enumerate(batch) if item.label is not None]
        if labeled:
            wanted = np.array([batch[number].label for number in labeled])
            relevant = labels[np.searchsorted(keys, found[labeled])] == wanted[:, None]
            precisions.append(np.stack([precision_at(relevant, k) for k in ks], axis=1))
            found_by.append(relevant[:, :CURVE].cumsum(1))
            totals += [total.get(label, 0) for label in wanted]
            average_precisions.append(average_precision(relevant[:, :DEPTH]))
        views.append([retriever.coder.encode(half) for half in two_views(X, draw)])
        if retriever.coder.can_decode:
            errors.append(squared_errors(X, retriever.coder.decode(codes)))
        asked += len(batch)
    if not precisions and asked < LEAST:
        raise NoItems(
            f"no query has a label, and {asked} are too few to be judged without; give at least {LEAST}, or queries in "
            "folders named by their class, or a --label-field"
        )
    curve = {}
    if found_by:
        counts = np.concatenate(found_by)  # [Q, CURVE], of relevant items among the first 1, 2, ...
        curve["precision"] = counts.mean(0) / np.arange(1, counts.shape[1] + 1)
        curve["recall"] = (counts / np.maximum(totals, 1)[:, None]).mean(0)
    return Evaluation(
        queries=sum(map(len, precisions)) or asked,
        precision=dict(zip(ks, np.concatenate(precisions).mean(0).tolist(), strict=True)) if precisions else {},
        mean_average_precision=float(np.concatenate(average_precisions).mean()) if precisions else None,
        agreement=None
        if asked < LEAST
        else neighbor_agreement(retriever.store, *map(stack_rows, zip(*views, strict=True))),
        reconstruction_sse=float(np.concatenate(errors).mean()) if errors else None,
        queries_per_second=asked / max(seconds, 1e-9),
        average_precisions=np.concatenate(average_precisions) if precisions else np.zeros(0),
        curve=curve,
    )


def precision_at(relevant: np.ndarray, k: int) -> np.ndarray:
    """Share of relevant items among the first k.  relevant: [Q, R] bool, nearest first; of fewer than k, among all.  [Q]"""
    return relevant[:, :k].mean(1)


def average_precision(relevant: np.ndarray) -> np.ndarray:
    """The mean, over the relevant items found, of the precision at the place of each; 0 where none is.

    relevant: [Q, R] bool, nearest first.  Returns [Q].
    """
    found = relevant.cumsum(1)
    at_place = found / np.arange(1, relevant.shape[1] + 1)
    return (at_place * relevant).sum(1) / np.maximum(found[:, -1], 1)


def squared_errors(X: Rows, decoded: np.ndarray) -> np.ndarray:
    """The squared error of each row, summed over its numbers.  X: [N, ...], uint8 as 0..1; decoded: alike.  Returns [N]."""
    rows = X.toarray() if is_sparse(X) else np.asarray(X)  # type: ignore[union-attr]  # a batch, not a collection
    rows = rows / np.float32(255) if rows.dtype == np.uint8 else rows
    return ((rows - decoded) ** 2).reshape(len(rows), -1).sum(1)


def _fitting(queries: ItemCollection, retriever: Retriever) -> Iterator[Item]:
    """The queries that the index's features can take; of files, the others are noted with those that were skipped."""
    if not isinstance(queries, FileCollection):
        yield from queries
        return
    for item in queries:
        if rejection_reason := retriever.features.rejection_reason(item):
            queries.skipped[item.id] = rejection_reason
        else:
            yield item


def _labels_by_key(retriever: Retriever) -> tuple[np.ndarray, np.ndarray]:
    """Keys [N] int64 in rising order, and their labels [N] str; an unlabeled item bears a label that no query has."""
    rows = [(row.key, "\0" if row.label is None else row.label) for row in retriever.ledger.all_rows()]
    return np.array([key for key, _ in rows], np.int64), np.array([label for _, label in rows])


def _check_apart(retriever: Retriever, queries: FileCollection) -> None:
    """Raises InvalidParameter where a file of the queries is one that the index was built from."""
    source = retriever.record.source
    if source is None:
        return
    indexed = retriever.ledger.files()
    root, home = queries.root.resolve(), source["root"]
    for path in queries.paths:
        full = root / path
        if full.is_relative_to(home) and full.relative_to(home).as_posix() in indexed:
            raise InvalidParameter(
                f"{full} is itself in the index, and would find itself; hold the queries out of the index"
            )
