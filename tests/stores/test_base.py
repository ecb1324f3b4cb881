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


def test_distances_are_those_of_a_search_and_infinite_for_unknown_keys() -> None:
    codes = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32)
    for metric, rows in {"cosine": codes, "l2": codes, "hamming": np.packbits(codes > 0, axis=1)}.items():
        store = FlatStore(metric, rows.shape[1])  # type: ignore[arg-type]
        store.add(np.arange(50)[::-1] * 3, rows)
        keys, distances = store.search(rows[:2], 50)
        for query in range(2):
            np.testing.assert_allclose(store.distances(rows[[query]], keys[query])[0], distances[query], atol=1e-5)
        assert np.isinf(store.distances(rows[:1], np.array([1, 500]))).all()
        store.remove(np.array([0]))
        assert np.isinf(store.distances(rows[:1], np.array([0, 3]))[0]).tolist() == [True, False]
