"""Principal components: the approximate ones of wide rows agree with the exact ones."""

import numpy as np
import pytest
import torch

from aesearch.autoencoders import principal_components
from aesearch.autoencoders.principal_components import fit_principal_components


def draw_rows(n_rows: int, n_features: int) -> torch.Tensor:
    """Return rows whose variances fall along random directions."""
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.standard_normal((n_features, n_features)))[0]
    return torch.from_numpy((rng.standard_normal((n_rows, n_features)) * 0.9 ** np.arange(n_features)) @ directions).float()


def test_wide_rows_have_the_components_of_the_exact_decomposition(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = draw_rows(500, 120)
    mean = rows.mean(0).double()
    variances, directions = fit_principal_components(rows, mean, 20)
    monkeypatch.setattr(principal_components, "MAX_EXACT_FEATURES", 100)
    approximate_variances, approximate_directions = fit_principal_components(rows, mean, 20)
    torch.testing.assert_close(approximate_variances, variances, rtol=1e-3, atol=0)
    cosines = (approximate_directions * directions).sum(0).abs()
    assert cosines[:10].min() > 0.99
    torch.testing.assert_close(approximate_directions.T @ approximate_directions, torch.eye(20).double(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("n_features", [30, 2000])
def test_fewer_rows_than_components_are_accepted(n_features: int) -> None:
    rows = torch.randn(3, n_features, generator=torch.Generator().manual_seed(0))
    variances, directions = fit_principal_components(rows, rows.mean(0).double(), 20)
    assert variances.shape == (20,)
    assert directions.shape == (n_features, 20)
    assert torch.isfinite(directions).all()
    assert variances[2:].abs().max() < 1e-3 * variances[0]


def test_variances_add_up_to_that_of_the_rows() -> None:
    rows = draw_rows(300, 40)
    variances, _ = fit_principal_components(rows, rows.mean(0).double(), 40)
    torch.testing.assert_close(variances.sum(), rows.double().var(0).sum(), rtol=1e-4, atol=0)
