"""Losses equal those of torch, and sparse targets have the same loss as dense ones."""

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from aesearch.autoencoders.batches import SparseBatch
from aesearch.autoencoders.losses import LOSSES, get_loss
from aesearch.errors import InvalidParameter, UnknownName

TORCH_LOSSES = {"mse": F.mse_loss, "l1": F.l1_loss, "bce": F.binary_cross_entropy_with_logits}


@pytest.fixture
def dense(bags: Any) -> torch.Tensor:
    return torch.from_numpy(bags[:20].toarray())


@pytest.fixture
def sparse(bags: Any) -> SparseBatch:
    return SparseBatch.from_csr(bags[:20], torch.device("cpu"))


@pytest.fixture
def outputs(dense: torch.Tensor) -> torch.Tensor:
    return torch.randn(dense.shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", TORCH_LOSSES)
def test_loss_of_sparse_target_equals_dense(
    name: str, sparse: SparseBatch, dense: torch.Tensor, outputs: torch.Tensor
) -> None:
    torch.testing.assert_close(LOSSES[name](outputs, sparse), LOSSES[name](outputs, dense), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", TORCH_LOSSES)
def test_loss_equals_torch_sum_over_features(name: str, dense: torch.Tensor, outputs: torch.Tensor) -> None:
    torch.testing.assert_close(LOSSES[name](outputs, dense), TORCH_LOSSES[name](outputs, dense, reduction="sum") / 20)


def test_softmax_loss_is_cross_entropy_of_term_shares(
    sparse: SparseBatch, dense: torch.Tensor, outputs: torch.Tensor
) -> None:
    shares = dense / dense.sum(1, keepdim=True)
    torch.testing.assert_close(LOSSES["softmax"](outputs, sparse), F.cross_entropy(outputs, shares), rtol=1e-4, atol=1e-4)


def test_softmax_loss_rejects_dense_targets(dense: torch.Tensor) -> None:
    with pytest.raises(InvalidParameter, match="bags of words"):
        LOSSES["softmax"](dense, dense)


def test_get_loss_suggests_closest_name() -> None:
    with pytest.raises(UnknownName, match='did you mean "mse"'):
        get_loss("mes")
