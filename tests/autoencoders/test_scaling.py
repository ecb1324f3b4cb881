"""What is learned from the data by counting: means, deviations, decorrelation, and their inverses."""

import numpy as np
import torch

from aesearch.autoencoders.scaling import Standardizer, Whitening


def test_standard_pictures_have_no_mean_and_unit_deviation(digits: np.ndarray) -> None:
    standard = Standardizer((1, 8, 8))
    standard.fit(digits)
    x = torch.from_numpy(digits).float() / 255
    y = standard(x)
    torch.testing.assert_close(y.mean(0), torch.zeros(1, 8, 8), atol=1e-4, rtol=0)
    assert abs(float(y.std()) - 1) < 1e-3
    torch.testing.assert_close(standard.inverse_transform(y), x, atol=1e-5, rtol=0)


def test_pictures_that_are_all_alike_are_no_division_by_zero() -> None:
    standard = Standardizer((1, 2, 2))
    standard.fit(np.full((5, 1, 2, 2), 7, np.uint8))
    assert torch.isfinite(standard(torch.zeros(1, 1, 2, 2))).all()


def test_whitening_is_undone_by_its_inverse_and_floors_dead_directions() -> None:
    generator = np.random.default_rng(0)
    codes = (generator.standard_normal((500, 4)) @ np.diag([10, 1, 0.5, 0]) + 3).astype(np.float32)
    whitening = Whitening(4)
    whitening.fit(codes)
    white = whitening(torch.from_numpy(codes))
    np.testing.assert_allclose(np.cov(white.numpy().T)[1:, 1:].diagonal().max(), 1, atol=0.01)
    assert torch.isfinite(white).all()
    torch.testing.assert_close(whitening.inverse_transform(white), torch.from_numpy(codes), atol=1e-3, rtol=0)
