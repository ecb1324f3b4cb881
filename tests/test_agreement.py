"""Neighbor agreement is 0 for random codes, near 1 for identical views, and ranks codes as labels do."""

from typing import Any

import numpy as np
import pytest

from aesearch.agreement import MIN_ITEMS, neighbor_agreement, score_coder
from aesearch.analysis.metrics import precision_at
from aesearch.catalog import create_coder
from aesearch.coders.linear import PCA
from aesearch.stores.flat import FlatStore


def create_store(codes: np.ndarray) -> FlatStore:
    store = FlatStore("cosine", codes.shape[1])
    store.add(np.arange(len(codes)), codes)
    return store


def random_codes(n_items: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n_items, 16)).astype(np.float32)


@pytest.fixture(scope="module")
def store() -> FlatStore:
    return create_store(random_codes(2000, seed=0))


def test_unrelated_views_score_zero(store: FlatStore) -> None:
    assert abs(neighbor_agreement(store, random_codes(300, seed=1), random_codes(300, seed=2))) < 0.01


def test_identical_views_score_almost_one(store: FlatStore) -> None:
    codes = random_codes(300, seed=1)
    assert 0.9 < neighbor_agreement(store, codes, codes) <= 1


def test_constant_code_scores_zero(store: FlatStore) -> None:
    codes = np.tile(random_codes(1, seed=1), (300, 1))
    assert neighbor_agreement(store, codes, codes) == pytest.approx(0)


def test_score_ranks_coders_as_labels_do(digits: np.ndarray, digit_labels: np.ndarray) -> None:
    rows, held_out = digits[100:], digits[:100]
    scores = []
    for code_size in (1, 2, 4, 8):
        coder = PCA(code_size).fit(rows)
        store = FlatStore(coder.metric, code_size)
        store.add(np.arange(len(rows)), coder.encode(rows))
        neighbors = store.search(coder.encode(held_out), 10)[0]
        precision = precision_at(digit_labels[100:][neighbors] == digit_labels[:100, None], 10).mean()
        scores.append((score_coder(coder, store, held_out), precision))
    assert scores == sorted(scores)


def test_score_needs_minimum_number_of_items(digits: np.ndarray) -> None:
    coder = create_coder("pca", code_size=4).fit(digits)
    store = create_store(coder.encode(digits))
    assert score_coder(coder, store, digits[: MIN_ITEMS - 1]) is None
    assert score_coder(coder, store, digits[:MIN_ITEMS]) is not None


def test_score_of_documents_is_between_0_and_1(bags: Any) -> None:
    coder = create_coder("lsa", code_size=4).fit(bags)
    score = score_coder(coder, create_store(coder.encode(bags)), bags)
    assert score is not None
    assert 0 < score < 1
