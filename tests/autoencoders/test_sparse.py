"""Sparse autoencoder: few units of a code are active."""

import numpy as np
import pytest
import torch

from aesearch.autoencoders.sparse import SparseAutoencoder, bernoulli_divergence
from aesearch.errors import InvalidParameter, UnknownName


def test_kl_penalty_sets_mean_activity(digits: np.ndarray) -> None:
    coder = SparseAutoencoder(100, rho=0.1, weight=3, epochs=60, batch_size=64).fit(digits)  # more units than the 64 pixels
    codes = coder.encode(digits)
    assert codes.shape == (600, 100)
    assert 0.07 < codes.mean() < 0.13


def test_l1_penalty_reduces_active_units(digits: np.ndarray) -> None:
    def active_share(weight: float) -> float:
        coder = SparseAutoencoder(100, sparsity="l1", weight=weight, epochs=40, batch_size=64).fit(digits)
        return float((coder.encode(digits) > 0).mean())

    assert active_share(0.3) < 0.7 * active_share(0.0)


def test_bernoulli_divergence_equals_torch() -> None:
    activity = torch.tensor([0.05, 0.2, 0.9])
    target, actual = (torch.distributions.Bernoulli(p) for p in (torch.tensor(0.05), activity))
    torch.testing.assert_close(bernoulli_divergence(0.05, activity), torch.distributions.kl_divergence(target, actual))


@pytest.mark.parametrize(("params", "message"), [({"rho": 0.0}, "between 0 and 1"), ({"weight": -1.0}, "0 or more")])
def test_sparse_rejects_invalid_parameter(params: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        SparseAutoencoder(16, **params)


def test_sparse_rejects_unknown_sparsity() -> None:
    with pytest.raises(UnknownName, match='did you mean "kl"'):
        SparseAutoencoder(16, sparsity="kll")
