"""Blended codes: principal components of the codes of a network and of a baseline."""

from typing import Any

import numpy as np
import pytest

from aesearch.autoencoders.described import DescribedCoder
from aesearch.coders.blend import Blend

TRAINING: dict[str, Any] = {"rounds": 1, "first_steps": 20, "device": "cpu"}


def test_dimensions_are_uncorrelated_and_ordered_by_variance(vectors: np.ndarray) -> None:
    coder = Blend(8, **TRAINING).fit(vectors)
    covariance = np.cov(coder.encode(vectors).T)
    variances = np.diag(covariance)
    assert (np.diff(variances) < 0.02 * variances[0]).all()  # the components were fitted without the held-out rows
    assert np.abs(covariance - np.diag(variances)).max() < 0.05 * variances[0]


def test_neighbors_are_those_of_the_concatenated_codes(bags: Any) -> None:
    """With as many dimensions as the concatenated codes have, no distance changes."""
    coder = Blend(8, **TRAINING).fit(bags)
    size = coder.components.shape[1]
    full = np.linalg.svd(coder.components)[2]  # the rows of the components first, then the rest of a basis
    concatenated = coder._concatenate(bags)
    assert full.shape == (size, size)
    residual = (concatenated - coder.mean) @ full[8:].T
    codes = coder.encode(bags)
    kept, lost = np.square(codes).sum(), np.square(residual).sum()
    assert kept > lost
    np.testing.assert_allclose(kept + lost, np.square(concatenated - coder.mean).sum(), rtol=1e-4)


@pytest.mark.slow
def test_both_coders_of_images_use_the_same_descriptors(digits: np.ndarray) -> None:
    coder = Blend(8, **TRAINING).fit(digits[:300])
    network, baseline = coder.members
    assert isinstance(network, DescribedCoder)
    assert isinstance(baseline, DescribedCoder)
    assert network.descriptor_weights == baseline.descriptor_weights
