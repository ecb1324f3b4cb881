"""Principal components of many or wide rows, with bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

CHUNK_ROWS = 1024
"""Rows that are centered at a time: all together would take twice the memory of the rows."""
MAX_EXACT_FEATURES = 1024
"""Rows of more features are decomposed by subspace iteration: an exact decomposition takes half a minute for 4,096."""
N_ITERATIONS = 4
"""Subspace iterations. Components of small variance are approximate; any directions near them serve as well."""
N_EXTRA_DIRECTIONS = 32
"""Directions iterated in addition to those that are kept, which makes these more exact."""


def fit_principal_components(rows: Tensor, mean: Tensor, n_components: int) -> tuple[Tensor, Tensor]:
    """Return the variances [n_components], in decreasing order, and the directions [n_features, n_components], float64.

    Parameters
    ----------
    rows : Tensor of shape [n_rows, n_features], float32
    mean : Tensor of shape [n_features], float64
    n_components : int
        At most n_features. If it is more than there are rows, the other variances are 0.
    """
    n_features = rows.shape[1]
    if n_features <= MAX_EXACT_FEATURES:
        covariance = rows.new_zeros(n_features, n_features, dtype=torch.float64)
        for chunk in center(rows, mean):
            covariance.addmm_(chunk.T, chunk)
        return _decompose(covariance / max(1, len(rows) - 1), n_components)
    centered = rows - mean.float()
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(n_features, min(n_components + N_EXTRA_DIRECTIONS, n_features), generator=generator)
    directions = directions.to(rows.device)
    for _ in range(N_ITERATIONS):
        directions = centered.T @ (centered @ torch.linalg.qr(directions)[0])
    directions = torch.linalg.qr(directions)[0]
    projected = (centered @ directions).double()
    variances, rotation = _decompose(projected.T @ projected / max(1, len(rows) - 1), n_components)
    return variances, directions.double() @ rotation


def center(rows: Tensor, mean: Tensor) -> Iterator[Tensor]:
    """Yield rows [n_rows, n_features] minus their mean in float64, in chunks."""
    return (chunk.double() - mean for chunk in rows.split(CHUNK_ROWS))


def _decompose(covariance: Tensor, n_components: int) -> tuple[Tensor, Tensor]:
    """Return the largest eigenvalues [n_components], in decreasing order, and their vectors [n_features, n_components]."""
    variances, directions = torch.linalg.eigh(covariance)
    return variances[-n_components:].flip(0), directions[:, -n_components:].flip(1)
