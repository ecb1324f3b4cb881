"""Variational autoencoder: divergence, evidence lower bound, samples, and collapsed posteriors."""

from typing import Any

import numpy as np
import pytest
import torch

from aesearch.autoencoders.variational import VariationalAutoencoder, normal_divergence
from aesearch.errors import InvalidParameter


@pytest.fixture(scope="module")
def coder(digits: np.ndarray) -> VariationalAutoencoder:
    return VariationalAutoencoder(8, epochs=150, batch_size=32, layers=(128,), warm_up=300).fit(digits)


def test_normal_divergence_equals_monte_carlo() -> None:
    torch.manual_seed(0)
    mean, log_variance = torch.randn(5, 7), torch.randn(5, 7)
    posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
    z = posterior.sample((40_000,))
    estimate = (posterior.log_prob(z) - torch.distributions.Normal(0, 1).log_prob(z)).sum(2).mean(0)
    torch.testing.assert_close(normal_divergence(mean, log_variance), estimate, rtol=0.03, atol=0.03)


def test_encode_is_deterministic(coder: VariationalAutoencoder, digits: np.ndarray) -> None:
    np.testing.assert_array_equal(coder.encode(digits), coder.encode(digits))


def test_samples_resemble_training_images(coder: VariationalAutoencoder, digits: np.ndarray) -> None:
    samples = coder.sample(200, seed=1)
    assert samples.shape == (200, 1, 8, 8)
    assert 0 <= samples.min() <= samples.max() <= 1
    np.testing.assert_array_equal(samples, coder.sample(200, seed=1))
    assert not np.array_equal(samples, coder.sample(200, seed=2))
    rows, images = samples.reshape(200, -1), digits.reshape(600, -1) / 255

    def mean_distance_to_nearest_image(rows: np.ndarray) -> float:
        return float(((rows[:, None] - images[None]) ** 2).sum(2).min(1).mean())

    independent_pixels = np.random.default_rng(0).permuted(rows, axis=0)
    assert mean_distance_to_nearest_image(rows) < 0.75 * mean_distance_to_nearest_image(independent_pixels)


def test_elbo_is_higher_for_training_images(coder: VariationalAutoencoder, digits: np.ndarray) -> None:
    torch.manual_seed(0)
    images = digits[:200] / np.float32(255)
    upside_down = images[:, :, ::-1].copy()
    assert coder.elbo(torch.from_numpy(images), draws=20) > coder.elbo(torch.from_numpy(upside_down), draws=20) + 1


def test_collapsed_posterior_raises_warning(coder: VariationalAutoencoder, digits: np.ndarray) -> None:
    assert coder.active_units is not None
    assert coder.active_units > 4
    collapsed = VariationalAutoencoder(8, beta=200.0, epochs=10, warm_up=0, layers=(32,)).fit(digits)
    assert collapsed.active_units == 0
    assert "0 of 8 code dimensions" in collapsed.training_warnings()[0]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"beta": -1}, "0 or more"),
        ({"warm_up": -1}, "0 or more"),
        ({"tied": True}, "tied"),
        ({"layerwise_pretraining": True}, "layer"),
    ],
)
def test_variational_rejects_invalid_parameter(params: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        VariationalAutoencoder(16, **params)
