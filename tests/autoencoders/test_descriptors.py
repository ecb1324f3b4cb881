"""Descriptions mean what they say: gradients shape and not lightness, colors color not place; any picture has them."""

import numpy as np
import pytest
import torch

from aesearch.autoencoders.descriptors import (
    CANDIDATES,
    ColorHistogram,
    Descriptors,
    Gradients,
    Thumbnail,
    select_descriptors,
    tents,
)
from aesearch.errors import InvalidParameter, UnknownName


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.cosine_similarity(a.flatten(), b.flatten(), dim=0))


def test_gradients_tell_edges_by_their_direction_and_not_by_their_contrast() -> None:
    ramp = torch.linspace(0.1, 0.9, 32)
    across, down = ramp.expand(1, 1, 32, 32), ramp[:, None].expand(1, 1, 32, 32)
    gradients = Gradients((1, 32, 32))
    assert cosine(gradients(across), gradients(0.1 + 0.5 * (across - 0.1))) > 0.95
    assert cosine(gradients(across), gradients(down)) < 0.1
    assert cosine(gradients(across), gradients(across.flip(3))) < 0.1
    assert torch.equal(gradients(torch.full((1, 1, 32, 32), 0.5)).round(decimals=3), gradients(torch.zeros(1, 1, 32, 32)))


def test_colors_tell_hues_and_stay_when_the_picture_is_mirrored() -> None:
    red, blue = torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16)
    red[:, 0, :, :8] = 1
    blue[:, 2, :, :8] = 1
    colors = ColorHistogram((3, 16, 16))
    assert cosine(colors(red), colors(blue)) < cosine(colors(red), colors(0.9 * red))
    quarters = colors(red).view(100, 4).sum(1), colors(red.flip(3)).view(100, 4).sum(1)
    assert torch.allclose(*quarters, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (1, 28, 28), (3, 5, 40), (1, 2, 2)])
def test_pictures_of_every_shape_are_described(shape: tuple[int, int, int]) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (30, *shape), np.uint8)
    for weights in CANDIDATES:
        if shape[0] == 1 and "colors" in weights:
            continue
        describe = Descriptors(shape, weights)
        describe.fit(describe.raw(pictures))
        rows = describe.of(pictures)
        assert rows.shape == (30, describe.size)
        assert np.isfinite(rows).all()
        np.testing.assert_allclose(rows.mean(0), 0, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (1, 28, 28), (3, 5, 40), (3, 33, 21)])
def test_a_mirrored_picture_s_description_is_the_picture_s_own_in_other_places(shape: tuple[int, int, int]) -> None:
    x = torch.rand(5, *shape, generator=torch.Generator().manual_seed(0))
    for kind in (Gradients, Thumbnail, *([ColorHistogram] if shape[0] == 3 else [])):
        describe = kind(shape)
        turned = describe(x)[:, describe.get_buffer("mirrored")]
        torch.testing.assert_close(turned, describe(x.flip(3)), atol=1e-4, rtol=1e-3)
        assert not torch.allclose(turned, describe(x), atol=1e-2)


def test_a_description_counts_by_its_weight() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (50, 3, 16, 16), np.uint8)
    describe = Descriptors((3, 16, 16), {"gradients": 1.0, "colors": 0.5})
    describe.fit(describe.raw(pictures))
    rows = describe.of(pictures)
    half = describe.gradients_components.shape[1]
    sizes = [np.sqrt((part**2).mean()) for part in (rows[:, :half], rows[:, half:])]
    np.testing.assert_allclose(sizes, [1.0, 0.5], rtol=1e-3)


def test_digits_are_not_to_be_mirrored(digits: np.ndarray) -> None:
    assert not select_descriptors(digits[60:], digits[:60], None, np.random.default_rng(0))[1]
    both_ways = np.concatenate([digits, digits[..., ::-1]])[np.random.default_rng(0).permutation(2 * len(digits))]
    assert select_descriptors(both_ways[60:], both_ways[:60], None, np.random.default_rng(0))[1]


def test_a_collection_that_differs_by_color_alone_is_described_by_color() -> None:
    draw = np.random.default_rng(0)
    hues = draw.choice([40, 140, 240], (300, 3, 1, 1))
    pictures = np.clip(hues + draw.normal(0, 12, (300, 3, 32, 32)), 0, 255).astype(np.uint8)
    assert "colors" in select_descriptors(pictures[50:], pictures[:50], None, draw)[0].weights


def test_descriptions_that_there_are_not_are_refused(digits: np.ndarray) -> None:
    with pytest.raises(UnknownName, match='did you mean "gradients"'):
        Descriptors((1, 8, 8), {"gradient": 1.0})
    with pytest.raises(InvalidParameter, match="suit all"):
        Descriptors((1, 8, 8), {"colors": 1.0})


def test_tents_average() -> None:
    for size, cells in ((32, 8), (28, 7), (5, 2), (2, 2), (3, 3)):
        weights = tents(size, cells)
        assert weights.shape == (cells, size)
        torch.testing.assert_close(weights.sum(1), torch.ones(cells))
