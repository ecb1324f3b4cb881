"""Standardization, whitening and the linear readout: their statistics and their inverses."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression

from aesearch.autoencoders.scaling import LinearReadout, Standardizer, Whitening


def test_standardizer_centers_features_and_scales_to_unit_deviation(digits: np.ndarray) -> None:
    standardizer = Standardizer((1, 8, 8))
    standardizer.fit(digits)
    x = torch.from_numpy(digits).float() / 255
    y = standardizer(x)
    torch.testing.assert_close(y.mean(0), torch.zeros(1, 8, 8), atol=1e-4, rtol=0)
    assert float(y.std()) == pytest.approx(1, abs=1e-3)
    torch.testing.assert_close(standardizer.inverse_transform(y), x, atol=1e-5, rtol=0)


def test_standardizer_handles_constant_images() -> None:
    standardizer = Standardizer((1, 2, 2))
    standardizer.fit(np.full((5, 1, 2, 2), 7, np.uint8))
    assert torch.isfinite(standardizer(torch.zeros(1, 1, 2, 2))).all()


def test_readout_equals_linear_regression(digits: np.ndarray) -> None:
    codes = np.random.default_rng(0).standard_normal((600, 5)).astype(np.float32)
    codes -= codes.mean(0)  # as whitened codes are
    readout = LinearReadout(5, (1, 8, 8))
    readout.fit(codes, digits)
    flat = digits.reshape(600, -1) / 255
    expected = LinearRegression().fit(codes, flat).predict(codes).reshape(digits.shape)
    np.testing.assert_allclose(readout(torch.from_numpy(codes)).numpy(), expected, atol=1e-3)


@pytest.fixture
def codes() -> np.ndarray:
    """[500, 4] float32 of very different variances; the last dimension is constant."""
    rng = np.random.default_rng(0)
    return (rng.standard_normal((500, 4)) @ np.diag([10, 1, 0.5, 0]) + 3).astype(np.float32)


def test_whitening_equalizes_variances_and_can_be_undone(codes: np.ndarray) -> None:
    whitening = Whitening(4)
    whitening.fit(codes)
    white = whitening(torch.from_numpy(codes))
    assert torch.isfinite(white).all()
    assert np.cov(white.numpy().T)[1:, 1:].diagonal().max() == pytest.approx(1, abs=0.01)
    torch.testing.assert_close(whitening.inverse_transform(white), torch.from_numpy(codes), atol=1e-3, rtol=0)


def test_whitening_keeps_components_of_largest_variance(codes: np.ndarray) -> None:
    whitening = Whitening(4, n_components=2)
    whitening.fit(codes)
    white = whitening(torch.from_numpy(codes))
    assert white.shape == (500, 2)
    np.testing.assert_allclose(np.cov(white.numpy().T), np.eye(2), atol=0.01)
    error = (whitening.inverse_transform(white) - torch.from_numpy(codes)).square().mean(0)
    assert error.tolist() == pytest.approx([0, 0, 0.25, 0], abs=0.05)
