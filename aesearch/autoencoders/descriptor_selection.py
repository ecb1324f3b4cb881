"""Selection of the image descriptors that suit a collection, by their neighbor agreement."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aesearch.agreement import MIN_ITEMS, neighbor_agreement
from aesearch.augmentation import two_views
from aesearch.autoencoders.descriptors import Descriptors
from aesearch.autoencoders.neighbor_targets import build_cosine_store

CANDIDATES: tuple[Mapping[str, float], ...] = (
    {"gradients": 1.0},
    {"gradients": 1.0, "colors": 0.5},
    {"gradients": 1.0, "pixels": 0.5},
    {"colors": 1.0},
    {"pixels": 1.0},
)
"""Weights of descriptors among which the best for a collection of images is selected."""
VECTOR_WEIGHTS: Mapping[str, float] = {"numbers": 1.0}
MAX_ROWS = 10_000
"""Rows that the descriptors are fitted to and scored on."""
MIN_MIRRORED_SIMILARITY = 0.85
"""Similarity of mirror images to a collection, relative to that of the images, from which mirroring does not matter."""


def select_descriptors(
    X: np.ndarray, held_out: np.ndarray, weights: Mapping[str, float] | None, rng: np.random.Generator
) -> tuple[Descriptors, bool]:
    """Select and fit the descriptors of a collection.

    Parameters
    ----------
    X, held_out : arrays of shape (n_items, C, H, W) or (n_items, D)
        Images, uint8 or float32 in 0..1, or vectors. Candidates are scored on augmented views of the held-out images; if
        these are too few, the first candidate is used.
    weights : mapping of str to float, optional
        Weight of each descriptor; by default those of CANDIDATES with the highest neighbor agreement.
    rng : numpy.random.Generator

    Returns
    -------
    descriptors : Descriptors
        Fitted.
    mirror : bool
        Whether mirror images fit in the collection; see `is_mirror_invariant`.

    Raises
    ------
    UnknownName, InvalidParameter
        If the weights do not fit X.
    """
    shape, sample = X.shape[1:], X[:: max(1, len(X) // MAX_ROWS)]
    candidates = _list_candidates(shape, weights)
    if len(shape) == 1 or len(held_out) < MIN_ITEMS:
        descriptors = Descriptors(shape, candidates[0])
        descriptors.fit(descriptors.extract(sample))
        return descriptors, False
    combined = Descriptors(shape, {name: 1.0 for candidate in candidates for name in candidate})
    raw = combined.extract(sample)
    combined.fit(raw)
    mirror = is_mirror_invariant(
        combined.transform(held_out), combined.transform(held_out[..., ::-1]), combined.whiten(raw).numpy()
    )
    fitted = [Descriptors(shape, candidate) for candidate in candidates]
    for descriptors in fitted:
        descriptors.fit(raw)
    if len(fitted) == 1:
        return fitted[0], mirror
    views = [combined.extract(view) for view in two_views(held_out, rng, mirror=mirror)]

    def score(descriptors: Descriptors) -> float:
        store = build_cosine_store(descriptors.whiten(raw).numpy())
        return neighbor_agreement(store, *(descriptors.whiten(view).numpy() for view in views))

    return max(fitted, key=score), mirror


def _list_candidates(shape: tuple[int, ...], weights: Mapping[str, float] | None) -> list[Mapping[str, float]]:
    """Return the given weights, or those that suit rows of a shape."""
    if weights is not None:
        return [weights]
    if len(shape) == 1:
        return [VECTOR_WEIGHTS]
    return [candidate for candidate in CANDIDATES if shape[0] == 3 or "colors" not in candidate]


def is_mirror_invariant(held_out: np.ndarray, mirrored: np.ndarray, descriptors: np.ndarray) -> bool:
    """Return whether mirror images fit in a collection almost as well as its own images.

    Photos do, with 0.92 to 0.99 of the similarity of the images themselves. Digits and letters do not, with 0.7.

    Parameters
    ----------
    held_out, mirrored : arrays of shape (n_queries, width)
        Descriptors of held-out images and of their mirror images.
    descriptors : array of shape (n_items, width)
        Descriptors of the collection.
    """
    store = build_cosine_store(descriptors)
    similarity, mirrored_similarity = (1 - np.median(store.search(rows, 1)[1]) for rows in (held_out, mirrored))
    return bool(mirrored_similarity > MIN_MIRRORED_SIMILARITY * similarity)
