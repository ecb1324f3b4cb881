"""Ties are resolved by key, within a limit."""

import numpy as np
import pytest

from aesearch.stores.flat import FlatStore

N_COPIES = 200


@pytest.fixture
def copies() -> FlatStore:
    """Return a store of 200 equal codes, keyed in random order, and one other code."""
    store = FlatStore("l2", 1)
    store.add(np.random.default_rng(0).permutation(N_COPIES), np.zeros((N_COPIES, 1), np.float32))
    store.add(np.array([N_COPIES]), np.ones((1, 1), np.float32))
    return store


def test_ties_for_the_last_place_are_chosen_by_key(copies: FlatStore) -> None:
    keys, distances = copies.search(np.array([[0.0], [1.0]], np.float32), 3)
    assert keys.tolist() == [[0, 1, 2], [N_COPIES, 0, 1]]
    assert distances.tolist() == [[0, 0, 0], [0, 1, 1]]


def test_search_for_ties_is_limited(copies: FlatStore, monkeypatch: pytest.MonkeyPatch) -> None:
    reaches: list[int] = []
    search = copies._search

    def record_search(codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        reaches.append(k)
        return search(codes, k)

    monkeypatch.setattr("aesearch.stores.base.MAX_TIES", 20)
    monkeypatch.setattr(copies, "_search", record_search)
    keys, distances = copies.search(np.zeros((1, 1), np.float32), 3)
    assert max(reaches) == 3 + 20 + 1
    assert len(set(keys[0].tolist())) == 3
    assert distances.tolist() == [[0, 0, 0]]


def test_resolved_queries_are_not_searched_again(copies: FlatStore, monkeypatch: pytest.MonkeyPatch) -> None:
    n_queries: list[int] = []
    search = copies._search

    def record_search(codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        n_queries.append(len(codes))
        return search(codes, k)

    monkeypatch.setattr(copies, "_search", record_search)
    copies.search(np.array([[0.0], [1.0]], np.float32), 1)  # only the first query has ties for its last place
    assert n_queries[0] == 2
    assert set(n_queries[1:]) == {1}
