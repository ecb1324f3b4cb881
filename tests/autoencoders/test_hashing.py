"""Hashing autoencoder: units saturate, and their bits reconstruct the input."""

from typing import Any

import numpy as np
import pytest
import torch

from aesearch.autoencoders.hashing import HashingAutoencoder
from aesearch.errors import InvalidParameter


def fit(X: np.ndarray, **params: Any) -> HashingAutoencoder:
    return HashingAutoencoder(16, epochs=80, batch_size=32, layers=(128,), **params).fit(X)


def test_code_noise_saturates_units(digits: np.ndarray) -> None:
    def unsaturated_share(code_noise: float) -> float:
        coder = fit(digits, code_noise=code_noise)
        units = coder.to_code(torch.from_numpy(digits / np.float32(255))).sigmoid()
        return float(((units > 0.1) & (units < 0.9)).float().mean())

    assert unsaturated_share(4.0) < 0.6 * unsaturated_share(0.0)


@pytest.mark.parametrize("straight_through", [False, True])
def test_bits_reconstruct_held_out_images(straight_through: bool, digits: np.ndarray) -> None:
    coder = fit(digits[:500], straight_through=straight_through)
    held_out = digits[500:] / np.float32(255)
    error = ((coder.decode(coder.encode(digits[500:])) - held_out) ** 2).sum()
    assert error < 0.75 * ((held_out - held_out.mean(0)) ** 2).sum()


@pytest.mark.parametrize(
    ("params", "message"),
    [({"code_size": 12}, "choose 16"), ({"whiten": True}, "whiten"), ({"code_noise": -1.0}, "0 or more")],
)
def test_hashing_rejects_invalid_parameter(params: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        HashingAutoencoder(**params)
