"""Augmented views have the shape and type of the input, and are recognizable."""

from typing import Any

import numpy as np

from aesearch.augmentation import augment_images, two_views


def test_two_views_split_terms_of_documents(bags: Any) -> None:
    first, second = two_views(bags, np.random.default_rng(0))
    np.testing.assert_allclose((first + second).toarray(), bags.toarray())
    assert first.multiply(second).nnz == 0
    assert 0.4 < first.nnz / bags.nnz < 0.6


def test_two_views_split_vectors_and_fill_with_mean(vectors: np.ndarray) -> None:
    first, second = two_views(vectors, np.random.default_rng(0))
    mean = np.broadcast_to(vectors.mean(0), vectors.shape)
    in_first = first == vectors
    np.testing.assert_array_equal(np.where(in_first, first, second), vectors)
    np.testing.assert_allclose(np.where(in_first, second, first), mean, rtol=1e-4, atol=1e-4)
    assert 0.4 < in_first.mean() < 0.6


def test_two_views_of_images_differ_and_preserve_type(digits: np.ndarray) -> None:
    for X in (digits, digits.astype(np.float32) / 255):
        first, second = two_views(X, np.random.default_rng(0))
        assert first.shape == second.shape == X.shape
        assert first.dtype == second.dtype == X.dtype
        assert (first != second).reshape(len(X), -1).any(1).mean() > 0.99
        assert first.max() <= X.max()


def test_augmentation_is_reproducible(digits: np.ndarray) -> None:
    first, second = (augment_images(digits, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_augmented_image_resembles_its_original_most(digits: np.ndarray) -> None:
    originals = digits.reshape(len(digits), -1).astype(float)
    augmented = augment_images(digits, np.random.default_rng(1)).reshape(len(digits), -1).astype(float)
    correlations = np.corrcoef(augmented, originals)[: len(digits), len(digits) :]
    ranks = (correlations > np.diag(correlations)[:, None]).sum(1)
    assert np.median(ranks) < 0.05 * len(digits)


def test_images_are_mirrored_only_if_allowed() -> None:
    ramps = np.tile(np.arange(16, dtype=np.uint8) * 15, (200, 1, 16, 1))

    def rising_share(X: np.ndarray) -> float:
        return float((X[:, 0, 8, -1] > X[:, 0, 8, 0]).mean())

    assert rising_share(augment_images(ramps, np.random.default_rng(0))) == 1
    assert 0.3 < rising_share(augment_images(ramps, np.random.default_rng(0), mirror=True)) < 0.7


def test_augmentation_accepts_any_image_shape() -> None:
    X = np.random.default_rng(0).integers(0, 256, (3, 3, 5, 9), np.uint8)
    assert augment_images(X, np.random.default_rng(0), mirror=True).shape == X.shape
    assert augment_images(X[:0], np.random.default_rng(0)).shape == (0, 3, 5, 9)
