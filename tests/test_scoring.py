"""The label-free score is 0 for random codes, high for good ones, and ranks codes as labels do."""

from typing import Any

import numpy as np
import pytest

from aesearch.analysis.metrics import precision_at
from aesearch.catalog import create_coder
from aesearch.coders.linear import LSA, PCA
from aesearch.coders.validation import can_cross_fit, cross_fit, score_coder
from aesearch.scoring import MIN_ITEMS, HeldOutItems, ItemScores, hold_out, neighborhood_sizes
from aesearch.stores.flat import FlatStore


def create_store(codes: np.ndarray) -> FlatStore:
    store = FlatStore("cosine", codes.shape[1])
    store.add(np.arange(len(codes)), codes)
    return store


def random_codes(n_items: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n_items, 16)).astype(np.float32)


@pytest.fixture(scope="module")
def vectors() -> HeldOutItems:
    return HeldOutItems(random_codes(300, seed=3))


def score(held_out: HeldOutItems, first: np.ndarray, second: np.ndarray) -> ItemScores:
    contents = held_out.describe(random_codes(2000, seed=4))
    return held_out.score(create_store(random_codes(2000, seed=0)), first, second, contents.__getitem__)


def test_unrelated_views_do_not_agree(vectors: HeldOutItems) -> None:
    scores = score(vectors, random_codes(300, seed=1), random_codes(300, seed=2))
    assert abs(scores.agreement.mean()) < 0.01
    assert abs(scores.similarity.mean()) < 0.02
    assert scores.value < 0.02


def test_identical_views_agree(vectors: HeldOutItems) -> None:
    codes = random_codes(300, seed=1)
    assert 0.9 < score(vectors, codes, codes).agreement.mean() <= 1


def test_constant_codes_do_not_agree(vectors: HeldOutItems) -> None:
    codes = np.tile(random_codes(1, seed=1), (300, 1))
    assert score(vectors, codes, codes).value == pytest.approx(0, abs=1e-6)


def test_items_are_not_their_own_neighbors(vectors: HeldOutItems) -> None:
    codes = random_codes(300, seed=1)
    store = create_store(codes)
    contents = vectors.describe(vectors.rows)
    own = vectors.score(store, codes, codes, contents.__getitem__)
    others = vectors.score(store, codes, codes, contents.__getitem__, keys=np.arange(300))
    assert own.similarity.mean() > others.similarity.mean() + 0.1


def test_agreement_equals_a_direct_computation() -> None:
    codes, first, second = (random_codes(n, seed) for n, seed in ((100, 0), (40, 1), (40, 2)))
    store = create_store(codes)
    held_out = HeldOutItems(random_codes(40, seed=3))
    scores = held_out.score(store, first, second, held_out.describe(codes).__getitem__)
    assert scores.sizes == (5, 10, 20)
    for column, size in enumerate(scores.sizes):
        neighbors = [[set(row) for row in store.search(views, size)[0]] for views in (first, second)]
        overlap = np.array([len(a & b) / size for a, b in zip(*neighbors, strict=True)])
        np.testing.assert_allclose(
            scores.agreement[:, column] - scores.agreement[0, column], overlap - overlap[0], atol=1e-9
        )


def test_interval_contains_the_score_and_narrows_with_more_items(bags: Any) -> None:
    coder = LSA(8).fit(bags)
    few, many = (score_coder(coder, bags, HeldOutItems(bags[:n])).summarize() for n in (30, bags.shape[0]))
    for found in (few, many):
        assert found.interval[0] <= found.value <= found.interval[1]
    assert np.diff(many.interval) < np.diff(few.interval)
    assert many.n_items == bags.shape[0]


def test_score_ranks_coders_as_labels_do(digits: np.ndarray, digit_labels: np.ndarray) -> None:
    rows, held_out = digits[100:], HeldOutItems(digits[:100])
    scores = []
    for code_size in (1, 2, 4, 8):
        coder = PCA(code_size).fit(rows)
        store = FlatStore(coder.metric, code_size)
        store.add(np.arange(len(rows)), coder.encode(rows))
        neighbors = store.search(coder.encode(digits[:100]), 10)[0]
        precision = precision_at(digit_labels[100:][neighbors] == digit_labels[:100, None], 10).mean()
        scores.append((score_coder(coder, rows, held_out).value, precision))
    assert scores == sorted(scores)


def test_cross_fitting_scores_every_item_once(bags: Any) -> None:
    few = bags[:60]
    coder = create_coder("lsa", code_size=4)
    assert can_cross_fit(coder, few)
    assert len(cross_fit(coder, few).similarity) == 60
    assert not can_cross_fit(coder, few[: MIN_ITEMS - 1])
    assert not can_cross_fit(create_coder("lsa", code_size=60), few)
    assert not can_cross_fit(create_coder("dense", code_size=4), few)


def test_few_items_are_not_held_out(bags: Any) -> None:
    rows, held_out = hold_out(bags[: 10 * MIN_ITEMS - 1], np.random.default_rng(0))
    assert rows.shape[0] == 10 * MIN_ITEMS - 1
    assert held_out is None


def test_neighborhoods_suit_the_collection() -> None:
    assert neighborhood_sizes(3) == (3,)
    assert neighborhood_sizes(24) == (5,)
    assert neighborhood_sizes(60) == (5, 10)
    assert neighborhood_sizes(10_000) == (5, 10, 20, 50)
