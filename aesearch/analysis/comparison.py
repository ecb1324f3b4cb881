"""Comparison of coders: one index per coder and code size, evaluated with the same queries."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.analysis.evaluation import MAP_DEPTH, Evaluation, evaluate
from aesearch.analysis.rescoring import Reload
from aesearch.catalog import CODERS, DEFAULT_CODERS, lookup
from aesearch.errors import InvalidParameter, NoItems, count
from aesearch.index.retriever import Retriever
from aesearch.items import Item, ItemCollection, ItemKind
from aesearch.readers.folder import FileCollection

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.coders.base import Coder
    from aesearch.index.progress import ProgressCallback

DEFAULT_COMPARISON: dict[ItemKind, tuple[str, ...]] = {
    "images": (DEFAULT_CODERS["images"], "dense", "pca", "pca-whitened", "raw"),
    "documents": (DEFAULT_CODERS["documents"], "dense", "lsa", "raw"),
    "vectors": (DEFAULT_CODERS["vectors"], "pca", "pca-whitened", "raw"),
}
"""Coders compared by default: the default coder, a plain autoencoder, and the baselines."""

HOLD_OUT_INTERVAL = 5
"""If no queries are given, every fifth item is held out as a query."""

N_RESAMPLES = 1000
"""Bootstrap samples of a confidence interval."""

CONFIDENCE_PERCENT = 95

COLUMNS = (
    "coder",
    "1-NN",
    "P@10",
    "macro P@10",
    f"mAP@{MAP_DEPTH}",
    f"{CONFIDENCE_PERCENT}% CI",
    "score",
    "SSE",
    "bytes/item",
    "train (s)",
    "queries/s",
    "best",
)
"""Column titles of `format_rows`."""


@dataclass(frozen=True)
class ComparisonEntry:
    """One coder at one code size.

    Attributes
    ----------
    retriever : Retriever
        The index built with it.
    evaluation : Evaluation
    map_interval : tuple of float or None
        95% confidence interval of mean average precision, by a bootstrap over the queries (Efron 1979). None without
        labels.
    is_best : bool
        Whether it is the best entry, or not significantly worse than the best: the confidence interval of the paired
        differences in average precision contains 0.
    """

    retriever: Retriever
    evaluation: Evaluation
    map_interval: tuple[float, float] | None
    is_best: bool

    @property
    def has_code_size(self) -> bool:
        """Whether the size of the codes can be chosen. The baseline of unencoded features has no such parameter."""
        return "code_size" in self.retriever.coder.base.param_names()

    @property
    def name(self) -> str:
        """Coder and code size, such as "pca 64" or "neighbors 64 bits", or the coder alone if it has no code size."""
        if not self.has_code_size:
            return self.retriever.coder_name
        coder = self.retriever.coder
        return _entry_name(self.retriever.coder_name, coder.code_size, bits=coder.metric == "hamming")

    @property
    def train_seconds(self) -> float:
        """Duration of training in seconds, without reading, encoding and storing."""
        return float(self.retriever.record.seconds["train"])

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as `aesearch compare --format json` prints it."""
        return {
            "coder": self.retriever.coder_name,
            "code_size": self.retriever.coder.code_size,
            "bits": self.retriever.coder.metric == "hamming",
            **self.evaluation.as_dict(),
            "map_interval": self.map_interval,
            "bytes_per_item": self.retriever.store.bytes_per_item,
            "train_seconds": round(self.train_seconds, 3),
            "is_best": self.is_best,
        }


def compare(
    items: FileCollection | list[Item],
    queries: ItemCollection | None = None,
    *,
    coders: Sequence[str] | None = None,
    code_sizes: Sequence[int | None] = (None,),
    bits: bool = False,
    ks: Sequence[int] = (1, 10, 100),
    on_build: Callable[[str], ProgressCallback | None] = lambda name: None,
    **params: Any,
) -> list[ComparisonEntry]:
    """Build an index with each coder at each code size, and evaluate all of them with the same queries.

    The entries are ordered by mean average precision, or by the label-free score if no query has a label, best first.

    Parameters
    ----------
    items : FileCollection or list of Item
        Items to index.
    queries : ItemCollection, optional
        By default, every fifth item of `items` is held out.
    coders : sequence of str, optional
        Names in the catalog; by default those in DEFAULT_COMPARISON.
    code_sizes : sequence of int or None
        Dimensions of the codes; None means 64, or less for small rows or collections.
    bits : bool
        Whether to turn codes into bits, except those of coders that do not support it.
    ks : sequence of int
        Numbers of nearest items at which precision is measured.
    on_build : callable
        Called with the name of an entry before its build; the result is called with the progress of the build.
    **params
        Parameters such as `seed` or `epochs`. Each is passed to the coders that have it.

    Raises
    ------
    InvalidParameter
        If a coder cannot encode such items, or none of them has a parameter in `params`.
    UnknownName
        If a coder is not in the catalog.
    NoItems
        If there are too few items to hold out queries.
    """
    database, queries = (items, queries) if queries is not None else hold_out_queries(items)
    kind: ItemKind = database.kind if isinstance(database, FileCollection) else database[0].kind
    results = []
    for name, arguments in _plan_builds(coders or DEFAULT_COMPARISON[kind], kind, code_sizes, bits, params):
        retriever = Retriever.build(database, on_progress=on_build(name), **arguments)
        results.append((retriever, evaluate(retriever, queries, ks, reload=_reload_from(database, retriever))))
    return _rank(results)


def _reload_from(database: FileCollection | list[Item], retriever: Retriever) -> Reload | None:
    """Return the function that computes the features of indexed items again, if they are in memory."""
    if isinstance(database, FileCollection):
        return None
    items = {item.id: item for item in database}

    def reload(keys: Sequence[int]) -> Iterator[tuple[Sequence[int], Rows]]:
        rows = retriever.ledger.rows_by_key(keys)
        yield list(rows), retriever.features.transform([items[row.id] for row in rows.values()])

    return reload


def hold_out_queries(items: FileCollection | list[Item]) -> tuple[FileCollection | list[Item], ItemCollection]:
    """Split a collection into items to index, and every fifth item to query with.

    Raises
    ------
    NoItems
        If there are fewer than 10 items.
    """
    database: FileCollection | list[Item]
    queries: ItemCollection
    if isinstance(items, FileCollection) and not items.is_single_file:
        paths = list(items.paths)
        n_items = len(paths)
        database = items.subset([path for position, path in enumerate(paths) if position % HOLD_OUT_INTERVAL])
        queries = items.subset(paths[::HOLD_OUT_INTERVAL])
    else:
        all_items = list(items)
        n_items = len(all_items)
        database = [item for position, item in enumerate(all_items) if position % HOLD_OUT_INTERVAL]
        queries = all_items[::HOLD_OUT_INTERVAL]
    if n_items < 2 * HOLD_OUT_INTERVAL:
        raise NoItems(f"cannot hold out queries from {count(n_items, 'item')}: too few; provide queries (--queries)")
    return database, queries


def bootstrap_interval(values: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Return the 95% confidence interval of the mean of values (n,), by the percentile bootstrap."""
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(N_RESAMPLES)]
    low, high = np.percentile(means, [(100 - CONFIDENCE_PERCENT) / 2, (100 + CONFIDENCE_PERCENT) / 2])
    return float(low), float(high)


def format_rows(entries: Sequence[ComparisonEntry]) -> list[list[str]]:
    """Return one row of text per entry, under COLUMNS."""
    rows = []
    for entry in entries:
        evaluation = entry.evaluation
        rows.append(
            [
                entry.name,
                _format_score(evaluation.precision.get(1)),
                _format_score(evaluation.precision.get(10)),
                _format_score(evaluation.macro_precision.get(10)),
                _format_score(evaluation.mean_average_precision),
                "" if entry.map_interval is None else "{:.3f} to {:.3f}".format(*entry.map_interval),
                _format_score(_score_of(evaluation)),
                "" if evaluation.reconstruction_sse is None else f"{evaluation.reconstruction_sse:.4g}",
                f"{entry.retriever.store.bytes_per_item:,.0f}",
                f"{entry.train_seconds:.1f}",
                f"{evaluation.queries_per_second:,.0f}",
                "*" if entry.is_best else "",
            ]
        )
    return rows


def _score_of(evaluation: Evaluation) -> float | None:
    return None if evaluation.score is None else evaluation.score.value


def _format_score(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _entry_name(coder: str, code_size: int | None, *, bits: bool) -> str:
    return coder + (f" {code_size}" if code_size else "") + (" bits" if bits else "")


def _plan_builds(
    coders: Sequence[str], kind: ItemKind, code_sizes: Sequence[int | None], bits: bool, params: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    """Return the name of each entry, and the arguments of `Retriever.build` for it."""
    for coder in coders:
        if kind not in lookup(CODERS, "coder", coder).kinds:
            raise InvalidParameter(f'coder "{coder}" does not encode {kind}; remove it (--coders)')
    classes: list[type[Coder]] = [CODERS[coder].load() for coder in coders]
    _check_params(params, classes)
    builds = []
    for coder, coder_class in zip(coders, classes, strict=True):
        known = coder_class.param_names()
        own_params = {name: value for name, value in params.items() if name in known}
        to_bits = bits and coder_class.supports_itq
        for size in code_sizes if "code_size" in known else (None,):
            arguments = {"coder": coder, "code_size": size, "bits": to_bits, **own_params}
            builds.append((_entry_name(coder, size, bits=to_bits), arguments))
    return builds


def _check_params(params: Mapping[str, Any], classes: Sequence[type[Coder]]) -> None:
    """Raise InvalidParameter if a parameter belongs to none of the coders."""
    known = sorted({name for coder_class in classes for name in coder_class.param_names()})
    for name in params:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            remedy = f'did you mean "{close[0]}"?' if close else f"choose from {', '.join(known)}"
            raise InvalidParameter(f'none of the compared coders has a parameter "{name}"; {remedy}')


def _rank(results: Sequence[tuple[Retriever, Evaluation]]) -> list[ComparisonEntry]:
    """Return the entries, best first, with their confidence intervals."""

    def score(result: tuple[Retriever, Evaluation]) -> float:
        evaluation = result[1]
        has_labels = evaluation.mean_average_precision is not None
        return (evaluation.mean_average_precision if has_labels else _score_of(evaluation)) or 0.0

    ranked = sorted(results, key=score, reverse=True)
    best = ranked[0][1].average_precisions
    if not len(best):
        return [ComparisonEntry(*result, None, is_best=rank == 0) for rank, result in enumerate(ranked)]
    entries = []
    for retriever, evaluation in ranked:
        interval = bootstrap_interval(evaluation.average_precisions)
        lowest_difference, _ = bootstrap_interval(best - evaluation.average_precisions)
        entries.append(ComparisonEntry(retriever, evaluation, interval, is_best=lowest_difference <= 0))
    return entries
