"""Scaling of inputs and codes, fitted in closed form: standardization, whitening, and a linear readout of codes."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.arrays import scale_pixels

if TYPE_CHECKING:
    from aesearch.arrays import Rows

MAX_FIT_ROWS = 10_000
"""Maximum number of evenly spaced rows that a standardizer is fitted to."""
RIDGE_SHARE = 1e-3
"""Ridge penalty of the readout, as a share of the mean sum of squares of a code dimension."""
MIN_VARIANCE_SHARE = 1e-3
"""Whitening treats variances below this share of the largest as noise and amplifies them no further."""


class Standardizer(nn.Module):
    """x -> (x - mean) / deviation, with the mean of each feature and one standard deviation for all features.

    Without it, a network spends its first thousand steps on learning the mean image: on photos, the reconstruction error
    after the same number of steps is twice as large. Before fit() it is the identity.

    Parameters
    ----------
    shape : tuple of int
        Shape of a row.

    Attributes
    ----------
    mean : Tensor of shape `shape`
    deviation : Tensor of shape []
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("deviation", torch.ones(()))

    def fit(self, X: Rows) -> None:
        """Fit to X, [N, *shape] uint8 or float32."""
        sample = np.asarray(X[:: max(1, len(X) // MAX_FIT_ROWS)])
        # Averaged before scaling: sums of whole pixel values are exact in float32, sums of scaled values are not.
        mean = sample.mean(0, dtype=np.float32)
        if sample.dtype == np.uint8:
            mean /= np.float32(255)
        self.mean.copy_(torch.from_numpy(mean))
        self.deviation.fill_(max(float((scale_pixels(sample) - mean).std()), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.deviation

    def inverse_transform(self, y: Tensor) -> Tensor:
        """Undo the scaling."""
        return y * self.deviation + self.mean


class LinearReadout(nn.Module):
    """z -> mean + z weights: the least-squares reconstruction of rows from codes, for models without a decoder of rows.

    Parameters
    ----------
    code_size : int
        Dimensions of a code, D.
    shape : tuple of int
        Shape of a row.

    Attributes
    ----------
    weights : Tensor of shape [D, F]
        F is the number of features of a row.
    mean : Tensor of shape [F]
    """

    weights: Tensor
    mean: Tensor

    def __init__(self, code_size: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("weights", torch.zeros(code_size, prod(shape)))
        self.register_buffer("mean", torch.zeros(prod(shape)))

    def fit(self, codes: np.ndarray, X: np.ndarray) -> None:
        """Fit to the codes [N, D] float32 of the rows X, [N, *shape] uint8 or float32."""
        rows = scale_pixels(X.reshape(len(X), -1))
        mean = rows.mean(0)
        ridge = RIDGE_SHARE * max(float((codes**2).sum(0).mean()), 1e-12)
        cross_products = codes.T @ rows - np.outer(codes.sum(0), mean)  # centered without a second copy of the rows
        weights = np.linalg.solve(codes.T @ codes + ridge * np.eye(codes.shape[1]), cross_products)
        self.weights.copy_(torch.from_numpy(weights))
        self.mean.copy_(torch.from_numpy(mean))

    def forward(self, codes: Tensor) -> Tensor:
        """Map codes [B, D] to rows [B, *shape]."""
        return (codes @ self.weights + self.mean).unflatten(1, self.shape)


class Whitening(nn.Module):
    """z -> (z - mean) matrix: decorrelates codes and gives every direction unit variance.

    Without it, the directions of largest variance dominate distances. Before fit() it is the identity, or keeps the first
    `n_components` dimensions.

    Parameters
    ----------
    code_size : int
        Dimensions of a code, D.
    n_components : int, optional
        Number of principal components to keep, K; None for all D.

    Attributes
    ----------
    mean : Tensor of shape [D]
    matrix : Tensor of shape [D, K]
    inverse : Tensor of shape [K, D]
        Maps whitened codes back to centered codes.
    """

    mean: Tensor
    matrix: Tensor
    inverse: Tensor

    def __init__(self, code_size: int, n_components: int | None = None) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(code_size))
        self.register_buffer("matrix", torch.eye(code_size, n_components or code_size))
        self.register_buffer("inverse", torch.eye(n_components or code_size, code_size))

    def fit(self, codes: np.ndarray) -> None:
        """Fit to codes, [N, D] float32."""
        mean = codes.mean(0, dtype=np.float64)
        centered = codes - mean
        variances, directions = np.linalg.eigh(centered.T @ centered / max(1, len(codes) - 1))
        n_components = self.matrix.shape[1]  # eigh orders by increasing variance
        variances, directions = variances[-n_components:], directions[:, -n_components:]
        deviations = np.sqrt(np.maximum(variances, max(MIN_VARIANCE_SHARE * variances.max(), 1e-12)))
        self.mean.copy_(torch.from_numpy(mean))
        self.matrix.copy_(torch.from_numpy(directions / deviations))
        self.inverse.copy_(torch.from_numpy((directions * deviations).T))

    def forward(self, codes: Tensor) -> Tensor:
        return (codes - self.mean) @ self.matrix

    def inverse_transform(self, codes: Tensor) -> Tensor:
        """Map whitened codes [B, K] back to codes [B, D]."""
        return codes @ self.inverse + self.mean
