"""Every store of the catalog agrees with brute force, for every metric that it has."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from aesearch.arrays import is_sparse
from aesearch.catalog import STORES
from aesearch.errors import CorruptIndex, InvalidParameter, ShapeMismatch
from aesearch.stores.base import NO_KEY, Store

CASES = [(name, metric) for name, entry in STORES.items() for metric in entry.load().metrics]
N, WIDTH = 300, 6


def codes_for(name: str, metric: str, number: int, seed: int) -> Any:
    generator = np.random.default_rng(seed)
    if metric == "hamming":
        return generator.integers(0, 256, (number, WIDTH), np.uint8) & 0b00010001  # few bits: many ties
    floats = generator.integers(-2, 3, (number, WIDTH)).astype(np.float32) + np.float32(0.5)  # few values: many ties
    if name != "sparse":
        return floats
    floats[:, 0] = 1  # no empty row: it is like nothing, not even itself
    return csr_array(np.maximum(floats, 0))


def brute_force(metric: str, queries: Any, codes: Any) -> np.ndarray:
    """[Q, N] distances."""
    queries, codes = (X.toarray() if is_sparse(X) else X for X in (queries, codes))
    if metric == "hamming":
        return np.unpackbits(queries[:, None] ^ codes[None], axis=2).sum(2).astype(np.float32)
    if metric == "l2":
        return np.linalg.norm(queries[:, None] - codes[None], axis=2)
    lengths = [np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-12) for X in (queries, codes)]
    return 1 - (queries / lengths[0]) @ (codes / lengths[1]).T


@pytest.fixture(params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> tuple[Store, np.ndarray, Any, Any]:
    """A filled store, its keys in no order, its codes, and queries."""
    name, metric = request.param
    store = STORES[name].load()(metric, WIDTH)
    keys = np.random.default_rng(3).permutation(10 * N)[:N].astype(np.int64)
    codes = codes_for(name, metric, N, 0)
    store.add(keys[:100], codes[:100])
    store.add(keys[100:], codes[100:])
    return store, keys, codes, codes_for(name, metric, 30, 1)


def check(store: Store, keys: np.ndarray, codes: Any, queries: Any, k: int) -> None:
    found, distances = store.search(queries, k)
    expected = brute_force(store.metric, queries, codes)
    assert found.shape == distances.shape == (queries.shape[0], k)
    assert (found.dtype, distances.dtype) == (np.int64, np.float32)
    there = min(k, len(keys))
    assert (found[:, there:] == NO_KEY).all()
    assert np.isinf(distances[:, there:]).all()
    np.testing.assert_allclose(distances[:, :there], np.sort(expected, axis=1)[:, :there], atol=2e-3)
    assert (np.diff(distances[:, :there], axis=1) >= 0).all()
    place = {key: number for number, key in enumerate(keys.tolist())}
    for row, near in enumerate(found[:, :there].tolist()):
        assert len(set(near)) == there
        np.testing.assert_allclose(expected[row, [place[key] for key in near]], distances[row, :there], atol=2e-3)


@pytest.mark.parametrize("k", [1, 10, N, N + 5])
def test_it_finds_what_brute_force_finds(case: tuple[Store, np.ndarray, Any, Any], k: int) -> None:
    store, keys, codes, queries = case
    assert len(store) == N
    check(store, keys, codes, queries, k)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.4, 1.0])
def test_a_ball_holds_all_that_brute_force_finds_in_it(case: tuple[Store, np.ndarray, Any, Any], share: float) -> None:
    store, keys, codes, queries = case
    expected = brute_force(store.metric, queries, codes)
    distance = float(np.quantile(expected, share)) + 5e-3  # between two distances, where rounding decides nothing
    if (np.abs(expected - distance) < 3e-3).any():
        distance += 4e-3
    found, far = store.range_search(queries, distance)
    for row in range(len(found)):
        assert set(found[row, found[row] != NO_KEY].tolist()) == set(keys[expected[row] <= distance].tolist())
        assert (np.diff(far[row, found[row] != NO_KEY]) >= 0).all()
    assert store.range_search(queries, distance, at_most=3)[0].shape[1] <= 3


def test_ties_go_by_key_at_the_last_place_too(case: tuple[Store, np.ndarray, Any, Any]) -> None:
    store, keys, codes, queries = case
    if store.metric != "hamming":
        # Equal codes are equal to the last bit only where a distance is counted and not rounded; so they are made so.
        store.remove(keys)
        codes = codes[[0] * N]
        store.add(keys, codes)
        queries = codes[:4]
    expected = brute_force(store.metric, queries, codes).round(4)
    for k in (1, 7, 50):
        found, _ = store.search(queries, k)
        for row in range(queries.shape[0]):
            np.testing.assert_array_equal(found[row], keys[np.lexsort((keys, expected[row]))][:k])


def test_a_code_is_its_own_nearest_at_distance_0(case: tuple[Store, np.ndarray, Any, Any]) -> None:
    store, keys, codes, _ = case
    _, distances = store.search(codes, 1)
    np.testing.assert_allclose(distances, 0, atol=3e-3)
    for number in (0, 99, 250):
        found, distance = store.search(codes[[number]], N)
        assert keys[number] in found[0, distance[0] < 1e-5]


def test_what_was_removed_is_gone_and_the_others_keep_their_keys(case: tuple[Store, np.ndarray, Any, Any]) -> None:
    store, keys, codes, queries = case
    gone = np.arange(N) % 3 == 0
    store.remove(np.concatenate([keys[gone], [10 * N + 7]]))
    assert len(store) == N - gone.sum()
    check(store, keys[~gone], codes[~gone], queries, 20)
    store.add(keys[gone], codes[gone])
    check(store, keys, codes, queries, 20)
    store.remove(keys)
    assert len(store) == 0
    assert (store.search(queries, 3)[0] == NO_KEY).all()


def test_it_gives_its_codes_back_by_their_keys(case: tuple[Store, np.ndarray, Any, Any]) -> None:
    store, keys, codes, queries = case
    assert sorted(store.keys().tolist()) == sorted(keys.tolist())
    some = keys[[5, 299, 0]]
    again = type(store)(store.metric, WIDTH)
    again.add(some, store.codes(some))
    check(again, some, codes[[5, 299, 0]], queries, 2)
    assert store.codes(keys[:0]).shape == (0, WIDTH)


def test_the_others_nearest_to_a_stored_code_are_brute_force_s_without_itself(
    case: tuple[Store, np.ndarray, Any, Any],
) -> None:
    store, keys, codes, _ = case
    apart = brute_force(store.metric, codes, codes)
    np.fill_diagonal(apart, np.inf)
    near, far = (np.concatenate(parts) for parts in zip(*store.neighbors_of(keys, 5), strict=True))
    assert not (near == keys[:, None]).any()
    np.testing.assert_allclose(far, np.sort(apart, axis=1)[:, :5], atol=1e-4)


def test_saved_and_loaded_it_answers_the_same(case: tuple[Store, np.ndarray, Any, Any], tmp_path: Path) -> None:
    store, _, _, queries = case
    store.save(tmp_path / "store")
    loaded = type(store).load(tmp_path / "store", store.metric, WIDTH)
    assert len(loaded) == len(store)
    assert loaded.bytes_per_item == store.bytes_per_item
    for ours, theirs in zip(loaded.search(queries, 10), store.search(queries, 10), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_does_not_fit_is_refused(case: tuple[Store, np.ndarray, Any, Any], tmp_path: Path) -> None:
    store, keys, codes, queries = case
    with pytest.raises(ShapeMismatch, match="expected"):
        store.add(keys, codes[:, :3])
    with pytest.raises(ShapeMismatch, match="expected"):
        store.add(keys[:5], codes[:4])
    with pytest.raises(ShapeMismatch, match="expected"):
        store.search(queries[:, :3], 1)
    with pytest.raises(InvalidParameter, match="k is 0"):
        store.search(queries, 0)
    with pytest.raises(InvalidParameter, match="no metric"):
        type(store)("manhattan", WIDTH)  # type: ignore[arg-type]
    with pytest.raises(CorruptIndex, match="missing"):
        type(store).load(tmp_path, store.metric, WIDTH)


def test_a_damaged_file_is_refused_by_name(case: tuple[Store, np.ndarray, Any, Any], tmp_path: Path) -> None:
    store, _, _, _ = case
    store.save(tmp_path)
    (path,) = tmp_path.iterdir()
    raw = path.read_bytes()
    for damaged in (b"", raw[: len(raw) // 2], b"\0" * len(raw)):
        path.write_bytes(damaged)
        with pytest.raises(CorruptIndex, match=path.name):
            type(store).load(tmp_path, store.metric, WIDTH)
