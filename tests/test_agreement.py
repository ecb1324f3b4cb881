"""The label-free score is 0 for codes of chance, 1 for codes of the subject alone, and ranks codes as the labels do."""

from typing import Any

import numpy as np
import pytest

from aesearch.agreement import neighbor_agreement, score_coder
from aesearch.analysis.evaluation import precision_at
from aesearch.catalog import create_coder
from aesearch.coders.linear import PCA
from aesearch.stores.flat import FlatStore


def stored(codes: np.ndarray) -> FlatStore:
    store = FlatStore("cosine", codes.shape[1])
    store.add(np.arange(len(codes)), codes)
    return store


def test_codes_that_know_nothing_of_the_item_agree_as_chance_does() -> None:
    draw = np.random.default_rng(0)
    store = stored(draw.standard_normal((2000, 16)).astype(np.float32))
    first, second = (draw.standard_normal((300, 16)).astype(np.float32) for _ in range(2))
    assert abs(neighbor_agreement(store, first, second)) < 0.01


def test_views_with_the_same_code_agree_wholly_beyond_chance() -> None:
    draw = np.random.default_rng(0)
    store = stored(draw.standard_normal((2000, 16)).astype(np.float32))
    codes = draw.standard_normal((300, 16)).astype(np.float32)
    assert neighbor_agreement(store, codes, codes) > 0.9


def test_one_code_for_all_items_is_worth_nothing() -> None:
    draw = np.random.default_rng(0)
    store = stored(draw.standard_normal((2000, 16)).astype(np.float32))
    codes = np.tile(draw.standard_normal((1, 16)).astype(np.float32), (300, 1))
    assert neighbor_agreement(store, codes, codes) == pytest.approx(0)


def test_it_ranks_codes_as_the_labels_do(digits: np.ndarray, digit_labels: np.ndarray) -> None:
    rows, asked = digits[100:], digits[:100]
    found = []
    for size in (1, 2, 4, 8):
        coder = PCA(size).fit(rows)
        store = FlatStore(coder.metric, size)
        store.add(np.arange(len(rows)), coder.encode(rows))
        near = store.search(coder.encode(asked), 10)[0]
        precision = precision_at(digit_labels[100:][near] == digit_labels[:100, None], 10).mean()
        found.append((score_coder(coder, store, asked), precision))
    assert found == sorted(found)


def test_too_few_items_are_not_scored(digits: np.ndarray, bags: Any) -> None:
    coder = create_coder("pca", code_size=4).fit(digits)
    store = stored(coder.encode(digits))
    assert score_coder(coder, store, digits[:19]) is None
    words = create_coder("lsa", code_size=4).fit(bags)
    assert 0 < (score_coder(words, stored(words.encode(bags)), bags) or 0) < 1
