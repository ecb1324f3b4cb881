"""A map of an index: an interactive HTML page, or an image."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from aesearch.analysis.projection import Projection
from aesearch.items import label_names
from aesearch.report.cards import thumbnail_url
from aesearch.report.charts import draw_scatter
from aesearch.report.html import color_of, render_page

if TYPE_CHECKING:
    from aesearch.index.ledger import LedgerRow
    from aesearch.index.retriever import Retriever

MAX_ITEMS = 100_000
"""Items on a page. Of a larger index, evenly spaced items are shown: a browser cannot display millions."""

MAX_THUMBNAILS = 5000
"""The page of a larger index shows ids without images."""

NO_LABEL = "no label"

METHOD_NAMES = {"codes": "codes", "pca": "principal components", "t-sne": "t-SNE"}

IMAGE_PIXELS, MARGIN_PIXELS, DOT_RADIUS_PIXELS = 1000, 20, 3


def render_map_page(retriever: Retriever, projection: Projection, title: str, groups: Sequence[str] | None = None) -> str:
    """Return a page with an interactive map: hover, search, or draw a loop to select items. It shows up to MAX_ITEMS items.

    Parameters
    ----------
    retriever : Retriever
    projection : Projection
        Map of this index.
    title : str
    groups : sequence of str, optional
        Group of each item, which decides its color; by default its first label.
    """
    step = -(-len(projection.rows) // MAX_ITEMS)
    rows, coordinates = projection.rows[::step], projection.coordinates[::step]
    thumbnails: dict[int, str | None] = {}
    if retriever.kind == "images" and retriever.record.source and len(rows) <= MAX_THUMBNAILS:
        for keys, items in retriever.reload_items([row.key for row in rows]):
            thumbnails |= {key: thumbnail_url(item) for key, item in zip(keys, items, strict=True)}
    share = f" of {len(projection.rows):,}" if step > 1 else ""
    caption = f"{len(rows):,}{share} items ({METHOD_NAMES[projection.method]})"
    groups = groups and groups[::step]
    scatter = draw_items(rows, coordinates, caption, [thumbnails.get(row.key) for row in rows], groups)
    return render_page(title, f"<h1>{escape(title)}</h1>", scatter, with_map_script=True)


def draw_items(
    rows: Sequence[LedgerRow],
    coordinates: np.ndarray,
    caption: str,
    thumbnails: Sequence[str | None],
    groups: Sequence[str] | None = None,
) -> str:
    """Return an interactive scatter plot of indexed items; see `aesearch.report.charts.draw_scatter`."""
    groups = groups or [_group_of(row) for row in rows]
    return draw_scatter(caption, coordinates, groups, [row.id for row in rows], [row.excerpt for row in rows], thumbnails)


def _group_of(row: LedgerRow) -> str:
    return next(iter(label_names(row.label)), NO_LABEL)


def draw_map(projection: Projection) -> Image.Image:
    """Draw a map as an image, with one dot per item, colored by its first label."""
    low, high = projection.coordinates.min(0), projection.coordinates.max(0)
    unit = (projection.coordinates - low) / np.maximum(high - low, 1e-12)
    group_numbers = {label: number for number, label in enumerate(dict.fromkeys(map(_group_of, projection.rows)))}
    image = Image.new("RGB", (IMAGE_PIXELS, IMAGE_PIXELS), "white")
    draw = ImageDraw.Draw(image)
    centers = MARGIN_PIXELS + (IMAGE_PIXELS - 2 * MARGIN_PIXELS) * unit
    for (x, y), row in zip(centers.tolist(), projection.rows, strict=True):
        left, top = x - DOT_RADIUS_PIXELS, IMAGE_PIXELS - y - DOT_RADIUS_PIXELS
        box = (left, top, left + 2 * DOT_RADIUS_PIXELS, top + 2 * DOT_RADIUS_PIXELS)
        draw.ellipse(box, fill=color_of(group_numbers[_group_of(row)]))
    return image
