"""Pixels: one small size, settled by what the pictures are."""

import numpy as np
import pytest
from PIL import Image

from aesearch.errors import InvalidParameter
from aesearch.features.pixels import Pixels
from aesearch.items import Item


def item(width: int, height: int, mode: str = "RGB", shade: int = 7) -> Item:
    return Item("x", Image.fromarray(np.full((height, width, 3), shade, np.uint8)).convert(mode))


def test_small_pictures_of_one_size_keep_their_pixels(digits: np.ndarray) -> None:
    items = [Item(str(n), Image.fromarray(row[0])) for n, row in enumerate(digits[:20])]
    pixels = Pixels().fit(items)
    assert pixels.shape == (1, 8, 8)
    np.testing.assert_array_equal(pixels.transform(items), digits[:20])


def test_photos_of_many_sizes_are_brought_to_one() -> None:
    items = [item(300, 200), item(100, 400)]
    pixels = Pixels().fit(items)
    assert pixels.transform(items).shape == (2, 3, 32, 32)
    assert (pixels.transform(items) == 7).all()


def test_large_pictures_of_one_size_are_photos_too() -> None:
    assert Pixels().fit([item(640, 480)] * 3).shape == (3, 32, 32)


def test_gray_pictures_alone_are_gray_and_one_in_color_makes_all_so() -> None:
    assert Pixels().fit([item(10, 10, "L")] * 3).shape == (1, 10, 10)
    assert Pixels().fit([item(10, 10, "L"), item(10, 10)]).shape == (3, 10, 10)


def test_size_and_channels_can_be_set() -> None:
    assert Pixels(16, 1).fit([item(300, 200)]).transform([item(300, 200)]).shape == (1, 1, 16, 16)


def test_the_way_back_shows_the_picture(digits: np.ndarray) -> None:
    pixels = Pixels().fit([Item("a", Image.fromarray(digits[0, 0]))])
    for rows in (digits[:1], digits[:1].astype(np.float32) / 255):
        np.testing.assert_array_equal(np.asarray(pixels.inverse_transform(rows)[0]), digits[0, 0])
    color = Pixels(4, 3).fit([item(9, 9)])
    assert color.inverse_transform(color.transform([item(9, 9)]))[0].mode == "RGB"


@pytest.mark.parametrize("settings", [{"size": 1}, {"size": 1000}, {"channels": 2}])
def test_bad_settings_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(InvalidParameter, match="choose"):
        Pixels(**settings)


@pytest.mark.parametrize("size", [None, 5])
def test_a_picture_may_be_an_array_of_its_pixels(digits: np.ndarray, size: int | None) -> None:
    pillows = [Item(str(n), Image.fromarray(row[0])) for n, row in enumerate(digits[:20])]
    arrays = [Item(str(n), row[0]) for n, row in enumerate(digits[:20])]
    pixels = Pixels(size).fit(arrays)
    assert pixels.shape == Pixels(size).fit(pillows).shape
    np.testing.assert_array_equal(pixels.transform(arrays), pixels.transform(pillows))
    with pytest.raises(InvalidParameter, match=r"\[3, 8, 8\] of float64"):
        pixels.transform([Item("x", np.zeros((3, 8, 8)))])
