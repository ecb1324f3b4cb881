"""Descriptors: what each one responds to, its mirror image, and the selection for a collection."""

from typing import Any

import numpy as np
import pytest
import torch

from aesearch.autoencoders.descriptor_selection import fit_candidates, list_candidates, select_descriptors
from aesearch.autoencoders.descriptors import Descriptors
from aesearch.autoencoders.raw_descriptors import ColorHistogram, Gradients, Thumbnail, build_pooling_weights
from aesearch.errors import InvalidParameter, UnknownName
from aesearch.scoring import HeldOutItems

IMAGE_SHAPES = [(1, 8, 8), (3, 32, 32), (1, 28, 28), (3, 5, 40), (3, 33, 21)]


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.cosine_similarity(a.flatten(), b.flatten(), dim=0))


def random_images(n_items: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n_items, *shape), np.uint8)


def test_gradients_depend_on_direction_and_not_on_contrast() -> None:
    ramp = torch.linspace(0.1, 0.9, 32)
    horizontal, vertical = ramp.expand(1, 1, 32, 32), ramp[:, None].expand(1, 1, 32, 32)
    gradients = Gradients((1, 32, 32))
    assert cosine(gradients(horizontal), gradients(0.1 + 0.5 * (horizontal - 0.1))) > 0.95
    assert cosine(gradients(horizontal), gradients(vertical)) < 0.1
    assert cosine(gradients(horizontal), gradients(horizontal.flip(3))) < 0.1


def test_gradients_of_uniform_images_ignore_brightness() -> None:
    gradients = Gradients((1, 32, 32))
    gray, black = (gradients(torch.full((1, 1, 32, 32), value)) for value in (0.5, 0.0))
    torch.testing.assert_close(gray, black, atol=1e-3, rtol=0)


def test_color_histogram_depends_on_hue_and_not_on_side() -> None:
    red, blue = torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16)
    red[:, 0, :, :8] = 1
    blue[:, 2, :, :8] = 1
    colors = ColorHistogram((3, 16, 16))
    assert cosine(colors(red), colors(blue)) < cosine(colors(red), colors(0.9 * red))
    totals = (colors(image).view(100, 4).sum(1) for image in (red, red.flip(3)))
    torch.testing.assert_close(*totals, atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", [*IMAGE_SHAPES, (1, 2, 2)])
def test_descriptors_of_any_image_shape_are_centered(shape: tuple[int, int, int]) -> None:
    images = random_images(30, shape)
    candidates = list_candidates(shape)
    combined = fit_candidates(shape, candidates, images, np.random.default_rng(0))
    described = combined.transform(images)
    for weights in candidates:
        descriptors = combined.reweight(weights)
        rows = descriptors.transform(images)
        assert rows.shape == (30, descriptors.width)
        assert np.isfinite(rows).all()
        np.testing.assert_allclose(rows.mean(0), 0, atol=1e-3)
        np.testing.assert_allclose(combined.reweight_rows(described, weights), rows, atol=1e-4)


@pytest.mark.parametrize("shape", IMAGE_SHAPES)
def test_mirrored_descriptors_are_a_permutation(shape: tuple[int, int, int]) -> None:
    x = torch.rand(5, *shape, generator=torch.Generator().manual_seed(0))
    for descriptor_class in (Gradients, Thumbnail, *([ColorHistogram] if shape[0] == 3 else [])):
        extract = descriptor_class(shape)
        mirrored = extract(x)[:, extract.get_buffer("mirrored_order")]
        torch.testing.assert_close(mirrored, extract(x.flip(3)), atol=1e-4, rtol=1e-3)
        assert not torch.allclose(mirrored, extract(x), atol=1e-2)


def test_forward_with_mirrored_equals_forward_of_both() -> None:
    images = random_images(30, (3, 16, 16))
    weights = {"gradients": 1.0, "colors": 0.5, "visual-words": 0.5}
    descriptors = Descriptors((3, 16, 16), weights).fit_rows(images, np.random.default_rng(0))
    x = torch.from_numpy(images[:5] / np.float32(255))
    described, mirrored = descriptors.forward_with_mirrored(x)
    torch.testing.assert_close(described, descriptors(x))
    torch.testing.assert_close(mirrored, descriptors(x.flip(3)), atol=1e-3, rtol=1e-3)


def test_reweighted_descriptors_equal_those_fitted_with_the_weights() -> None:
    images = random_images(50, (3, 16, 16))
    weights = {"visual-words": 0.25, "colors": 2.0}
    combined = Descriptors((3, 16, 16), {"gradients": 1.0, "colors": 0.5, "visual-words": 1.0})
    combined.fit_rows(images, np.random.default_rng(0))
    fitted = Descriptors((3, 16, 16), weights).fit_rows(images, np.random.default_rng(0))
    np.testing.assert_allclose(combined.reweight(weights).transform(images), fitted.transform(images), atol=1e-4)


def test_candidates_of_gray_images_do_not_include_colors() -> None:
    for candidate in list_candidates((1, 28, 28)):
        assert "colors" not in candidate
        assert candidate.get("visual-words", 0) <= candidate.get("gradients", 0)
    assert any("colors" in candidate for candidate in list_candidates((3, 32, 32)))


def test_weights_scale_the_descriptors() -> None:
    images = random_images(50, (3, 16, 16))
    descriptors = Descriptors((3, 16, 16), {"gradients": 1.0, "colors": 0.5})
    descriptors.fit(descriptors.extract(images))
    rows = descriptors.transform(images)
    n_gradients = descriptors.widths["gradients"]
    sizes = [np.sqrt((part**2).mean()) for part in (rows[:, :n_gradients], rows[:, n_gradients:])]
    np.testing.assert_allclose(sizes, [1.0, 0.5], rtol=1e-3)


def test_vectors_are_compared_without_their_length(vectors: np.ndarray) -> None:
    descriptors = Descriptors((40,), {"numbers": 1.0})
    descriptors.fit(descriptors.extract(vectors))
    np.testing.assert_allclose(descriptors.transform(5 * vectors), descriptors.transform(vectors), atol=1e-3)


def test_digits_are_not_mirror_invariant(digits: np.ndarray) -> None:
    rng, weights = np.random.default_rng(0), {"gradients": 1.0}
    assert not select_descriptors(digits[60:], HeldOutItems(digits[:60]), weights, rng)[1]
    both = np.concatenate([digits, digits[..., ::-1]])[rng.permutation(2 * len(digits))]
    assert select_descriptors(both[60:], HeldOutItems(both[:60]), weights, rng)[1]


def test_colors_are_selected_if_only_colors_differ() -> None:
    rng = np.random.default_rng(0)
    hues = rng.choice([40, 140, 240], (300, 3, 1, 1))
    texture = rng.normal(0, 40, (300, 1, 8, 8)).repeat(4, axis=2).repeat(4, axis=3)
    images = np.clip(hues + texture, 0, 255).astype(np.uint8)
    assert "colors" in select_descriptors(images[50:], HeldOutItems(images[:50]), None, rng)[0].weights


def test_given_weights_are_used(digits: np.ndarray) -> None:
    weights = {"pixels": 1.0, "gradients": 0.2}
    selected, _ = select_descriptors(digits[60:], HeldOutItems(digits[:60]), weights, np.random.default_rng(0))
    assert selected.weights == weights


def test_unknown_descriptor_is_refused() -> None:
    with pytest.raises(UnknownName, match='did you mean "gradients"'):
        Descriptors((1, 8, 8), {"gradient": 1.0})


@pytest.mark.parametrize("weights", [{"colors": 1.0}, {}])
def test_unsuitable_descriptors_are_refused(weights: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter, match='"gradients"'):
        Descriptors((1, 8, 8), weights)


@pytest.mark.parametrize(("size", "n_cells"), [(32, 8), (28, 7), (5, 2), (2, 2), (3, 3)])
def test_pooling_weights_average(size: int, n_cells: int) -> None:
    weights = build_pooling_weights(size, n_cells)
    assert weights.shape == (n_cells, size)
    torch.testing.assert_close(weights.sum(1), torch.ones(n_cells))
