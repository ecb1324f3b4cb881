"""Batches of training rows in torch: dense tensors, or sparse bags of words and the layer that reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.arrays import is_sparse

if TYPE_CHECKING:
    from aesearch.arrays import Rows

MAX_BYTES_ON_DEVICE = 4 << 30
"""Dense rows of at most this size are copied to an accelerator as a whole; larger ones are copied batch by batch."""


@dataclass(frozen=True)
class SparseBatch:
    """A batch of B sparse rows: the column and weight of each of its nnz non-zero entries, row after row.

    Attributes
    ----------
    terms : Tensor of shape [nnz], int64
        Column of each entry.
    weights : Tensor of shape [nnz], float32
        Value of each entry.
    offsets : Tensor of shape [B], int64
        Position of the first entry of each row.
    rows : Tensor of shape [nnz], int64
        Row of each entry.
    """

    terms: Tensor
    weights: Tensor
    offsets: Tensor
    rows: Tensor

    @classmethod
    def from_csr(cls, X: Any, device: torch.device) -> SparseBatch:
        """Copy a csr matrix [B, V] to a device."""
        starts = torch.from_numpy(X.indptr.astype(np.int64))
        rows = torch.repeat_interleave(torch.arange(X.shape[0]), starts.diff())
        terms, weights = torch.from_numpy(X.indices.astype(np.int64)), torch.from_numpy(X.data)
        return cls(terms.to(device), weights.to(device), starts[:-1].to(device), rows.to(device))

    def __len__(self) -> int:
        return len(self.offsets)

    def map_weights(self, function: Callable[[Tensor], Tensor]) -> SparseBatch:
        """Return the batch with a function applied to its weights."""
        return replace(self, weights=function(self.weights))


class SparseLinear(nn.Module):
    """nn.Linear for a SparseBatch: maps B rows of `in_features` columns to [B, out_features].

    Attributes
    ----------
    weight : Parameter of shape [in_features, out_features]
        Transposed in comparison with nn.Linear.
    bias : Parameter of shape [out_features]
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        # Deliberately small. Weights that give unit variance hardly move in training, and the neighbors of the codes are
        # those of a random projection: precision on newsgroups drops by 0.14, although the loss is about the same.
        self.weight = nn.Parameter(torch.randn(in_features, out_features) * 0.01)
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x: SparseBatch) -> Tensor:
        sums = nn.functional.embedding_bag(x.terms, self.weight, x.offsets, mode="sum", per_sample_weights=x.weights)
        return sums + self.bias


class RowBatches:
    """Rows of X as float32 batches on a device. This is the only place in torch that scales uint8 pixels to 0..1.

    Parameters
    ----------
    X : array of shape (n_items, ...)
        uint8 pixels, floats, or a csr matrix.
    device : torch.device
        Device of the batches.
    """

    def __init__(self, X: Rows, device: torch.device) -> None:
        self._device = device
        self._sparse = X if is_sparse(X) else None
        if self._sparse is None:
            dense = torch.from_numpy(np.require(X, requirements=("C", "W")))
            self._dense = dense.to(device) if dense.nbytes <= MAX_BYTES_ON_DEVICE else dense
        self._length = X.shape[0]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, positions: Tensor) -> Tensor | SparseBatch:
        """Return the rows at positions [B] int64: a Tensor [B, ...] float32, or a SparseBatch."""
        if self._sparse is not None:
            return SparseBatch.from_csr(self._sparse[positions.numpy()], self._device)
        batch = self._dense[positions.to(self._dense.device)].to(self._device)
        return batch.float().div_(255) if batch.dtype == torch.uint8 else batch.float()
