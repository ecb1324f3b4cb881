"""Pairs of images in an index that may be edited copies of each other, and their agreement after alignment.

Candidates are found by fingerprints: small band-pass filtered thumbnails, which do not depend on the coder of the index.
Each image is compared with all others in eight orientations, and cropped.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aesearch.index.spool import Spool
from aesearch.search.alignment import (
    COARSE_BAND,
    COARSE_SIDE,
    N_ORIENTATIONS,
    THUMBNAIL_SIDE,
    align,
    orient,
    place,
    thumbnails,
)
from aesearch.search.band_pass import filter_band, resize
from aesearch.stores.base import NO_KEY
from aesearch.stores.flat import FlatStore

if TYPE_CHECKING:
    from aesearch.analysis.neighborhoods import UnreadableCallback
    from aesearch.index.retriever import Retriever

FINGERPRINT_SIDE = 16
CROPS = (0.85, 0.71)
"""Sides of the center crops that are also compared, relative to the whole image."""
N_NEIGHBORS = 3
"""Nearest fingerprints in each orientation or crop that are candidates."""
MIN_FINGERPRINT_SIMILARITY = 0.55
"""Cosine of the fingerprints of candidates."""
MIN_COARSE_SIMILARITY = 0.65
"""Coarse similarity at which a pair is finely aligned."""
BATCH_SIZE = 256


def find_image_pairs(
    retriever: Retriever, keys: np.ndarray, on_unreadable: UnreadableCallback
) -> Iterator[tuple[int, int, float]]:
    """Yield the keys of pairs of images that are similar at first sight, and their agreement after alignment.

    Parameters
    ----------
    retriever : Retriever
    keys : array of shape (n_items,), int64
    on_unreadable : callable
        Called with the number of items whose files can no longer be read, if there are any.
    """
    with tempfile.TemporaryDirectory(prefix="aesearch-") as folder:
        spool = Spool(Path(folder))
        fingerprints = FlatStore("cosine", FINGERPRINT_SIDE**2)
        for batch_keys, items in retriever.reload_items(keys.tolist(), (THUMBNAIL_SIDE, THUMBNAIL_SIDE)):
            images = thumbnails(item.content for item in items)
            positions = np.arange(len(spool), len(spool) + len(images))
            spool.append(np.array(batch_keys, np.int64), images)
            fingerprints.add(positions, fingerprint(images))
        if len(spool) < len(keys):
            on_unreadable(len(keys) - len(spool))
        if len(spool):
            yield from _align_pairs(spool, _candidate_pairs(spool, fingerprints))
        spool.close()


def fingerprint(images: np.ndarray) -> np.ndarray:
    """Return the fingerprints of gray images [n, side, side], [n, FINGERPRINT_SIDE squared] float32."""
    filtered = filter_band(resize(images.astype(np.float32), COARSE_SIDE), COARSE_BAND)
    return resize(filtered, FINGERPRINT_SIDE).reshape(len(images), -1)


def _candidate_pairs(spool: Spool, fingerprints: FlatStore) -> np.ndarray:
    """Return the positions of candidates and the orientation of the first one: distinct rows [n_pairs, 3], int64."""
    pairs = []
    for start in range(0, len(spool), BATCH_SIZE):
        own = np.arange(start, min(start + BATCH_SIZE, len(spool)))
        images = np.asarray(spool.rows(own))
        for orientation, view in _views(images):
            positions, distances = fingerprints.search(fingerprint(view), N_NEIGHBORS + 1)
            near = (positions != NO_KEY) & (positions != own[:, None]) & (distances <= 1 - MIN_FINGERPRINT_SIMILARITY)
            row, column = np.nonzero(near)
            others = positions[row, column]
            pairs.append(np.stack([own[row], others, np.full(len(row), orientation)], 1))
    return _without_reversed(np.concatenate(pairs))


def _views(images: np.ndarray) -> Iterable[tuple[int, np.ndarray]]:
    """Yield the orientations and crops of images, each with the number of its orientation."""
    for orientation in range(N_ORIENTATIONS):
        yield orientation, orient(images, orientation)
    for crop in CROPS:
        margin = round(THUMBNAIL_SIDE * (1 - crop) / 2)
        yield 0, images[:, margin:-margin, margin:-margin]


def _without_reversed(pairs: np.ndarray) -> np.ndarray:
    """Return distinct pairs. If a pair occurs in both orders, the one with the smaller position first remains.

    Rotations by 90 and 270 degrees are the inverse of each other, all other orientations of themselves.
    """
    inverse = np.array([0, 3, 2, 1, 4, 5, 6, 7])
    reversed_pairs = np.stack([pairs[:, 1], pairs[:, 0], inverse[pairs[:, 2]]], 1)
    return np.unique(np.where((pairs[:, 0] < pairs[:, 1])[:, None], pairs, reversed_pairs), axis=0)


def _align_pairs(spool: Spool, pairs: np.ndarray) -> Iterator[tuple[int, int, float]]:
    """Yield the keys of pairs that remain similar after coarse alignment, and their agreement after fine alignment."""
    keys = spool.keys
    for start in range(0, len(pairs), BATCH_SIZE):
        batch = pairs[start : start + BATCH_SIZE]
        positions, inverse = np.unique(batch[:, :2], return_inverse=True)
        images = np.asarray(spool.rows(positions))
        first, second = (images[column] for column in inverse.reshape(-1, 2).T)
        for orientation in np.unique(batch[:, 2]):
            chosen = np.flatnonzero(batch[:, 2] == orientation)
            placement = place(first[chosen], second[chosen], (int(orientation),))
            close = np.flatnonzero(placement.similarity >= MIN_COARSE_SIMILARITY)
            if len(close):
                chosen = chosen[close]
                agreements = align(first[chosen], second[chosen], placement.take(close)).agreement
                own, others = keys[batch[chosen, 0]], keys[batch[chosen, 1]]
                yield from zip(own.tolist(), others.tolist(), agreements.tolist(), strict=True)
