"""Sparse batches and layers give the same results as dense ones."""

from typing import Any

import numpy as np
import torch

from aesearch.autoencoders.batches import RowBatches, SparseBatch, SparseLinear

CPU = torch.device("cpu")


def test_sparse_linear_equals_dense_product(bags: Any) -> None:
    layer = SparseLinear(1000, 7)
    expected = torch.from_numpy(bags.toarray()) @ layer.weight + layer.bias
    torch.testing.assert_close(layer(SparseBatch.from_csr(bags, CPU)), expected, atol=1e-5, rtol=1e-4)


def test_sparse_linear_maps_empty_rows_to_bias(bags: Any) -> None:
    empty = bags[:3] * 0
    empty.eliminate_zeros()
    layer = SparseLinear(1000, 7)
    torch.testing.assert_close(layer(SparseBatch.from_csr(empty, CPU)), layer.bias.expand(3, 7))


def test_row_batches_scale_uint8_and_preserve_floats(digits: np.ndarray) -> None:
    positions, scaled = torch.tensor([5, 2, 9]), torch.from_numpy(digits[[5, 2, 9]]).float() / 255
    torch.testing.assert_close(RowBatches(digits, CPU)[positions], scaled)
    for dtype in (np.float32, np.float16):
        X = (digits / 255).astype(dtype)
        batch = RowBatches(X, CPU)[positions]
        torch.testing.assert_close(batch, torch.from_numpy(X[[5, 2, 9]]).float())


def test_row_batches_return_selected_sparse_rows(bags: Any) -> None:
    batch = RowBatches(bags, CPU)[torch.tensor([5, 2, 9])]
    assert isinstance(batch, SparseBatch)
    assert len(batch) == 3
    dense = torch.zeros(3, 1000)
    dense[batch.rows, batch.terms] = batch.weights
    np.testing.assert_array_equal(dense, bags[[5, 2, 9]].toarray())
