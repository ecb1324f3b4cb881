"""Losses are the textbook's, and a sparse target costs what the same dense one does."""

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from aesearch.autoencoders.batches import SparseBatch
from aesearch.autoencoders.losses import LOSSES, choose
from aesearch.errors import InvalidParameter, UnknownName


@pytest.fixture
def rows(bags: Any) -> torch.Tensor:
    return torch.from_numpy(bags[:20].toarray())


@pytest.fixture
def guesses(rows: torch.Tensor) -> torch.Tensor:
    return torch.randn(rows.shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ["mse", "l1", "bce"])
def test_sparse_and_dense_targets_cost_the_same(name: str, bags: Any, rows: torch.Tensor, guesses: torch.Tensor) -> None:
    sparse = SparseBatch.of(bags[:20], torch.device("cpu"))
    torch.testing.assert_close(LOSSES[name](guesses, sparse), LOSSES[name](guesses, rows), rtol=1e-4, atol=1e-3)


def test_they_are_torchs_own_summed_over_a_row(rows: torch.Tensor, guesses: torch.Tensor) -> None:
    for name, theirs in (
        ("mse", F.mse_loss),
        ("l1", F.l1_loss),
        ("bce", F.binary_cross_entropy_with_logits),
    ):
        torch.testing.assert_close(LOSSES[name](guesses, rows), theirs(guesses, rows, reduction="sum") / 20)


def test_the_multinomial_loss_is_the_cross_entropy_with_the_words_shares(
    bags: Any, rows: torch.Tensor, guesses: torch.Tensor
) -> None:
    shares = rows / rows.sum(1, keepdim=True)
    loss = LOSSES["softmax"](guesses, SparseBatch.of(bags[:20], torch.device("cpu")))
    torch.testing.assert_close(loss, F.cross_entropy(guesses, shares), rtol=1e-4, atol=1e-4)


def test_the_multinomial_loss_refuses_pictures(rows: torch.Tensor) -> None:
    with pytest.raises(InvalidParameter, match="bags of words"):
        LOSSES["softmax"](rows, rows)


def test_a_misspelt_loss_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match='did you mean "mse"'):
        choose("mes")
