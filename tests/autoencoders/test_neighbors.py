"""The neighbor autoencoder: better neighbors than plain autoencoders and baselines, chosen without labels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image

from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.batches import RowBatches
from aesearch.autoencoders.neighbor_targets import (
    TEMPERATURE,
    NeighborData,
    TargetBatches,
    compute_lsa_codes,
    compute_target_weights,
)
from aesearch.autoencoders.neighbor_training import limit_steps, shuffle_batches
from aesearch.autoencoders.neighbors import NeighborAutoencoder
from aesearch.coders.base import Coder, Epoch
from aesearch.coders.linear import LSA, PCA
from aesearch.coders.loading import load_coder
from aesearch.errors import InvalidParameter, UnknownName
from aesearch.features.bag_of_words import BagOfWords
from aesearch.items import Item
from aesearch.scoring import hold_out_positions

CPU = torch.device("cpu")


def precision(coder: Coder, X: Any, labels: np.ndarray, n_queries: int, k: int = 10) -> float:
    """Query with the first rows; return the share of their k nearest among the other rows that have the query's label."""
    codes = np.asarray(coder.encode(X))
    codes = codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1e-12)
    neighbors = np.argsort(-codes[:n_queries] @ codes[n_queries:].T, axis=1)[:, :k]
    return float((labels[n_queries:][neighbors] == labels[:n_queries, None]).mean())


@pytest.mark.slow
def test_image_neighbors_are_better_than_those_of_other_coders(digits: np.ndarray, digit_labels: np.ndarray) -> None:
    neighbors, pca, dense = (
        precision(coder.fit(digits[100:]), digits, digit_labels, 100)
        for coder in (NeighborAutoencoder(16), PCA(16, whiten=True), Autoencoder(16))
    )
    assert neighbors > max(pca, dense) + 0.02


@pytest.mark.slow
def test_document_neighbors_are_better_than_those_of_lsa(documents: list[Item]) -> None:
    shuffled = [documents[i] for i in np.random.default_rng(0).permutation(len(documents))]
    X, labels = BagOfWords().fit(shuffled).transform(shuffled), np.array([item.label for item in shuffled])
    n_queries = len(labels) // 5
    neighbors, lsa = (
        precision(coder.fit(X[n_queries:]), X, labels, n_queries) for coder in (NeighborAutoencoder(16), LSA(16))
    )
    assert neighbors > lsa


def test_best_round_is_kept_and_patience_stops(digits: np.ndarray) -> None:
    epochs: list[Epoch] = []
    params: dict[str, Any] = {"steps_per_round": 30, "patience": 2, "descriptors": {"gradients": 1.0}}
    coder = NeighborAutoencoder(8, rounds=30, first_steps=30, **params).fit(digits, epochs.append)
    best = int(np.argmax([epoch.score for epoch in epochs]))
    assert len(epochs) == best + 3 < 30
    shorter = NeighborAutoencoder(8, rounds=best + 1, first_steps=30, **params).fit(digits)
    np.testing.assert_array_equal(coder.encode(digits), shorter.encode(digits))


def test_exhausted_budget_stops_after_one_round(digits: np.ndarray) -> None:
    epochs: list[Epoch] = []
    coder = NeighborAutoencoder(8, budget=1e-6, first_steps=5, descriptors={"gradients": 1.0}).fit(digits, epochs.append)
    assert len(epochs) == 1
    assert "budget" in coder.training_warnings()[0]
    coder = NeighborAutoencoder(8, rounds=1, first_steps=5, descriptors={"gradients": 1.0}).fit(digits)
    assert not coder.training_warnings()


def test_small_collections_train_for_fewer_steps() -> None:
    assert limit_steps(1400, 10_000, 128) == 1400
    assert limit_steps(1400, 500, 128) == 781
    assert limit_steps(1400, 1, 128) == 1


@pytest.mark.parametrize("n_items", [1, 2, 3, 12])
def test_tiny_collections_can_be_trained_on(n_items: int, digits: np.ndarray) -> None:
    params: dict[str, Any] = {"rounds": 1, "first_steps": 3}
    assert NeighborAutoencoder(4, **params).fit(digits[:n_items]).encode(digits[:n_items]).shape == (n_items, 4)
    items = [Item(str(number), f"word{number} and word{number + 1} again") for number in range(n_items)]
    X = BagOfWords().fit(items).transform(items)
    assert np.isfinite(NeighborAutoencoder(2, **params).fit(X).encode(X)).all()


def assert_nearly_equal(actual: np.ndarray, expected: np.ndarray) -> None:
    """Check rows. In a few, rounding may have swapped two equally near visual words of a patch."""
    differences = np.abs(actual - expected).max(1)
    assert (differences > 1e-3).mean() <= 0.03
    assert differences.max() < 0.05 * np.abs(expected).max()


@pytest.mark.slow
def test_mirrored_photos_have_the_same_code(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    photos = [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    corners = [(photos[n % 2], *rng.integers(0, (360, 570))) for n in range(400)]
    X = np.stack([photo[top : top + 64 : 4, left : left + 64 : 4] for photo, top, left in corners]).transpose(0, 3, 1, 2)
    coder = NeighborAutoencoder(8, rounds=1, first_steps=30, device="cpu").fit(X)
    assert coder.is_mirror_invariant
    codes = coder.encode(X)
    assert_nearly_equal(coder.encode(X[..., ::-1]), codes)
    upside_down = coder.encode(X[:, :, ::-1])
    assert np.linalg.norm(upside_down - codes, axis=1).mean() > 0.1 * np.linalg.norm(codes, axis=1).mean()
    coder.save(tmp_path)
    for encoder_only in (True, False):
        loaded = load_coder(tmp_path, encoder_only=encoder_only)
        assert_nearly_equal(loaded.encode(X), codes)
        assert_nearly_equal(np.asarray(loaded.rerank_features(X)), np.asarray(coder.rerank_features(X)))


def test_targets_mix_items_with_their_neighbors() -> None:
    angles = np.array([0.0, 0.1, 0.25, 3.0, 3.1, 3.3])
    codes = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    weights = compute_target_weights(codes, np.arange(6), 2, 0.8)
    expected = np.zeros((6, 6))
    for cluster in ((0, 1, 2), (3, 4, 5)):
        for item in cluster:
            neighbors = [other for other in cluster if other != item]
            shares = np.exp((np.cos(angles[neighbors] - angles[item]) - 1) / TEMPERATURE)
            expected[item, neighbors] = 0.8 * shares / shares.sum()
            expected[item, item] = 0.2
    np.testing.assert_allclose(weights.toarray(), expected, atol=1e-6)
    contents = np.arange(12, dtype=np.float32).reshape(6, 2)
    inputs = [RowBatches(contents, CPU)]
    batch = TargetBatches(NeighborData(contents, inputs, codes, None), weights, CPU)[torch.tensor([4, 0])]
    assert len(batch) == 2
    np.testing.assert_allclose(batch.target, (expected @ contents)[[4, 0]], rtol=1e-5)
    np.testing.assert_array_equal(batch.x, contents[[4, 0]])


def test_neighbors_come_from_the_graph() -> None:
    codes = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
    weights = compute_target_weights(codes, np.arange(0, 50, 5), 3, 1.0).toarray()
    assert set(np.flatnonzero(weights.sum(0))) <= set(range(0, 50, 5))
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-6)
    assert not np.diag(weights).any()


def test_identical_items_are_neighbors_of_each_other() -> None:
    weights = compute_target_weights(np.ones((5, 3), np.float32), np.arange(5), 2, 0.8).toarray()
    np.testing.assert_allclose(np.diag(weights), 0.2, rtol=1e-6)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-6)


def test_lsa_codes_have_the_singular_values_of_the_rows(bags: Any) -> None:
    codes = compute_lsa_codes(bags, np.random.default_rng(0), 8)
    singular_values = np.linalg.svd(bags.toarray(), compute_uv=False)
    np.testing.assert_allclose(np.sort(np.linalg.norm(codes, axis=0))[::-1], singular_values[:8], rtol=1e-4)


def test_held_out_rows_are_a_tenth_and_keep_their_order() -> None:
    rows, held_out = hold_out_positions(300, np.random.default_rng(0))
    assert (len(rows), len(held_out)) == (270, 30)
    assert sorted([*rows, *held_out]) == list(range(300))
    assert (np.diff(rows) > 0).all()
    assert (np.diff(held_out) > 0).all()


def test_shuffled_batches_use_every_row_before_any_repeats() -> None:
    rows = torch.cat(list(shuffle_batches(10, 4, 6)))
    assert len(list(shuffle_batches(10, 4, 7))) == 7
    for start in (0, 10):
        assert sorted(rows[start : start + 10].tolist()) == list(range(10))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_neighbors": 0}, "n_neighbors is 0"),
        ({"neighbor_weight": 1.5}, "from 0 to 1"),
        ({"budget": 0.0}, "more than 0 seconds"),
        ({"rounds": 0}, "rounds is 0"),
        ({"steps_per_round": 0}, "steps_per_round is 0"),
        ({"patience": 0}, "patience is 0"),
        ({"layers": (10, 0)}, "at least 1 unit"),
        ({"noise": None, "code_size": 64}, "copy its input"),
    ],
)
def test_invalid_parameter_is_refused(params: dict[str, Any], message: str, digits: np.ndarray) -> None:
    with pytest.raises(InvalidParameter, match=message):
        NeighborAutoencoder(**params).fit(digits)


@pytest.mark.parametrize("param", ["epochs", "steps", "validation", "whiten", "share"])
def test_keyword_of_another_coder_is_refused(param: str) -> None:
    with pytest.raises(TypeError, match=param):
        NeighborAutoencoder(8, **{param: 1})


def test_unknown_descriptor_is_refused(digits: np.ndarray) -> None:
    with pytest.raises(UnknownName, match='did you mean "pixels"'):
        NeighborAutoencoder(8, descriptors={"pixel": 1.0}).fit(digits)
