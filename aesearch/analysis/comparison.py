"""Coders side by side, on the same items at the same code size: what a user should choose, and by how much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.analysis.evaluation import DEPTH, Evaluation, evaluate
from aesearch.catalog import CODERS, DEFAULT_CODERS, lookup
from aesearch.errors import InvalidParameter, NoItems
from aesearch.index.retriever import Retriever
from aesearch.items import Item, ItemCollection, ItemKind
from aesearch.readers.folder import FileCollection

if TYPE_CHECKING:
    from aesearch.index.build import ProgressCallback

USUAL: dict[ItemKind, tuple[str, ...]] = {
    "images": (DEFAULT_CODERS["images"], "dense", "pca", "pca-whitened", "raw"),
    "documents": (DEFAULT_CODERS["documents"], "dense", "lsa", "raw"),
    "vectors": (DEFAULT_CODERS["vectors"], "pca", "pca-whitened", "raw"),
}
"""What is compared where no coder is named: the default, a plain autoencoder, the baselines."""
HELD_OUT = 5
"""Where no queries are given, every item of so many is held out to ask with."""
RESAMPLES = 1000
SURE = 95
"""Percent of the resamples that an interval holds."""


@dataclass(frozen=True)
class Entry:
    """One coder at one code size.

    interval : what mean average precision lies between, by a bootstrap over the queries (Efron 1979); None without labels.
    best : whether it is the best, or cannot be told from it: the interval of their difference, query by query, holds 0.
    """

    retriever: Retriever
    evaluation: Evaluation
    interval: tuple[float, float] | None
    best: bool

    @property
    def name(self) -> str:
        """Such as "pca 64" or "neighbors 64 bits"; raw rows have the size that they have."""
        coder = self.retriever.coder
        if self.retriever.coder_name == "raw":
            return "raw"
        return f"{self.retriever.coder_name} {coder.code_size}" + (" bits" if coder.metric == "hamming" else "")

    @property
    def seconds_to_train(self) -> float:
        """Of the coder alone."""
        return float(self.retriever.record.seconds["train"])

    def as_dict(self) -> dict[str, Any]:
        """A row of `aesearch compare --format json`."""
        return {
            "coder": self.retriever.coder_name,
            "code_size": self.retriever.coder.code_size,
            "bits": self.retriever.coder.metric == "hamming",
            **self.evaluation.as_dict(),
            "interval": self.interval,
            "bytes_per_item": self.retriever.store.bytes_per_item,
            "seconds_to_train": round(self.seconds_to_train, 3),
            "best": self.best,
        }


def compare(
    items: FileCollection | list[Item],
    queries: ItemCollection | None = None,
    *,
    coders: Sequence[str] | None = None,
    code_sizes: Sequence[int | None] = (None,),
    bits: bool = False,
    ks: Sequence[int] = (1, 10, 100),
    watch: Callable[[str], ProgressCallback | None] = lambda name: None,
    **settings: Any,
) -> list[Entry]:
    """An index by each coder at each code size, and what `evaluate` finds of it; the best first.

    Parameters
    ----------
    items : files, or items in memory.
    queries : items to ask with; None to hold out every fifth of `items`.
    code_sizes : numbers of a code; None for 64, or less where the rows or the collection are small.
    coders : names of the catalog; None for the usual ones of the items' kind.
    bits : keep every code as bits; the raw rows stay as they are.
    watch : called with an entry's name before it is built; what it returns is the build's own `watch`.
    **settings : passed to the coders that take them: seed, epochs, budget ...

    Entries are ordered by mean average precision, without labels by the agreement.  Raises InvalidParameter, UnknownName,
    NoItems.
    """
    database, asked = (items, queries) if queries is not None else held_out(items)
    kind: ItemKind = database.kind if isinstance(database, FileCollection) else database[0].kind
    names = list(coders or USUAL[kind])
    for name in names:
        if kind not in lookup(CODERS, "coder", name).kinds:
            raise InvalidParameter(f'coder "{name}" is not for {kind}; leave it out (--coders)')
    found = []
    for name in names:
        known = CODERS[name].load().param_names()
        its = {key: value for key, value in settings.items() if key in known}
        for size in code_sizes if "code_size" in known else (None,):
            as_bits = bits and name != "raw"
            title = name + (f" {size}" if size else "") + (" bits" if as_bits else "")
            built = Retriever.build(database, coder=name, code_size=size, bits=as_bits, on_progress=watch(title), **its)
            found.append((built, evaluate(built, asked, ks)))
    return _ranked(found)


def _ranked(found: list[tuple[Retriever, Evaluation]]) -> list[Entry]:
    """The best first, each with its interval, and with whether it can be told from the best."""

    def quality(evaluation: Evaluation) -> float:
        score = evaluation.mean_average_precision
        return float((evaluation.agreement if score is None else score) or 0)

    found = sorted(found, key=lambda one: -quality(one[1]))
    top = found[0][1].average_precisions
    if not len(top):
        return [Entry(built, evaluation, None, place == 0) for place, (built, evaluation) in enumerate(found)]
    return [
        Entry(built, of, bootstrap(of.average_precisions), bootstrap(top - of.average_precisions)[0] <= 0)
        for built, of in found
    ]


def bootstrap(values: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """What the mean of `values` [Q] lies between in SURE percent of RESAMPLES drawn with replacement."""
    draw = np.random.default_rng(seed)
    means = [values[draw.integers(0, len(values), len(values))].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, [(100 - SURE) / 2, (100 + SURE) / 2])
    return float(low), float(high)


def held_out(items: FileCollection | list[Item]) -> tuple[FileCollection | list[Item], ItemCollection]:
    """The items less every fifth, and those.  Raises NoItems where there are under ten."""
    if isinstance(items, FileCollection) and not items.is_single_file:
        paths = list(items.paths)
        asked = paths[::HELD_OUT]
        rest: FileCollection | list[Item] = items.subset([path for number, path in enumerate(paths) if number % HELD_OUT])
        held: ItemCollection = items.subset(asked)
        count = len(paths)
    else:
        every = list(items)
        rest, held = [item for number, item in enumerate(every) if number % HELD_OUT], every[::HELD_OUT]
        count = len(every)
    if count < 2 * HELD_OUT:
        raise NoItems(f"{count} items are too few to hold some out; give queries of their own (--queries)")
    return rest, held


COLUMNS = ("coder", "1-NN", "P@10", f"mAP@{DEPTH}", "95 %", "agreement", "SSE", "bytes", "train, s", "queries/s", "best")


def as_rows(entries: Sequence[Entry]) -> list[list[object]]:
    """The entries under COLUMNS, with a star for the best and for those that cannot be told from it."""
    rows: list[list[object]] = []
    for entry in entries:
        of = entry.evaluation
        rows.append(
            [
                entry.name,
                _figure(of.precision.get(1)),
                _figure(of.precision.get(10)),
                _figure(of.mean_average_precision),
                "" if entry.interval is None else "{:.3f} to {:.3f}".format(*entry.interval),
                _figure(of.agreement),
                "" if of.reconstruction_sse is None else f"{of.reconstruction_sse:.4g}",
                f"{entry.retriever.store.bytes_per_item:,.0f}",
                f"{entry.seconds_to_train:.1f}",
                f"{of.queries_per_second:,.0f}",
                "*" if entry.best else "",
            ]
        )
    return rows


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
