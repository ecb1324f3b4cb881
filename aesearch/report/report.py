"""What was found as pages and pictures that can be sent to someone: a comparison, a map, groups of copies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from aesearch.analysis.comparison import COLUMNS, Entry, as_rows
from aesearch.analysis.maps import Map, project
from aesearch.analysis.reconstructions import sheet
from aesearch.arrays import is_sparse
from aesearch.errors import WrongKind
from aesearch.images import as_image
from aesearch.items import Hit, Item, ItemCollection
from aesearch.readers.folder import FileCollection
from aesearch.readers.images import opened
from aesearch.report.pages import COLORS, as_address, chart, legend, page, scatter, table

if TYPE_CHECKING:
    from aesearch.index.ledger import Row
    from aesearch.index.retriever import Retriever

EXAMPLES, NEIGHBORS = 6, 6
"""Queries shown with their neighbors, and how many of these."""
MAPPED = 1500
"""Items on each map of a comparison, at most."""
PICTURED = 5000
"""Items up to which a map's page holds their pictures; one of more tells their names alone."""
GIVEN_BACK = 8
EDGES = ".,;:!?()[]\"'<>"
SIDE, DOT = 1000, 3
SETTINGS = ("features", "shape", "coder", "settings", "bits", "code_size", "source")
CELL = 128
"""Pixels of a picture's place on a contact sheet."""


def comparison_page(entries: Sequence[Entry], items: ItemCollection, queries: ItemCollection, title: str) -> str:
    """The whole comparison as one page of HTML.

    entries : the best first;  items : what was indexed;  queries : what they were asked.
    """
    labeled = entries[0].evaluation.mean_average_precision is not None
    asked = list(islice(_spread(queries), EXAMPLES))
    near = [_nearest(entry.retriever, asked) for entry in entries]
    maps = _mapped(entries)
    # All that is shown of the items is read in one pass.
    wanted = {id for ids in near for row in ids for id in row} | {row.id for _, rows, _ in maps for row in rows}
    shown = {item.id: item for item in items if item.id in wanted}
    drawn = "".join(
        _scatter(rows, places, name, [_thumbnail(shown.get(row.id)) for row in rows]) for name, rows, places in maps
    )
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{len(entries[0].retriever):,} items, asked with {entries[0].evaluation.queries:,} queries that are not among "
        "them. Rows on color are the best, and those that the queries cannot tell from it (95 %, bootstrap over the "
        "queries). SSE is the squared error of a reconstruction, agreement the share of neighbors that two halves of a "
        "query have in common, beyond chance: it needs no labels.</p>",
        table(COLUMNS, as_rows(entries), [entry.best for entry in entries]),
        legend([entry.name for entry in entries]),
        f'<div class="side">{_curves(entries, labeled)}</div>',
        "<h2>Maps</h2><p>Principal components of the codes. Hover, search, or draw a loop.</p>",
        f'<div class="side">{drawn}</div>',
        "<h2>Queries and their neighbors</h2>",
        *(_example(entries, item, [ids[at] for ids in near], shown) for at, item in enumerate(asked)),
        _given_back(entries, asked),
        "<h2>Settings</h2><pre>" + escape(json.dumps([_settings(entry) for entry in entries], indent=1)) + "</pre>",
    ]
    return page(title, *parts, script=True)


def _curves(entries: Sequence[Entry], labeled: bool) -> str:
    drawn = []
    if labeled:
        curves = {entry.name: entry.evaluation.curve for entry in entries}
        steps = {name: range(1, len(curve["precision"]) + 1) for name, curve in curves.items()}
        drawn += [
            chart("precision at k", {name: (steps[name], curve["precision"]) for name, curve in curves.items()}, "k"),
            chart(
                "precision over recall", {n: (curve["recall"], curve["precision"]) for n, curve in curves.items()}, "recall"
            ),
        ]
    quality = "mean average precision" if labeled else "agreement"
    against = {}
    for entry in entries:
        score = entry.evaluation.mean_average_precision if labeled else entry.evaluation.agreement
        against[entry.name] = ([entry.retriever.store.bytes_per_item], [score or 0.0])
    drawn.append(chart(f"{quality} over bytes an item", against, "bytes", dots=True, logarithmic=True))
    trained = {
        entry.name: ([epoch["number"] for epoch in epochs], _falling([epoch["train_loss"] for epoch in epochs]))
        for entry in entries
        if len(epochs := entry.retriever.record.epochs) > 1
    }
    if trained:
        drawn.append(chart("training: loss as a share of the first epoch's", trained, "epoch"))
    return "".join(drawn)


def _falling(losses: Sequence[float]) -> list[float]:
    return [loss / losses[0] if losses[0] else 0.0 for loss in losses]


def _mapped(entries: Sequence[Entry]) -> list[tuple[str, list[Row], np.ndarray]]:
    """Name, items and places of the best autoencoder's map and of the best baseline's."""
    sides = [entry for entry in entries if entry.retriever.coder_name != "raw"]
    autoencoders = [entry for entry in sides if entry.retriever.record.epochs]
    baselines = [entry for entry in sides if not entry.retriever.record.epochs]
    found = []
    for entry in (*autoencoders[:1], *baselines[:1]):
        map_ = project(entry.retriever, "pca")
        chosen = np.sort(np.random.default_rng(0).permutation(len(map_.rows))[:MAPPED])
        found.append((entry.name, [map_.rows[at] for at in chosen], map_.places[chosen]))
    return found


def map_page(retriever: Retriever, map_: Map, title: str, groups: Sequence[str] | None = None) -> str:
    """The map as a page of HTML.  groups: of each item, what colors it; None for its label."""
    pictures: dict[int, str | None] = {}
    if retriever.kind == "images" and retriever.record.source and len(map_.rows) <= PICTURED:
        for keys, items in retriever.reload_items([row.key for row in map_.rows]):
            pictures |= {key: _thumbnail(item) for key, item in zip(keys, items, strict=True)}
    caption = f"{len(map_.rows):,} items by {map_.by}"
    drawn = _scatter(map_.rows, map_.places, caption, [pictures.get(row.key) for row in map_.rows], groups)
    return page(title, f"<h1>{escape(title)}</h1>", drawn, script=True)


def _scatter(
    rows: Sequence[Row],
    places: np.ndarray,
    caption: str,
    pictures: Sequence[str | None],
    groups: Sequence[str] | None = None,
) -> str:
    groups = groups or [row.label or "no label" for row in rows]
    return scatter(caption, places, groups, [row.id for row in rows], [row.excerpt for row in rows], pictures)


def _thumbnail(item: Item | None) -> str | None:
    return as_address(as_image(item.content), 64) if item is not None and item.kind == "images" else None


def map_picture(map_: Map) -> Image.Image:
    """The map as a picture, colored by label."""
    low, high = map_.places.min(0), map_.places.max(0)
    unit = (map_.places - low) / np.maximum(high - low, 1e-12)
    names = {name: number for number, name in enumerate(dict.fromkeys(row.label for row in map_.rows))}
    paper = Image.new("RGB", (SIDE, SIDE), "white")
    pen = ImageDraw.Draw(paper)
    for (x, y), row in zip((20 + (SIDE - 40) * unit).tolist(), map_.rows, strict=True):
        color = COLORS[names[row.label] % len(COLORS)]
        pen.ellipse((x - DOT, SIDE - y - DOT, x + DOT, SIDE - y + DOT), fill=color)
    return paper


def contact_sheet(groups: Sequence[Sequence[str]], width: int = 8) -> Image.Image:
    """Pictures by their paths, a row for each group, at most `width` in it.  A picture that is gone leaves its place empty.

    Raises WrongKind where there is no group.
    """
    if not groups:
        raise WrongKind("there is no group to draw")
    gone = Image.new("RGB", (CELL, CELL), "white")
    rows = [[opened(path) or gone for path in group[:width]] for group in groups]
    return sheet([[ImageOps.pad(picture.convert("RGB"), (CELL, CELL), color="white") for picture in row] for row in rows])


def answer_page(asked: Item, hits: Sequence[Hit], title: str) -> str:
    """A query and its hits as a page of HTML: pictures, or the beginnings of documents with the query's words marked."""
    words = {part.strip(EDGES).lower() for part in str(asked.content).split()} if asked.kind == "documents" else set()
    shown = []
    for hit in hits:
        content = opened(hit.path) if asked.kind == "images" and hit.path else None
        item = Item(hit.id, content if content is not None else hit.excerpt or hit.id, hit.label)
        line = f"{hit.rank}. {escape(hit.id)} <span class=quiet>{hit.distance:.4f}</span>"
        shown.append(f"<figure>{_shown(item, words, asked.label)}<figcaption>{line}</figcaption></figure>")
    first = f'<div class="hits">{_shown(asked, set(), None)}</div>'
    return page(title, f"<h1>{escape(title)}</h1>", first, f'<div class="hits">{"".join(shown)}</div>')


def _spread(queries: ItemCollection) -> Iterable[Item]:
    """Some of the queries, from all over them where they can be cut."""
    if isinstance(queries, FileCollection):
        return queries.sample(EXAMPLES)
    every = list(queries)
    return every[:: max(1, len(every) // EXAMPLES)]


def _nearest(retriever: Retriever, asked: Sequence[Item]) -> list[list[str]]:
    """The ids of each query's neighbors."""
    codes = retriever.coder.encode(retriever.features.transform(asked))
    return [[hit.id for hit in hits] for hits in retriever.make_hits(*retriever.store.search(codes, NEIGHBORS))]


def _example(entries: Sequence[Entry], item: Item, near: Sequence[Sequence[str]], shown: Mapping[str, Item]) -> str:
    """A query, and what each entry found for it: near, the ids."""
    features = entries[0].retriever.features
    X = features.transform([item])
    words = {word for row in features.inverse_transform(X) for word in row} if is_sparse(X) else set()
    lines = [f"<h3>{escape(item.id)}{'' if item.label is None else f' ({escape(item.label)})'}</h3>"]
    lines.append(f'<div class="hits">{_shown(item, set(), None)}</div>')
    for entry, ids in zip(entries, near, strict=True):
        cells = "".join(_shown(shown[id], words, item.label) for id in ids if id in shown)
        lines.append(f'<div class="quiet">{escape(entry.name)}</div><div class="hits">{cells}</div>')
    return "".join(lines)


def _shown(item: Item, words: set[str], label: str | None) -> str:
    """A picture, or a document's beginning with the words that it shares."""
    same = "same" if label is not None and item.label == label else ""
    name = escape(item.id)
    if item.kind == "images":
        address = as_address(as_image(item.content), 128)
        return f'<img class="{same or "asked"}" alt="{name}" title="{name}" src="{address}">'
    text = " ".join(str(item.content)[:600].split())[:240] if item.kind == "documents" else item.id
    parts = [(escape(part), part.strip(EDGES).lower() in words) for part in text.split(" ")]
    return f'<div class="{same}">{" ".join(f"<mark>{part}</mark>" if shared else part for part, shared in parts)}</div>'


def _given_back(entries: Sequence[Entry], items: Sequence[Item]) -> str:
    retriever = entries[0].retriever
    if retriever.kind != "images" or retriever.features.row_kind != "images":
        return ""
    X = retriever.features.transform(items[:GIVEN_BACK])
    rows = [("original", retriever.features.inverse_transform(X))]
    for entry in entries:
        coder = entry.retriever.coder
        if coder.can_decode and entry.retriever.coder_name != "raw":
            rows.append((entry.name, entry.retriever.features.inverse_transform(coder.decode(np.asarray(coder.encode(X))))))
    lines = "".join(
        f'<div class="quiet">{escape(name)}</div><div class="hits">'
        + "".join(f'<img alt="" src="{as_address(picture, 96)}">' for picture in pictures)
        + "</div>"
        for name, pictures in rows
    )
    return f"<h2>Given back from the codes</h2>{lines}"


def _settings(entry: Entry) -> dict[str, Any]:
    known = entry.retriever.info()
    return {"name": entry.name} | {key: known[key] for key in SETTINGS}


def write(path: Path, text: str) -> None:
    """Writes a page; the folder that it goes into is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
