"""Augmented views of items: complementary halves of a document's words, random crops of an image.

Two views of an item share its subject and differ in details that do not matter. They serve to estimate the quality of codes
without labels (`aesearch.scoring`), and as training inputs that teach a model to ignore those details.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.arrays import is_sparse, scale_pixels

if TYPE_CHECKING:
    from aesearch.arrays import Rows

MIN_CROP_SIDE = 0.7
"""Smallest side of a crop, as a share of the image's side."""
MAX_LOG_GAMMA = 0.6
"""Pixels are raised to a power between exp(-MAX_LOG_GAMMA) and exp(MAX_LOG_GAMMA)."""
MAX_LOG_TINT = 0.2
"""Each channel of a color image is multiplied by a factor between exp(-MAX_LOG_TINT) and exp(MAX_LOG_TINT)."""
BATCH_SIZE = 256
"""Images augmented at a time. Small batches are three times as fast as large ones, and save memory."""


def two_views(X: Rows, rng: np.random.Generator, *, mirror: bool = False) -> tuple[Rows, Rows]:
    """Return two augmented views of each row, of the same shape and type as X.

    Each term of a document is in exactly one of its views. The same holds for each number of a vector; the other view has
    the mean of the column instead. Images are augmented independently.

    Parameters
    ----------
    X : array of shape (n_items, ...)
        A csr matrix, images [n_items, C, H, W] uint8 or float32 in 0..1, or vectors [n_items, D].
    rng : numpy.random.Generator
    mirror : bool
        Whether images may be mirrored.
    """
    if not X.shape[0]:
        return X, X
    if is_sparse(X):
        in_first = rng.random(len(X.data)) < 0.5
        return _keep_entries(X, in_first), _keep_entries(X, ~in_first)
    if X.ndim == 2:
        in_first, mean = rng.random(X.shape) < 0.5, X.mean(0, dtype=np.float32)
        return np.where(in_first, X, mean), np.where(in_first, mean, X)
    return augment_images(X, rng, mirror=mirror), augment_images(X, rng, mirror=mirror)


def augment_images(X: Rows, rng: np.random.Generator, *, mirror: bool = False) -> np.ndarray:
    """Return an augmented view of each image: a crop at the original size, with other brightness and tint.

    Parameters
    ----------
    X : array of shape (n_images, C, H, W)
        uint8, or float32 in 0..1. The result has the same shape and type.
    rng : numpy.random.Generator
    mirror : bool
        Whether half of the images are mirrored.
    """
    images = np.asarray(X)
    batches = [_augment(images[start : start + BATCH_SIZE], rng, mirror) for start in range(0, len(images), BATCH_SIZE)]
    return np.concatenate(batches) if batches else images


def _keep_entries(X: Any, is_kept: np.ndarray) -> Any:
    """Return the csr matrix X with only some of its entries; is_kept: [nnz] bool."""
    kept = X.copy()
    kept.data = kept.data * is_kept
    kept.eliminate_zeros()
    return kept


def _augment(X: np.ndarray, rng: np.random.Generator, mirror: bool) -> np.ndarray:
    n_images, n_channels, height, width = X.shape
    sides = MIN_CROP_SIDE + (1 - MIN_CROP_SIDE) * rng.random((n_images,))
    rows = _crop_coordinates(height, sides, rng)
    columns = _crop_coordinates(width, sides, rng)
    if mirror:
        columns = np.where(rng.random((n_images, 1)) < 0.5, columns[:, ::-1], columns)
    crops = _interpolate(_interpolate(scale_pixels(X), rows, 2), columns, 3)
    gamma = np.exp(MAX_LOG_GAMMA * (2 * rng.random((n_images, 1, 1, 1)) - 1))
    tint = np.exp(MAX_LOG_TINT * (2 * rng.random((n_images, n_channels, 1, 1)) - 1)) if n_channels > 1 else 1.0
    crops = np.clip(np.maximum(crops, 0) ** gamma.astype(np.float32) * tint, 0, 1)
    return (crops * 255 + 0.5).astype(np.uint8) if X.dtype == np.uint8 else crops.astype(np.float32)


def _crop_coordinates(size: int, sides: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the coordinates of the pixels of randomly placed crops along one axis.

    Parameters
    ----------
    size : int
        Pixels of the image along the axis.
    sides : array of shape (n_images,)
        Side of each crop, as a share of `size`.

    Returns
    -------
    array of shape (n_images, size)
    """
    starts = rng.random(len(sides)) * (1 - sides) * (size - 1)
    return starts[:, None] + sides[:, None] * np.arange(size)


def _interpolate(X: np.ndarray, coordinates: np.ndarray, axis: int) -> np.ndarray:
    """Interpolate each image linearly along an axis, at its own coordinates [n_images, size]."""
    shape = [len(X), 1, 1, 1]
    shape[axis] = coordinates.shape[1]
    lower = np.minimum(coordinates.astype(np.int64), X.shape[axis] - 1)
    upper = np.minimum(lower + 1, X.shape[axis] - 1)
    fraction = (coordinates - lower).astype(np.float32).reshape(shape)
    below, above = (np.take_along_axis(X, positions.reshape(shape), axis) for positions in (lower, upper))
    return below + fraction * (above - below)
