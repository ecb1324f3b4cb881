"""Visual words: the dictionary, what counts, mirror images, and small collections."""

from pathlib import Path

import numpy as np
import pytest
import torch

from aesearch.autoencoders.neighbors import NeighborAutoencoder
from aesearch.autoencoders.visual_words import N_WORDS, VisualWords, cluster_directions
from aesearch.coders.loading import load_coder

SHAPES = [(1, 28, 28), (3, 32, 32), (3, 48, 33), (3, 16, 40)]


def draw_images(n_items: int, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n_items, *shape), np.uint8)


def draw_stripes(n_items: int, *, horizontal: bool, seed: int) -> np.ndarray:
    """Return gray images [n_items, 1, 32, 32] of stripes at random positions, with noise."""
    rng = np.random.default_rng(seed)
    waves = np.sin(np.arange(32) + rng.uniform(0, 6, (n_items, 1, 1, 1))) + rng.normal(0, 0.3, (n_items, 1, 32, 32))
    images = (128 + 40 * waves).clip(0, 255).astype(np.uint8)
    return images.swapaxes(2, 3) if horizontal else images


def extract(words: VisualWords, images: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return words(torch.from_numpy(images / np.float32(255))).numpy()


@pytest.mark.parametrize("shape", SHAPES)
def test_words_of_mirror_image_are_a_permutation(shape: tuple[int, int, int]) -> None:
    images = draw_images(10, shape)
    words = VisualWords(shape)
    words.fit(images)
    described = extract(words, images)
    assert np.isfinite(described).all()
    mirrored = described[:, words.mirrored_order.numpy()]
    # A rounding error may replace the last of the nearest words of a patch.
    assert (np.abs(mirrored - extract(words, images[..., ::-1].copy())) < 1e-3).mean() > 0.99
    assert np.abs(mirrored - described).max() > 0.05


def test_words_are_unit_vectors_and_half_are_mirror_images() -> None:
    words = VisualWords((3, 32, 32))
    words.fit(draw_images(60, (3, 32, 32)))
    lengths = words.words.norm(dim=0)
    np.testing.assert_allclose(lengths[lengths > 0], 1, atol=1e-5)
    first, second = words.words.split(N_WORDS // 2, dim=1)
    np.testing.assert_allclose(first.abs(), second.abs(), atol=1e-6)
    assert not torch.allclose(first, second)


def test_words_tell_patterns_apart_at_any_position_and_contrast() -> None:
    vertical, horizontal = (draw_stripes(40, horizontal=value, seed=0) for value in (False, True))
    words = VisualWords((1, 32, 32))
    words.fit(np.concatenate([vertical, horizontal]))
    rows = extract(words, np.concatenate([vertical, horizontal]))
    faint = 100 + draw_stripes(20, horizontal=False, seed=1) // 4
    rows, queries = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in (rows, extract(words, faint)))
    assert ((queries @ rows.T).argmax(1) < 40).all()


@pytest.mark.parametrize("shape", [(1, 2, 2), (3, 5, 40), (1, 1, 3), (3, 300, 200)])
def test_images_of_any_size_have_words(shape: tuple[int, int, int]) -> None:
    images = draw_images(5, shape)
    words = VisualWords(shape)
    words.fit(images)
    described = extract(words, images)
    assert described.shape == (5, 4 * N_WORDS)
    assert np.isfinite(described).all()
    assert (described.max(1) > 0).all()


@pytest.mark.parametrize("brightness", [0, 128, 255])
def test_words_of_uniform_images_are_finite(brightness: int) -> None:
    images = np.full((3, 3, 32, 32), brightness, np.uint8)
    words = VisualWords((3, 32, 32))
    words.fit(images)
    assert np.isfinite(extract(words, images)).all()


def test_dictionary_depends_on_seed_alone() -> None:
    images = draw_images(20, (1, 28, 28))
    dictionaries = []
    for seed in (0, 0, 1):
        words = VisualWords((1, 28, 28))
        words.fit(images, seed)
        dictionaries.append(words.words)
    assert torch.equal(dictionaries[0], dictionaries[1])
    assert not torch.equal(dictionaries[0], dictionaries[2])


def test_small_collections_have_fewer_words() -> None:
    words = VisualWords((1, 28, 28))
    words.fit(draw_images(1, (1, 28, 28)))
    assert 2 <= int((words.words.norm(dim=0) > 0).sum()) < 60
    assert extract(words, draw_images(2, (1, 28, 28))).shape == (2, 4 * N_WORDS)


def test_clusters_include_mirror_images() -> None:
    generator = torch.Generator().manual_seed(0)
    signs = torch.tensor([1.0, 1.0, -1.0, -1.0])
    centers = torch.nn.functional.normalize(torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]]), dim=1)
    vectors = centers[torch.arange(400) % 2] + 0.1 * torch.randn(400, 4, generator=generator)
    vectors[::3] *= signs
    found = cluster_directions(torch.nn.functional.normalize(vectors, dim=1), signs, 2, generator)
    similarities = torch.maximum(found @ centers.T, (found * signs) @ centers.T)
    assert similarities.max(1).values.min() > 0.98


@pytest.mark.slow
def test_saved_coder_equals_coder_with_visual_words(tmp_path: Path) -> None:
    images = draw_images(60, (3, 32, 32))
    weights = {"visual-words": 1.0, "gradients": 0.5}
    coder = NeighborAutoencoder(8, rounds=1, steps_per_round=5, descriptors=weights, device="cpu").fit(images)
    coder.save(tmp_path)
    for encoder_only in (True, False):
        loaded = load_coder(tmp_path, encoder_only=encoder_only)
        np.testing.assert_allclose(loaded.encode(images), coder.encode(images), atol=1e-3)
        np.testing.assert_allclose(loaded.rerank_features(images), coder.rerank_features(images), atol=1e-3)
