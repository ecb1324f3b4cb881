"""Views keep what an item is: its words between them, its size and type, and a picture that is still the same one."""

from typing import Any

import numpy as np

from aesearch.augmentation import two_views, view


def test_every_word_of_a_document_is_in_one_of_its_halves(bags: Any) -> None:
    first, second = two_views(bags, np.random.default_rng(0))
    np.testing.assert_allclose((first + second).toarray(), bags.toarray())
    assert not (first.multiply(second)).sum()
    assert 0.4 < first.nnz / bags.nnz < 0.6


def test_a_picture_keeps_its_size_and_type_and_is_never_seen_twice_alike(digits: np.ndarray) -> None:
    for X in (digits, digits.astype(np.float32) / 255):
        first, second = two_views(X, np.random.default_rng(0))
        assert first.shape == second.shape == X.shape
        assert first.dtype == X.dtype
        assert (first != second).reshape(len(X), -1).any(1).mean() > 0.99
        assert first.max() <= X.max()


def test_the_same_draw_gives_the_same_view(digits: np.ndarray) -> None:
    once, again = (view(digits, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_a_view_is_more_like_its_own_picture_than_like_others(digits: np.ndarray) -> None:
    flat = digits.reshape(len(digits), -1).astype(float)
    seen = view(digits, np.random.default_rng(1)).reshape(len(digits), -1).astype(float)
    correlations = np.corrcoef(seen, flat)[: len(seen), len(seen) :]
    assert np.median((correlations > np.diag(correlations)[:, None]).sum(1)) < 0.05 * len(digits)


def test_a_mirrored_picture_is_seen_only_where_it_is_allowed() -> None:
    ramp = np.tile(np.arange(16, dtype=np.uint8) * 15, (200, 1, 16, 1))
    rising = lambda X: (X[:, 0, 8, -1] > X[:, 0, 8, 0]).mean()  # noqa: E731
    assert rising(view(ramp, np.random.default_rng(0))) == 1
    assert 0.3 < rising(view(ramp, np.random.default_rng(0), mirror=True)) < 0.7


def test_colored_pictures_of_any_proportions_have_views() -> None:
    X = np.random.default_rng(0).integers(0, 256, (3, 3, 5, 9), np.uint8)
    assert view(X, np.random.default_rng(0), mirror=True).shape == X.shape
    assert view(X[:0], np.random.default_rng(0)).shape == (0, 3, 5, 9)
