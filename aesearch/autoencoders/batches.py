"""Sparse rows in torch: a batch of bags of words, the layer that reads it, and the batches of any training set."""

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

ON_DEVICE = 4 << 30
"""Bytes of dense rows that are moved to an accelerator whole; more go there batch by batch."""


@dataclass(frozen=True)
class SparseBatch:
    """B rows of which only the non-zero entries are held: nnz words with their weights, row after row.

    words : [nnz] int64;  weights : [nnz] float32;  offsets : [B] int64, where each row begins;  rows : [nnz] int64.
    """

    words: Tensor
    weights: Tensor
    offsets: Tensor
    rows: Tensor

    def __len__(self) -> int:
        return len(self.offsets)

    def map(self, change: Callable[[Tensor], Tensor]) -> SparseBatch:
        """The same words under changed weights."""
        return replace(self, weights=change(self.weights))

    @classmethod
    def of(cls, X: Any, device: torch.device) -> SparseBatch:
        """X: [B, V] csr."""
        starts = torch.from_numpy(X.indptr.astype(np.int64))
        rows = torch.repeat_interleave(torch.arange(X.shape[0]), starts.diff())
        words, weights = torch.from_numpy(X.indices.astype(np.int64)), torch.from_numpy(X.data)
        return cls(words.to(device), weights.to(device), starts[:-1].to(device), rows.to(device))


class SparseLinear(nn.Module):
    """nn.Linear over SparseBatch: [B] bags of V words -> [B, out].  weight: [V, out]."""

    def __init__(self, words: int, out: int) -> None:
        super().__init__()
        # Small on purpose: from weights that give unit variance the layer hardly moves, and neighbors by the codes are
        # those of a random projection (some 0.14 below in precision on newsgroups, though the loss is about the same).
        self.weight = nn.Parameter(torch.randn(words, out) * 0.01)
        self.bias = nn.Parameter(torch.zeros(out))

    def forward(self, x: SparseBatch) -> Tensor:
        summed = nn.functional.embedding_bag(x.words, self.weight, x.offsets, mode="sum", per_sample_weights=x.weights)
        return summed + self.bias


class RowBatches:
    """The rows of X, handed out by their numbers, on the device that they are wanted on."""

    def __init__(self, X: Rows, device: torch.device) -> None:
        self._device = device
        self._sparse = X if is_sparse(X) else None
        if self._sparse is None:
            dense = torch.from_numpy(np.require(X, requirements=("C", "W")))
            fits = dense.nbytes <= ON_DEVICE
            self._dense = dense.to(device) if fits else dense
        self._length = X.shape[0]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, rows: Tensor) -> Tensor | SparseBatch:
        """rows: [B] int64.  Returns [B, ...] float32, uint8 brought to 0..1; or SparseBatch."""
        if self._sparse is not None:
            return SparseBatch.of(self._sparse[rows.numpy()], self._device)
        batch = self._dense[rows.to(self._dense.device)].to(self._device)
        return batch.float().div_(255) if batch.dtype == torch.uint8 else batch.float()
