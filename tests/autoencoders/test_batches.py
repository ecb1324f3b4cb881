"""SparseBatch of words in torch do what dense rows do."""

from typing import Any

import numpy as np
import torch

from aesearch.autoencoders.batches import RowBatches, SparseBatch, SparseLinear

CPU = torch.device("cpu")


def test_a_bag_layer_is_a_linear_layer_over_the_dense_rows(bags: Any) -> None:
    layer = SparseLinear(1000, 7)
    torch.testing.assert_close(
        layer(SparseBatch.of(bags, CPU)), torch.from_numpy(bags.toarray()) @ layer.weight + layer.bias, atol=1e-5, rtol=1e-4
    )


def test_an_empty_bag_gives_the_bias(bags: Any) -> None:
    empty = bags[:3] * 0
    empty.eliminate_zeros()
    layer = SparseLinear(1000, 7)
    torch.testing.assert_close(layer(SparseBatch.of(empty, CPU)), layer.bias.expand(3, 7))


def test_batches_are_the_rows_that_were_asked_for(bags: Any, digits: np.ndarray) -> None:
    rows = torch.tensor([5, 2, 9])
    torch.testing.assert_close(RowBatches(digits, CPU)[rows], torch.from_numpy(digits[[5, 2, 9]]).float() / 255)
    batch = RowBatches(bags, CPU)[rows]
    assert isinstance(batch, SparseBatch)
    dense = torch.zeros(3, 1000)
    dense[batch.rows, batch.words] = batch.weights
    np.testing.assert_array_equal(dense, bags[[5, 2, 9]].toarray())
