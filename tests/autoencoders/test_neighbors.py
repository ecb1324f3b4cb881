"""Reconstructing the neighbors finds better ones than reconstructing oneself, and knows without labels when to stop."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image

from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.batches import RowBatches
from aesearch.autoencoders.neighbor_targets import Material, Mixtures, latent, mixture, shuffles
from aesearch.autoencoders.neighbors import NeighborAutoencoder
from aesearch.coders.base import Coder, Epoch
from aesearch.coders.linear import LSA, PCA
from aesearch.coders.loading import load_coder
from aesearch.errors import InvalidParameter
from aesearch.features.bag_of_words import BagOfWords
from aesearch.items import Item


def precision(coder: Coder, X: Any, labels: np.ndarray, asked: int, k: int = 10) -> float:
    """Share of the k nearest of the rows after `asked` that bear the label of each row before it."""
    codes = coder.encode(X)
    codes = codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1e-12)
    near = np.argsort(-codes[:asked] @ codes[asked:].T, axis=1)[:, :k]
    return float((labels[asked:][near] == labels[:asked, None]).mean())


@pytest.fixture(scope="module")
def texts(documents: list[Item]) -> tuple[Any, np.ndarray]:
    shuffled = [documents[i] for i in np.random.default_rng(0).permutation(len(documents))]
    return BagOfWords().fit(shuffled).transform(shuffled), np.array([item.label for item in shuffled])


def test_pictures_find_more_of_their_kind_than_by_pca_or_a_plain_autoencoder(
    digits: np.ndarray, digit_labels: np.ndarray
) -> None:
    found = [
        precision(coder.fit(digits[100:]), digits, digit_labels, 100)
        for coder in (NeighborAutoencoder(16), PCA(16, whiten=True), Autoencoder(16))
    ]
    assert found[0] > max(found[1:]) + 0.02


def test_documents_find_more_of_their_kind_than_by_lsa(texts: tuple[Any, np.ndarray]) -> None:
    X, labels = texts
    asked = len(labels) // 5
    found = [precision(coder.fit(X[asked:]), X, labels, asked) for coder in (NeighborAutoencoder(16), LSA(16))]
    assert found[0] > found[1]


def test_the_round_that_agreed_best_is_kept_and_patience_ends_the_rest(digits: np.ndarray) -> None:
    epochs: list[Epoch] = []
    coder = NeighborAutoencoder(8, epochs=30, steps=30, patience=2).fit(digits, epochs.append)
    agreed = [epoch.agreement for epoch in epochs]
    best = int(np.argmax(agreed))
    assert len(epochs) == best + 3 < 30
    again = NeighborAutoencoder(8, epochs=best + 1, steps=30, patience=2).fit(digits)
    np.testing.assert_array_equal(coder.encode(digits), again.encode(digits))


def test_a_budget_ends_training_after_the_round_that_it_falls_in(digits: np.ndarray) -> None:
    epochs: list[Epoch] = []
    NeighborAutoencoder(8, budget=1e-6).fit(digits, epochs.append)
    assert len(epochs) == 1


def test_targets_are_the_item_and_its_nearest_in_their_shares() -> None:
    angles = np.array([0.0, 0.1, 0.25, 3.0, 3.1, 3.3])
    codes = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    weights = mixture(codes, np.arange(6), 2, 0.8).toarray()
    expected = np.zeros((6, 6))
    for group in ((0, 1, 2), (3, 4, 5)):
        for one in group:
            expected[one, list(group)] = 0.4
            expected[one, one] = 0.2
    np.testing.assert_allclose(weights, expected, atol=1e-6)
    own = np.arange(12, dtype=np.float32).reshape(6, 2)
    batches = [RowBatches(own, torch.device("cpu"))]
    pair = Mixtures(Material(own, batches, codes, batches), mixture(codes, np.arange(6), 2, 0.8), torch.device("cpu"))[
        torch.tensor([4, 0])
    ]
    np.testing.assert_allclose(pair.target, (expected @ own)[[4, 0]], rtol=1e-5)
    np.testing.assert_array_equal(pair.x, own[[4, 0]])


def test_neighbors_are_looked_for_in_the_graph_alone() -> None:
    codes = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
    weights = mixture(codes, np.arange(0, 50, 5), 3, 1.0).toarray()
    assert set(np.flatnonzero(weights.sum(0))) <= set(range(0, 50, 5))
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-6)
    assert not np.diag(weights).any()


def test_equal_items_are_each_others_neighbors() -> None:
    weights = mixture(np.ones((5, 3), np.float32), np.arange(5), 2, 0.8).toarray()
    np.testing.assert_allclose(np.diag(weights), 0.2, rtol=1e-6)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-6)


def test_latent_codes_span_what_lsa_spans(bags: Any) -> None:
    codes = latent(bags, np.random.default_rng(0), 8)
    full = np.linalg.svd(bags.toarray(), compute_uv=False)
    np.testing.assert_allclose(np.sort(np.linalg.norm(codes, axis=0))[::-1], full[:8], rtol=1e-4)


def test_every_row_comes_once_before_any_comes_again() -> None:
    order = torch.cat(list(shuffles(10, 4, 6)))
    assert len(list(shuffles(10, 4, 7))) == 7
    for start in (0, 10):
        assert sorted(order[start : start + 10].tolist()) == list(range(10))


@pytest.mark.parametrize("count", [1, 2, 3, 12])
def test_the_smallest_collections_are_learned(count: int, digits: np.ndarray) -> None:
    assert NeighborAutoencoder(4, epochs=1, steps=3).fit(digits[:count]).encode(digits[:count]).shape == (count, 4)
    items = [Item(str(number), f"word{number} and word{number + 1} again") for number in range(count)]
    X = BagOfWords().fit(items).transform(items)
    assert np.isfinite(NeighborAutoencoder(2, epochs=1, steps=3).fit(X).encode(X)).all()


@pytest.mark.parametrize("settings", [{"neighbors": 0}, {"share": 1.5}, {"budget": 0.0}])
def test_settings_outside_their_rule_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter, match="neighbors"):
        NeighborAutoencoder(8, **settings)


def test_where_pictures_may_be_mirrored_both_ways_have_one_code(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    photos = [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    corners = [(photos[n % 2], *draw.integers(0, (360, 570))) for n in range(400)]
    X = np.stack([photo[top : top + 64 : 4, left : left + 64 : 4] for photo, top, left in corners]).transpose(0, 3, 1, 2)
    coder = NeighborAutoencoder(8, epochs=1, steps=30, device="cpu").fit(X)
    assert coder.mirror
    codes = coder.encode(X)
    np.testing.assert_allclose(coder.encode(X[..., ::-1]), codes, atol=1e-3)
    assert np.linalg.norm(coder.encode(X[:, :, ::-1]) - codes, axis=1).mean() > 0.1 * np.linalg.norm(codes, axis=1).mean()
    coder.save(tmp_path)
    for light in (True, False):
        loaded = load_coder(tmp_path, encoder_only=light)
        np.testing.assert_allclose(loaded.encode(X), codes, atol=1e-3)
        np.testing.assert_allclose(loaded.rerank_features(X), coder.rerank_features(X), atol=1e-3)
