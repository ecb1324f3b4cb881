"""A comparison of coders as an HTML page: scores, curves, maps, example queries, reconstructions and parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.analysis.comparison import COLUMNS, ComparisonEntry, format_rows
from aesearch.analysis.decoding import reconstruct_rows
from aesearch.analysis.projection import project
from aesearch.arrays import is_sparse
from aesearch.items import Item, ItemCollection, label_text
from aesearch.readers.folder import FileCollection
from aesearch.report.cards import render_card, render_cards, thumbnail_url
from aesearch.report.charts import draw_chart
from aesearch.report.html import image_data_url, render_legend, render_page, render_table
from aesearch.report.map_page import draw_items

if TYPE_CHECKING:
    from aesearch.index.ledger import LedgerRow

N_QUERIES, N_HITS = 6, 6
"""Example queries, and hits shown for each."""

MAX_MAP_ITEMS = 1500
"""Larger collections are sampled for the maps."""

RECONSTRUCTION_PIXELS = 96

PARAMETERS = ("features", "shape", "coder", "params", "bits", "code_size", "source")
"""Keys of `Retriever.info` that are listed for each entry."""

INTRODUCTION = (
    "{n_items:,} items, {n_queries:,} queries that are not among them. Highlighted rows are the best coder, and all coders "
    "that are not significantly worse (95% confidence, bootstrap over the queries). SSE is the squared error of the "
    "reconstructions. The score needs no labels: it is high if two augmented views of a query have the same neighbors, and "
    "the neighbors of one view resemble the other."
)


@dataclass(frozen=True)
class _Map:
    """Coordinates of some items of an entry's index."""

    name: str
    rows: list[LedgerRow]
    coordinates: np.ndarray


def render_comparison_page(
    entries: Sequence[ComparisonEntry], items: ItemCollection, queries: ItemCollection, title: str
) -> str:
    """Return the whole comparison as one page.

    Parameters
    ----------
    entries : sequence of ComparisonEntry
        Best first, as `aesearch.analysis.comparison.compare` returns them.
    items : ItemCollection
        The items that were indexed.
    queries : ItemCollection
        The items that the indexes were queried with.
    title : str
    """
    examples = _example_queries(queries)
    hit_ids = [_find_hits(entry, examples) for entry in entries]
    maps = _project_maps(entries)
    # Read all items that the page shows in one pass.
    wanted = {id for hits in hit_ids for ids in hits for id in ids} | {row.id for map_ in maps for row in map_.rows}
    shown = {item.id: item for item in items if item.id in wanted}
    introduction = INTRODUCTION.format(n_items=len(entries[0].retriever), n_queries=entries[0].evaluation.queries)
    parameters = json.dumps([_parameters(entry) for entry in entries], indent=1)
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{introduction}</p>",
        render_table(COLUMNS, format_rows(entries), [entry.is_best for entry in entries]),
        render_legend([entry.name for entry in entries]),
        f'<div class="charts">{"".join(_draw_charts(entries))}</div>',
        "<h2>Maps</h2><p>Principal components of the codes. Hover, search, or draw a loop to select items.</p>",
        f'<div class="charts">{"".join(_draw_map(map_, shown) for map_ in maps)}</div>',
        "<h2>Queries and their hits</h2>",
        *(
            _render_example(entries, query, [hits[position] for hits in hit_ids], shown)
            for position, query in enumerate(examples)
        ),
        _render_reconstructions(entries, examples),
        f"<h2>Parameters</h2><pre>{escape(parameters)}</pre>",
    ]
    return render_page(title, *parts, with_map_script=True)


def _example_queries(queries: ItemCollection) -> list[Item]:
    """Return a few queries, spread over the collection."""
    if isinstance(queries, FileCollection):
        return list(islice(queries.sample(N_QUERIES), N_QUERIES))
    all_queries = list(queries)
    return all_queries[:: max(1, len(all_queries) // N_QUERIES)][:N_QUERIES]


def _find_hits(entry: ComparisonEntry, queries: Sequence[Item]) -> list[list[str]]:
    """Return the ids of each query's nearest items."""
    retriever = entry.retriever
    codes = retriever.coder.encode(retriever.features.transform(queries))
    return [[hit.id for hit in hits] for hits in retriever.make_hits(*retriever.store.search(codes, N_HITS))]


def _project_maps(entries: Sequence[ComparisonEntry]) -> list[_Map]:
    """Return the maps of the best autoencoder and of the best baseline that makes codes."""
    candidates = [entry for entry in entries if entry.has_code_size]
    autoencoders = [entry for entry in candidates if entry.retriever.record.epochs]
    baselines = [entry for entry in candidates if not entry.retriever.record.epochs]
    maps = []
    for entry in (*autoencoders[:1], *baselines[:1]):
        projection = project(entry.retriever, "pca")
        sample = np.sort(np.random.default_rng(0).permutation(len(projection.rows))[:MAX_MAP_ITEMS])
        rows = [projection.rows[position] for position in sample]
        maps.append(_Map(entry.name, rows, projection.coordinates[sample]))
    return maps


def _draw_map(map_: _Map, shown: Mapping[str, Item]) -> str:
    thumbnails = [thumbnail_url(shown.get(row.id)) for row in map_.rows]
    return draw_items(map_.rows, map_.coordinates, map_.name, thumbnails)


def _draw_charts(entries: Sequence[ComparisonEntry]) -> list[str]:
    charts = []
    if entries[0].evaluation.mean_average_precision is not None:
        score_name, scores = "Mean average precision", [entry.evaluation.mean_average_precision for entry in entries]
        charts += _draw_precision_charts(entries)
    else:
        score_name = "Label-free score"
        scores = [entry.evaluation.score.value if entry.evaluation.score else None for entry in entries]
    size_and_score = {
        entry.name: ([entry.retriever.store.bytes_per_item], [score or 0.0])
        for entry, score in zip(entries, scores, strict=True)
    }
    charts.append(draw_chart(f"{score_name} vs. bytes per item", size_and_score, "bytes", as_points=True, log_x=True))
    losses = {
        entry.name: ([epoch.number for epoch in epochs], _relative([epoch.train_loss for epoch in epochs]))
        for entry in entries
        if len(epochs := entry.retriever.record.epochs) > 1
    }
    if losses:
        charts.append(draw_chart("Training loss relative to the first epoch", losses, "epoch"))
    return charts


def _draw_precision_charts(entries: Sequence[ComparisonEntry]) -> list[str]:
    precision_at_k, precision_by_recall = {}, {}
    for entry in entries:
        precision, recall = entry.evaluation.curve["precision"], entry.evaluation.curve["recall"]
        precision_at_k[entry.name] = range(1, len(precision) + 1), precision
        precision_by_recall[entry.name] = recall, precision
    return [
        draw_chart("Precision at k", precision_at_k, "k"),
        draw_chart("Precision-recall curve", precision_by_recall, "recall"),
    ]


def _relative(losses: Sequence[float]) -> list[float]:
    return [loss / losses[0] if losses[0] else 0.0 for loss in losses]


def _render_example(
    entries: Sequence[ComparisonEntry], query: Item, hit_ids: Sequence[Sequence[str]], shown: Mapping[str, Item]
) -> str:
    """Return a query and its hits in the index of each entry."""
    features = entries[0].retriever.features
    X = features.transform([query])
    terms = {term for terms in features.inverse_transform(X) for term in terms} if is_sparse(X) else set()
    label = f" ({escape(text)})" if (text := label_text(query.label)) else ""
    parts = [f"<h3>{escape(query.id)}{label}</h3>", render_cards([render_card(query)])]
    for entry, ids in zip(entries, hit_ids, strict=True):
        cards = (render_card(shown[id], terms, query.label) for id in ids if id in shown)
        parts.append(f'<div class="muted">{escape(entry.name)}</div>{render_cards(cards)}')
    return "".join(parts)


def _render_reconstructions(entries: Sequence[ComparisonEntry], queries: Sequence[Item]) -> str:
    """Return the queries as each entry reconstructs them; an empty string if they are not encoded as images."""
    features = entries[0].retriever.features
    if features.row_kind != "images":
        return ""
    X = features.transform(queries)
    rows = [("original", features.inverse_transform(X))]
    for entry in entries:
        coder = entry.retriever.coder
        if coder.can_decode and entry.has_code_size:
            rows.append((entry.name, entry.retriever.features.inverse_transform(reconstruct_rows(coder, X))))
    parts = ["<h2>Reconstructions</h2>"]
    for name, images in rows:
        cards = (f'<img alt="" src="{image_data_url(image, RECONSTRUCTION_PIXELS)}">' for image in images)
        parts.append(f'<div class="muted">{escape(name)}</div>{render_cards(cards)}')
    return "".join(parts)


def _parameters(entry: ComparisonEntry) -> dict[str, Any]:
    facts = entry.retriever.info()
    return {"name": entry.name} | {key: facts[key] for key in PARAMETERS}
