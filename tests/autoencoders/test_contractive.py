"""Contractive autoencoder: the Jacobian penalty is correct, and makes codes robust."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from aesearch.autoencoders.batches import RowBatches
from aesearch.autoencoders.contractive import ContractiveAutoencoder
from aesearch.errors import InvalidParameter


def squared_jacobian_by_autograd(coder: ContractiveAutoencoder, X: Any) -> Tensor:
    """Return ||dz/dx||^2 of each row, [B], from the full Jacobian [D, B, ...]."""
    if isinstance(X, np.ndarray):
        x = torch.from_numpy(X / np.float32(255))
        jacobian = torch.autograd.functional.jacobian(lambda x: coder.to_code(x).sum(0), x)
    else:
        first, rest = coder.encoder[0], coder.encoder[1:]
        x = torch.from_numpy(X.toarray())
        jacobian = torch.autograd.functional.jacobian(lambda x: rest(x @ first.weight + first.bias).sum(0), x)
    return jacobian.square().flatten(2).sum((0, 2))


@pytest.mark.parametrize("layers", [(), (20,)])
@pytest.mark.parametrize("rows", ["digits", "bags"])
def test_squared_jacobian_equals_autograd(rows: str, layers: tuple[int, ...], request: pytest.FixtureRequest) -> None:
    X = request.getfixturevalue(rows)[:12]
    coder = ContractiveAutoencoder(6, layers=layers, epochs=1, validation=0).fit(X)
    with torch.no_grad():  # large weights, so that the sigmoids are not nearly linear
        for parameter in coder.encoder.parameters():
            parameter.mul_(2).add_(0.05)
    expected = squared_jacobian_by_autograd(coder, X)
    entry, z = coder.to_code_with_entry(RowBatches(X, torch.device("cpu"))[torch.arange(12)])
    torch.manual_seed(0)
    estimates = [coder.squared_jacobian(entry, z, torch.randn_like(z)).detach() for _ in range(3000)]
    torch.testing.assert_close(torch.stack(estimates).mean(0), expected, rtol=0.1, atol=1e-6)
    if not layers:  # closed form
        torch.testing.assert_close(coder.squared_jacobian(entry, z), expected, rtol=1e-4, atol=1e-7)


def test_penalty_makes_codes_robust_to_noise(digits: np.ndarray) -> None:
    noise = np.random.default_rng(0).normal(0, 12, digits.shape)
    noisy = np.clip(digits + noise, 0, 255).astype(np.uint8)

    def mean_change(weight: float) -> float:
        coder = ContractiveAutoencoder(16, layers=(64,), weight=weight, epochs=60, batch_size=64, whiten=False).fit(digits)
        codes = coder.encode(digits)
        return float(np.linalg.norm(codes - coder.encode(noisy), axis=1).mean() / codes.std(0).sum())

    assert mean_change(0.2) < 0.8 * mean_change(0.0)


def test_contractive_rejects_negative_weight() -> None:
    with pytest.raises(InvalidParameter, match="0 or more"):
        ContractiveAutoencoder(16, weight=-1)
