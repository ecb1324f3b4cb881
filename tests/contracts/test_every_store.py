"""Every store of the catalog agrees with brute force, and with the other stores, for every metric that it supports."""

from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import pytest
from scipy.sparse import csr_array

from aesearch.arrays import is_sparse
from aesearch.catalog import STORES, create_store
from aesearch.coders.base import Metric
from aesearch.errors import CorruptIndex, InvalidParameter, ShapeMismatch
from aesearch.stores.base import NO_KEY, Store

CASES = [(name, metric) for name, entry in STORES.items() for metric in entry.load().metrics]
PAIRS = [
    (metric, first, second)
    for metric in get_args(Metric)
    for first, second in combinations([name for name, supported in CASES if supported == metric], 2)
]
N_ITEMS, N_QUERIES, WIDTH = 300, 30, 6
TOLERANCE = 2e-3
"""FAISS compares batches of queries by a matrix product, which rounds distances near 0."""


class Case(NamedTuple):
    """A store filled with codes under keys in random order, and queries."""

    store: Store
    keys: np.ndarray
    codes: Any
    queries: Any


def make_codes(metric: str, n_items: int, seed: int) -> np.ndarray:
    """Return random codes, with few different values and therefore many ties, and none of length 0."""
    rng = np.random.default_rng(seed)
    if metric == "hamming":
        return rng.integers(0, 256, (n_items, WIDTH), np.uint8) & 0b00010001
    codes = rng.integers(-2, 3, (n_items, WIDTH)).astype(np.float32)
    codes[:, 0] = 1
    return codes


def make_case(name: str, metric: str) -> Case:
    store: Store = STORES[name].load()(metric, WIDTH)
    keys = np.random.default_rng(3).permutation(10 * N_ITEMS)[:N_ITEMS].astype(np.int64)
    codes, queries = (
        csr_array(rows) if store.is_sparse else rows
        for rows in (make_codes(metric, N_ITEMS, 0), make_codes(metric, N_QUERIES, 1))
    )
    store.add(keys[:100], codes[:100])
    store.add(keys[100:], codes[100:])
    return Case(store, keys, codes, queries)


@pytest.fixture(params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> Case:
    return make_case(*request.param)


def brute_force(metric: str, queries: Any, codes: Any) -> np.ndarray:
    """Return all distances, [n_queries, n_items]."""
    queries, codes = (X.toarray() if is_sparse(X) else X for X in (queries, codes))
    if metric == "hamming":
        return np.unpackbits(queries[:, None] ^ codes[None], axis=2).sum(2).astype(np.float32)
    if metric == "l2":
        return np.linalg.norm(queries[:, None] - codes[None], axis=2)
    queries, codes = (X / np.linalg.norm(X, axis=1, keepdims=True) for X in (queries, codes))
    return 1 - queries @ codes.T


def check_search(case: Case, k: int) -> None:
    """Check the results of a search: the distances are those of brute force, and each key has its own distance."""
    keys, distances = case.store.search(case.queries, k)
    expected = brute_force(case.store.metric, case.queries, case.codes)
    n_found = min(k, len(case.keys))
    assert keys.shape == distances.shape == (case.queries.shape[0], n_found)
    assert (keys.dtype, distances.dtype) == (np.int64, np.float32)
    assert (np.diff(distances, axis=1) >= 0).all()
    np.testing.assert_allclose(distances, np.sort(expected, axis=1)[:, :n_found], atol=TOLERANCE)
    position_of = {key: position for position, key in enumerate(case.keys.tolist())}
    positions = np.array([[position_of[key] for key in row] for row in keys.tolist()])
    np.testing.assert_allclose(np.take_along_axis(expected, positions, 1), distances, atol=TOLERANCE)
    assert all(len(set(row)) == n_found for row in keys.tolist())


@pytest.mark.parametrize("k", [1, 10, N_ITEMS, N_ITEMS + 5, 1_000_000_000, 2**63 - 1])
def test_search_agrees_with_brute_force(case: Case, k: int) -> None:
    assert len(case.store) == N_ITEMS
    check_search(case, k)


@pytest.mark.parametrize(("metric", "first", "second"), PAIRS, ids="-".join)
def test_stores_of_a_metric_agree(metric: str, first: str, second: str) -> None:
    distances_by_key = []
    for case in (make_case(first, metric), make_case(second, metric)):
        keys, distances = case.store.search(case.queries, N_ITEMS)
        # Rounding may reorder ties, so compare the distance of each key.
        distances_by_key.append(np.take_along_axis(distances, np.argsort(keys, axis=1), 1))
    np.testing.assert_allclose(*distances_by_key, atol=TOLERANCE)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.4, 1.0])
def test_range_search_agrees_with_brute_force(case: Case, share: float) -> None:
    expected = brute_force(case.store.metric, case.queries, case.codes)
    max_distance = float(np.quantile(expected, share)) + 5e-3  # between two distances, so that rounding decides nothing
    if (np.abs(expected - max_distance) < 3e-3).any():
        max_distance += 4e-3
    keys, distances = case.store.range_search(case.queries, max_distance)
    for row in range(len(keys)):
        is_hit = keys[row] != NO_KEY
        assert set(keys[row, is_hit].tolist()) == set(case.keys[expected[row] <= max_distance].tolist())
        assert (np.diff(distances[row, is_hit]) >= 0).all()


def test_range_search_returns_the_nearest_up_to_its_limit(case: Case) -> None:
    expected = case.store.search(case.queries, 3)
    for found, nearest in zip(case.store.range_search(case.queries, np.inf, limit=3), expected, strict=True):
        np.testing.assert_array_equal(found, nearest)


@pytest.mark.parametrize("k", [1, 7, 50])
def test_ties_are_ordered_by_key(case: Case, k: int) -> None:
    store, keys, codes, queries = case
    if store.metric != "hamming":
        # Float distances are rounded, so that only equal codes tie exactly.
        store.remove(keys)
        codes = codes[[0] * N_ITEMS]
        store.add(keys, codes)
        queries = codes[:4]
    expected = brute_force(store.metric, queries, codes).round(4)
    found, _ = store.search(queries, k)
    for row in range(queries.shape[0]):
        np.testing.assert_array_equal(found[row], keys[np.lexsort((keys, expected[row]))][:k])


def test_stored_code_is_at_distance_0_from_itself(case: Case) -> None:
    _, distances = case.store.search(case.codes, 1)
    np.testing.assert_allclose(distances, 0, atol=TOLERANCE)
    for position in (0, 99, 250):
        keys, distances = case.store.search(case.codes[[position]], N_ITEMS)
        assert case.keys[position] in keys[0, distances[0] < 1e-5]


def test_removed_items_are_not_found(case: Case) -> None:
    store, keys, codes, queries = case
    is_removed, unused_key = np.arange(N_ITEMS) % 3 == 0, 10 * N_ITEMS
    store.remove(np.append(keys[is_removed], unused_key))
    assert len(store) == N_ITEMS - is_removed.sum()
    check_search(Case(store, keys[~is_removed], codes[~is_removed], queries), 20)
    store.add(keys[is_removed], codes[is_removed])
    check_search(case, 20)


def test_empty_store_finds_nothing(case: Case) -> None:
    case.store.remove(case.keys)
    assert len(case.store) == 0
    assert case.store.keys().shape == (0,)
    for found in case.store.search(case.queries, 3):
        assert found.shape == (N_QUERIES, 0)
    assert case.store.range_search(case.queries, 1.0)[0].shape == (N_QUERIES, 0)


def test_codes_are_returned_by_key(case: Case) -> None:
    assert sorted(case.store.keys().tolist()) == sorted(case.keys.tolist())
    positions = [5, 299, 0]
    copy = type(case.store)(case.store.metric, WIDTH)
    copy.add(case.keys[positions], case.store.codes(case.keys[positions]))
    check_search(Case(copy, case.keys[positions], case.codes[positions], case.queries), 2)
    assert case.store.codes(case.keys[:0]).shape == (0, WIDTH)


def test_neighbors_of_stored_items_exclude_themselves(case: Case) -> None:
    expected = brute_force(case.store.metric, case.codes, case.codes)
    np.fill_diagonal(expected, np.inf)
    keys, distances = (np.concatenate(parts) for parts in zip(*case.store.neighbors_of(case.keys, 5), strict=True))
    assert not (keys == case.keys[:, None]).any()
    np.testing.assert_allclose(distances, np.sort(expected, axis=1)[:, :5], atol=1e-4)


def test_huge_limits_are_bounded_by_the_number_of_items(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = 2**63 - 1
    expected = case.store.search(case.queries, N_ITEMS)
    monkeypatch.setattr("aesearch.stores.base.MAX_RESULTS_PER_SEARCH", 7 * N_ITEMS)
    for found, once in zip(case.store.range_search(case.queries, np.inf, limit=huge), expected, strict=True):
        assert found.shape == once.shape
    neighbors = [found for found, _ in case.store.neighbors_of(case.keys, huge)]
    assert np.concatenate(neighbors).shape == (N_ITEMS, N_ITEMS - 1)
    assert max(map(len, neighbors)) < 10  # memory is bounded for any k


def test_codes_that_are_not_finite_are_refused(case: Case) -> None:
    store, keys, codes, _ = case
    if store.metric == "hamming":
        return
    for value in (np.nan, np.inf, 1e20):
        bad = codes.copy()
        bad[7, 0] = value
        with pytest.raises(InvalidParameter, match="1 of 300 codes: not finite"):
            store.add(keys + 10 * N_ITEMS, bad)
        with pytest.raises(InvalidParameter, match="not finite"):
            store.search(bad[[7]], 1)
    check_search(case, 5)


def test_neighbors_of_copies_exclude_themselves(case: Case) -> None:
    case.store.remove(case.keys)
    keys = np.arange(20)
    case.store.add(keys, case.codes[[0] * 20])
    found, _ = next(case.store.neighbors_of(keys, 3))
    assert found.shape == (20, 3)
    assert not (found == keys[:, None]).any()


def test_loaded_store_finds_the_same(case: Case, tmp_path: Path) -> None:
    case.store.save(tmp_path / "store")
    loaded = type(case.store).load(tmp_path / "store", case.store.metric, WIDTH)
    assert len(loaded) == len(case.store)
    assert loaded.bytes_per_item == case.store.bytes_per_item > 0
    for found, expected in zip(loaded.search(case.queries, 10), case.store.search(case.queries, 10), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_loaded_store_can_be_changed(case: Case, tmp_path: Path) -> None:
    case.store.remove(case.keys[:50])
    case.store.save(tmp_path)
    loaded = type(case.store).load(tmp_path, case.store.metric, WIDTH)
    loaded.add(case.keys[:50], case.codes[:50])
    check_search(case._replace(store=loaded), 20)


def test_codes_that_do_not_fit_are_refused(case: Case) -> None:
    store, keys, codes, queries = case
    with pytest.raises(ShapeMismatch, match=r"expected \[N, 6\], got \[300, 3\]"):
        store.add(keys, codes[:, :3])
    with pytest.raises(ShapeMismatch, match="expected 5, one for each key, got 4"):
        store.add(keys[:5], codes[:4])
    with pytest.raises(ShapeMismatch, match=r"expected \[N, 6\], got \[30, 3\]"):
        store.search(queries[:, :3], 1)


def test_wrong_parameters_are_refused(case: Case) -> None:
    for k in (0, -1):
        with pytest.raises(InvalidParameter, match=f"k is {k}"):
            case.store.search(case.queries, k)
    with pytest.raises(InvalidParameter, match="the limit is 0"):
        case.store.range_search(case.queries, 1.0, limit=0)
    with pytest.raises(InvalidParameter, match="not a number"):
        case.store.range_search(case.queries, np.nan)
    with pytest.raises(InvalidParameter, match='does not support metric "manhattan"'):
        type(case.store)("manhattan", WIDTH)  # type: ignore[arg-type]


def test_missing_or_damaged_file_is_corrupt(case: Case, tmp_path: Path) -> None:
    case.store.save(tmp_path)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    for damaged in (b"", content[: len(content) // 2], b"\0" * len(content)):
        path.write_bytes(damaged)
        with pytest.raises(CorruptIndex, match=path.name):
            type(case.store).load(tmp_path, case.store.metric, WIDTH)
    path.unlink()
    with pytest.raises(CorruptIndex, match=f"{path.name} is missing"):
        type(case.store).load(tmp_path, case.store.metric, WIDTH)


@pytest.mark.parametrize(("name", "metric"), CASES, ids="-".join)
def test_default_store_supports_the_codes(name: str, metric: str) -> None:
    sparse = STORES[name].load().is_sparse
    store = create_store(None, metric, WIDTH, is_sparse=sparse)
    assert (store.metric, store.width, store.is_sparse) == (metric, WIDTH, sparse)
    with pytest.raises(InvalidParameter, match=f'store "{name}" does not hold'):
        create_store(name, metric, WIDTH, is_sparse=not sparse)
