"""Band-pass filters of square gray images."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np


class Band(NamedTuple):
    """Standard deviations of the Gaussians of a band-pass filter, in pixels, and of the window that normalizes contrast."""

    inner: float
    outer: float
    window: float
    min_contrast: float


def resize(images: np.ndarray, side: int) -> np.ndarray:
    """Return square images [n, ...] resized to a side, each pixel the mean of those that it covers."""
    weights = _area_weights(images.shape[-1], side)
    return np.asarray(weights @ images @ weights.T)


@cache
def _area_weights(n_inputs: int, n_outputs: int) -> np.ndarray:
    edges, pixels = np.linspace(0, n_inputs, n_outputs + 1), np.arange(n_inputs)
    weights = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights = np.clip(weights, 0, None)
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


@cache
def _gaussian(side: int, sigma: float) -> np.ndarray:
    """Return the matrix [side, side] that smooths the rows of an image with a Gaussian."""
    pixels = np.arange(side)
    weights = np.exp(-((pixels[:, None] - pixels) ** 2) / (2 * sigma**2))
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


def filter_band(images: np.ndarray, band: Band) -> np.ndarray:
    """Return images [n, side, side] without large and very small structures, and with equal contrast everywhere."""
    inner, outer, window = (_gaussian(images.shape[-1], sigma) for sigma in band[:3])
    filtered = inner @ images @ inner.T - outer @ images @ outer.T
    return np.asarray(filtered / np.sqrt(window @ filtered**2 @ window.T + band.min_contrast**2))
