"""A score is the share of random pairs of items that are less similar than a query and its hit."""

import numpy as np
import pytest

from aesearch.index.calibration import random_distances, to_scores, to_similarities
from aesearch.stores.distances import pairwise_distances
from aesearch.stores.flat import FlatStore

rng = np.random.default_rng(0)
FLOATS = rng.standard_normal((500, 16)).astype(np.float32)
CODES = {"cosine": FLOATS, "l2": FLOATS, "hamming": np.packbits(FLOATS > 0, axis=1)}


@pytest.mark.parametrize("metric", CODES)
def test_scores_are_shares_of_random_pairs(metric: str) -> None:
    store = FlatStore(metric, CODES[metric].shape[1])  # type: ignore[arg-type]
    store.add(np.arange(500), CODES[metric])
    random = random_distances(store)
    codes = store.codes(np.arange(500))
    all_distances = pairwise_distances(codes[:250], codes[250:], metric).ravel()  # type: ignore[arg-type]
    distances = np.quantile(all_distances, [0.02, 0.1, 0.5, 0.9])
    similarities = to_similarities(distances, metric, 16, random)  # type: ignore[arg-type]
    scores = to_scores(similarities, metric, 16, random)  # type: ignore[arg-type]
    shares = [float(np.mean(all_distances > distance)) for distance in distances]
    ties = max(float(np.mean(all_distances == distance)) for distance in distances)
    np.testing.assert_allclose(scores, shares, atol=0.03 + ties)
    assert to_scores(np.array([1.0]), metric, 16, random)[0] == 1  # type: ignore[arg-type]
    assert to_scores(np.array([3.5]), metric, 16, random)[0] == 1  # type: ignore[arg-type]


def test_a_single_item_has_no_random_pairs() -> None:
    store = FlatStore("cosine", 4)
    store.add(np.array([1]), np.ones((1, 4), np.float32))
    assert random_distances(store) == []
    assert np.isnan(to_scores(np.array([0.5]), "cosine", 4, [])).all()
