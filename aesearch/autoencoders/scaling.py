"""Numbers brought to a scale that a network, or a distance, can work with; learned from the data, not by descent."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from aesearch.arrays import Rows

FIT_ROWS = 10_000
RIDGE = 1e-3
"""Added to the codes' variances, as a share of their mean, by a readout."""
FLOOR = 1e-3
"""Variances below this share of the largest are not raised further: they are noise."""


class Standardizer(nn.Module):
    """x -> (x - mean) / deviation: each feature by its own mean, all by one deviation.

    Without it a network spends its first thousand steps on learning the mean picture: on photos the reconstruction's error
    after as long a training is twice as large.

    mean : [*shape];  deviation : scalar.  Changes nothing before fit().
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("deviation", torch.ones(()))

    def fit(self, X: Rows) -> None:
        """X: [N, *shape], uint8 or float32; at most FIT_ROWS of it are looked at, evenly spread."""
        some = np.asarray(X[:: max(1, len(X) // FIT_ROWS)])
        unit = np.float32(255 if some.dtype == np.uint8 else 1)
        mean = some.mean(0, dtype=np.float32) / unit
        self.mean.copy_(torch.from_numpy(mean))
        self.deviation.fill_(max(float((some / unit - mean).std()), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.deviation

    def inverse_transform(self, y: Tensor) -> Tensor:
        return y * self.deviation + self.mean


class LinearReadout(nn.Module):
    """z -> mean + z weights: the rows that codes stand for, by least squares, where no decoder gives them back.

    weights : [D, F];  mean : [F].
    """

    weights: Tensor
    mean: Tensor

    def __init__(self, size: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("weights", torch.zeros(size, prod(shape)))
        self.register_buffer("mean", torch.zeros(prod(shape)))

    def fit(self, codes: np.ndarray, X: np.ndarray) -> None:
        """codes: [N, D] float32;  X: [N, *shape], uint8 or float32."""
        rows = X.reshape(len(X), -1).astype(np.float32)
        rows /= 255 if X.dtype == np.uint8 else 1
        mean = rows.mean(0)
        ridge = RIDGE * max(float((codes**2).sum(0).mean()), 1e-12)
        about_mean = codes.T @ rows - np.outer(codes.sum(0), mean)  # without a second copy of the rows
        weights = np.linalg.solve(codes.T @ codes + ridge * np.eye(codes.shape[1]), about_mean)
        self.weights.copy_(torch.from_numpy(weights))
        self.mean.copy_(torch.from_numpy(mean))

    def forward(self, codes: Tensor) -> Tensor:
        """[B, D] -> [B, *shape]"""
        return (codes @ self.weights + self.mean).unflatten(1, self.shape)


class Whitening(nn.Module):
    """z -> (z - mean) whiten: codes decorrelated, each direction of unit variance, so that none outweighs the others in a
    distance; by the eigenvectors of their covariance, of which only the `kept` of most variance may be used.

    mean : [D];  whiten : [D, kept];  color : [kept, D], its inverse_transform.  Changes nothing before fit().
    """

    mean: Tensor
    whiten: Tensor
    color: Tensor

    def __init__(self, size: int, kept: int | None = None) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("whiten", torch.eye(size, kept or size))
        self.register_buffer("color", torch.eye(kept or size, size))

    def fit(self, codes: np.ndarray) -> None:
        """codes: [N, D] float32."""
        mean = codes.mean(0, dtype=np.float64)
        centered = codes - mean
        variances, directions = np.linalg.eigh(centered.T @ centered / max(1, len(codes) - 1))
        kept = self.whiten.shape[1]
        variances, directions = variances[-kept:], directions[:, -kept:]
        spread = np.sqrt(np.maximum(variances, max(FLOOR * variances.max(), 1e-12)))
        for buffer, value in (
            (self.mean, mean),
            (self.whiten, directions / spread),
            (self.color, (directions * spread).T),
        ):
            buffer.copy_(torch.from_numpy(value))

    def forward(self, codes: Tensor) -> Tensor:
        return (codes - self.mean) @ self.whiten

    def inverse_transform(self, codes: Tensor) -> Tensor:
        return codes @ self.color + self.mean
