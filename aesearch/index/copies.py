"""Queries for copies: the images of an index that are edited versions of an image, or that it is an edited version of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from aesearch.errors import InvalidParameter
from aesearch.images import as_image, rotations_and_flips
from aesearch.index.query import QueryResult, encode_rows, make_hits, search_rows
from aesearch.index.reload import reload_rows
from aesearch.items import Hit, Item
from aesearch.search.alignment import N_ORIENTATIONS, THUMBNAIL_SIDE, align, place, thumbnails
from aesearch.stores.base import NO_KEY

if TYPE_CHECKING:
    from PIL import Image

    from aesearch.index.ledger import LedgerRow
    from aesearch.index.storage import IndexState

CANDIDATES = (250, *(20,) * (N_ORIENTATIONS - 1), 100)
"""Nearest items by code that are candidates: of the image itself, of each rotation or flip, and of the extended image."""
EXTENSION = 0.21
"""Width of the border of the extended image, relative to its sides. A copy cropped to half of the area has lost as much."""
MIN_ALIGNED = 20
"""Candidates that are finely aligned, at least; as many as there are hits, if these are more."""


def query_copies(index: IndexState, items: Sequence[Item], k: int) -> QueryResult:
    """Return the k items that correlate most with each image after alignment.

    The distance of a hit is 1 - the correlation of `aesearch.search.alignment`.
    """
    if k < 1:
        raise InvalidParameter(f"k is {k}; it must be at least 1")
    if index.record.kind != "images":
        raise InvalidParameter(
            f"cannot search for copies in an index of {index.record.kind}: only images are aligned; "
            "leave out copies (--copies)"
        )
    results = [_query_copies_of(index, item, k) for item in items]
    return QueryResult([hits for hits, _ in results], sum(n_unreadable for _, n_unreadable in results))


def _query_copies_of(index: IndexState, item: Item, k: int) -> tuple[list[Hit], int]:
    """Return the hits of an image, and the number of candidates that cannot be read."""
    image = as_image(item.content)
    rows = _candidates(index, item, image)
    keys, candidates = _load_thumbnails(index, rows)
    n_unreadable = len(rows) - len(keys)
    if not keys:
        return [], n_unreadable
    query = thumbnails([image])
    placement = place(query, candidates, range(N_ORIENTATIONS))
    best = np.argsort(-placement.similarity, kind="stable")[: max(k, MIN_ALIGNED)]
    correlations = align(query, candidates[best], placement.take(best)).correlation
    best_keys = np.array(keys)[best]
    order = np.lexsort((best_keys, -correlations))[:k]
    distances = np.maximum(1 - correlations[order], 0)
    rows_by_key = {row.key: row for row in rows}
    unknown = np.full((1, len(order)), np.nan)  # correlations have no scores
    return make_hits(index, best_keys[order][None], distances[None], rows_by_key, unknown)[0], n_unreadable


def _candidates(index: IndexState, item: Item, image: Image.Image) -> list[LedgerRow]:
    """Return the nearest items by code of an image, of its rotations and flips, and of the extended image."""
    views = [*rotations_and_flips(image), extend_borders(image)]
    X = index.features.transform([replace(item, content=view) for view in views])
    found = search_rows(index, encode_rows(index, X), max(CANDIDATES))
    keys = np.unique(np.concatenate([view[:n] for view, n in zip(found.keys, CANDIDATES, strict=True)]))
    return [found.rows[key] for key in keys[keys != NO_KEY].tolist()]


def _load_thumbnails(index: IndexState, rows: Sequence[LedgerRow]) -> tuple[list[int], np.ndarray]:
    """Return the keys of the items that can still be read, and their thumbnails."""
    keys: list[int] = []
    images = [thumbnails([])]
    for batch_keys, items in reload_rows(index, rows, (THUMBNAIL_SIDE, THUMBNAIL_SIDE)):
        keys += batch_keys
        images.append(thumbnails(item.content for item in items))
    return keys, np.concatenate(images)


def extend_borders(image: Image.Image) -> Image.Image:
    """Return an image inside a border that repeats its outermost pixels.

    Its code is near that of an image of which it is a crop: most photos show something before a plain background.
    """
    from PIL import Image

    pixels = np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))
    borders = [(round(side * EXTENSION),) * 2 for side in pixels.shape[:2]]
    return Image.fromarray(np.pad(pixels, (*borders, *((0, 0),) * (pixels.ndim - 2)), mode="edge"))
