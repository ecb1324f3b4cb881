"""Selection of the image descriptors that suit a collection, by the label-free score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from aesearch.autoencoders.descriptors import Descriptors
from aesearch.autoencoders.neighbor_targets import build_cosine_store
from aesearch.scoring import HeldOutItems

CANDIDATES: tuple[Mapping[str, float], ...] = (
    {"gradients": 1.0, "visual-words": 0.5, "colors": 0.25, "pixels": 0.25},
    {"gradients": 1.0, "visual-words": 0.5},
    {"gradients": 1.0, "colors": 0.25, "pixels": 0.25},
    {"gradients": 1.0},
    {"gradients": 1.0, "colors": 0.5},
    {"gradients": 1.0, "visual-words": 1.0},
    {"visual-words": 1.0, "gradients": 0.5},
    {"visual-words": 1.0, "gradients": 0.5, "colors": 0.25, "pixels": 0.25},
    {"visual-words": 1.0, "colors": 0.5},
    {"visual-words": 1.0},
    {"colors": 1.0},
    {"pixels": 1.0},
)
"""Weights of descriptors among which the best for a collection of images is selected. The first are good on most
collections: photos of clothes and of objects, digits."""
MIN_GAIN = 0.1
"""Share by which other weights have to score higher than the first. The score favors visual words, which are nearly the
same in two crops of an image."""
VECTOR_WEIGHTS: Mapping[str, float] = {"numbers": 1.0}
MAX_ROWS = 10_000
"""Rows that the descriptors are fitted to and scored on."""
QUERY_SHARE, MAX_QUERIES = 1 / 3, 600
"""Share and number of the rows that the candidates are scored with. Nothing is trained on the others but principal
components, so these may be more than the held-out items: with a tenth of 557 butterflies, the gain of the best candidate
varied from 6 to 18 %, with a third from 13 to 16 %."""
MIN_MIRRORED_SIMILARITY = 0.85
"""Similarity of mirror images to a collection, relative to that of the images, from which mirroring does not matter."""


def select_descriptors(
    X: np.ndarray, held_out: HeldOutItems | None, weights: Mapping[str, float] | None, rng: np.random.Generator
) -> tuple[Descriptors, bool]:
    """Select and fit the descriptors of a collection.

    Parameters
    ----------
    X : array of shape (n_items, C, H, W) or (n_items, D)
        Images, uint8 or float32 in 0..1, or vectors.
    held_out : HeldOutItems or None
        Images that show whether mirroring matters. Without them, the first candidate is used.
    weights : mapping of str to float, optional
        Weight of each descriptor; by default those of CANDIDATES with the highest score.
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
    candidates = list_candidates(shape) if weights is None else [weights]
    if len(shape) == 1 or held_out is None:
        return Descriptors(shape, candidates[0]).fit_rows(sample, rng), False
    combined = fit_candidates(shape, candidates, sample, rng)
    described, images = combined.transform(sample), np.asarray(held_out.rows)
    # Not by visual words if there are others: two crops of one photo share more words than a crop and its mirror image.
    calibrated = {name: 1.0 for name in combined.weights if name != "visual-words"} or combined.weights
    compared = (combined.transform(images), combined.transform(images[..., ::-1]), described)
    mirror = is_mirror_invariant(*(combined.reweight_rows(rows, calibrated) for rows in compared))
    if len(candidates) == 1:
        return combined.reweight(candidates[0]), mirror
    return combined.reweight(_select_weights(candidates, combined, described, sample, rng)), mirror


def _select_weights(
    candidates: Sequence[Mapping[str, float]],
    combined: Descriptors,
    described: np.ndarray,
    sample: np.ndarray,
    rng: np.random.Generator,
) -> Mapping[str, float]:
    """Return the candidate with the highest score, or the first unless the score is higher by MIN_GAIN.

    Parameters
    ----------
    candidates : sequence of mapping
    combined : Descriptors
        Of `fit_candidates`.
    described : array of shape (n_rows, width)
        Combined descriptors of `sample`.
    sample : array of shape (n_rows, C, H, W)
    rng : numpy.random.Generator
        Draws the queries; their neighbors are searched in the other rows.
    """
    order, n_queries = rng.permutation(len(sample)), min(MAX_QUERIES, int(QUERY_SHARE * len(sample)))
    queries, others = np.sort(order[:n_queries]), np.sort(order[n_queries:])
    held_out = HeldOutItems(sample[queries])
    views = [combined.transform(np.asarray(view)) for view in (held_out.first, held_out.second)]
    contents = held_out.describe(sample[others])

    def score(candidate: Mapping[str, float]) -> float:
        store = build_cosine_store(combined.reweight_rows(described[others], candidate))
        first, second = (combined.reweight_rows(view, candidate) for view in views)
        return held_out.score(store, first, second, contents.__getitem__).value

    scores = [score(candidate) for candidate in candidates]
    best = int(np.argmax(scores))
    return candidates[best if scores[best] > (1 + MIN_GAIN) * scores[0] else 0]


def list_candidates(shape: tuple[int, ...]) -> list[Mapping[str, float]]:
    """Return the weights of descriptors that suit rows of a shape, the default first.

    For gray images, visual words never weigh more than gradients. On digits and on gray photos of clothes (parts of the
    training images of MNIST and Fashion-MNIST) the score prefers them, but they have a lower mean average precision:
    0.80 instead of 0.82, and 0.70 instead of 0.72.
    """
    if len(shape) == 1:
        return [VECTOR_WEIGHTS]
    if shape[0] == 3:
        return list(CANDIDATES)
    without_colors = [
        {name: weight for name, weight in weights.items() if name != "colors"}
        for weights in CANDIDATES
        if set(weights) != {"colors"} and weights.get("visual-words", 0) <= weights.get("gradients", 0)
    ]
    return [weights for position, weights in enumerate(without_colors) if weights not in without_colors[:position]]


def fit_candidates(
    shape: tuple[int, ...], candidates: Sequence[Mapping[str, float]], X: np.ndarray, rng: np.random.Generator
) -> Descriptors:
    """Fit all descriptors of the candidates once, each with weight 1.

    What `transform` returns is then turned into the descriptors of any candidate by `Descriptors.reweight_rows`, and the
    descriptors into those of a candidate by `Descriptors.reweight`.
    """
    return Descriptors(shape, {name: 1.0 for candidate in candidates for name in candidate}).fit_rows(X, rng)


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
