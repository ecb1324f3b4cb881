"""Operations on images: conversion from arrays, rotations and flips, resizing."""

import numpy as np
import pytest
from PIL import Image

from aesearch.errors import InvalidParameter
from aesearch.images import as_image, resize_image, rotations_and_flips

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 4, 3), np.uint8)


@pytest.mark.parametrize("pixels", [PIXELS, PIXELS[..., 0]], ids=["RGB", "gray"])
def test_as_image_keeps_the_pixels(pixels: np.ndarray) -> None:
    image = as_image(pixels)
    np.testing.assert_array_equal(np.asarray(image), pixels)
    assert as_image(image) is image


@pytest.mark.parametrize(
    "array", [PIXELS.astype(float), PIXELS[0, 0], PIXELS[..., :2], PIXELS[None]], ids=["float", "1-d", "2 channels", "4-d"]
)
def test_as_image_refuses_other_arrays(array: np.ndarray) -> None:
    with pytest.raises(InvalidParameter, match=r"pass \[H, W\] or \[H, W, 3\] uint8"):
        as_image(array)


def test_rotations_and_flips_are_eight_distinct_images() -> None:
    images = [np.asarray(image) for image in rotations_and_flips(Image.fromarray(PIXELS))]
    np.testing.assert_array_equal(images[0], PIXELS)
    expected = {np.rot90(pixels, turns).tobytes() for turns in range(4) for pixels in (PIXELS, PIXELS[:, ::-1])}
    assert {image.tobytes() for image in images} == expected
    assert len(expected) == 8


def test_resize_averages_when_shrinking() -> None:
    image = Image.fromarray(PIXELS)
    assert resize_image(image, (4, 6)) is image
    expected = PIXELS.reshape(3, 2, 2, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(np.asarray(resize_image(image, (2, 3))), expected, atol=1)
    assert resize_image(image, (40, 3)).size == (40, 3)
