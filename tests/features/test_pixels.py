"""Pixels have one small size, which depends on the images."""

import numpy as np
import pytest
from PIL import Image

from aesearch.errors import InvalidParameter, NoItems
from aesearch.features.pixels import Pixels
from aesearch.items import Item

GRAY_LEVEL = 7


def item(width: int, height: int, mode: str = "RGB") -> Item:
    return Item("x", Image.fromarray(np.full((height, width, 3), GRAY_LEVEL, np.uint8)).convert(mode))


def test_small_images_of_one_size_keep_their_pixels(digits: np.ndarray) -> None:
    items = [Item(str(number), Image.fromarray(row[0])) for number, row in enumerate(digits[:20])]
    pixels = Pixels().fit(items)
    assert pixels.shape == (1, 8, 8)
    np.testing.assert_array_equal(pixels.transform(items), digits[:20])


def test_images_of_different_sizes_are_resized() -> None:
    items = [item(300, 200), item(100, 400)]
    pixels = Pixels().fit(items)
    assert pixels.transform(items).shape == (2, 3, 32, 32)
    assert (pixels.transform(items) == GRAY_LEVEL).all()


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((64, 64), (3, 64, 64)),
        ((20, 10), (3, 10, 20)),
        ((2, 2), (3, 2, 2)),
        ((65, 64), (3, 32, 32)),
        ((640, 480), (3, 32, 32)),
        ((30, 1), (3, 32, 32)),
    ],
)
def test_images_of_one_size_are_resized_if_large_or_flat(size: tuple[int, int], shape: tuple[int, int, int]) -> None:
    assert Pixels().fit([item(*size)] * 3).shape == shape


def test_one_color_image_makes_all_rows_rgb() -> None:
    assert Pixels().fit([item(10, 10, "L")] * 3).shape == (1, 10, 10)
    assert Pixels().fit([item(10, 10, "L"), item(10, 10)]).shape == (3, 10, 10)


def test_size_and_channels_can_be_set() -> None:
    assert Pixels(16, 1).fit([item(300, 200)]).transform([item(300, 200)]).shape == (1, 1, 16, 16)


def test_image_size_is_width_and_height() -> None:
    assert Pixels().fit([item(20, 10)]).image_size == (20, 10)


def test_fit_reads_only_the_sample() -> None:
    items = iter([item(10, 10)] * 65)
    Pixels().fit(items)
    assert len(list(items)) == 1


@pytest.mark.parametrize("size", [None, 5])
def test_arrays_equal_pillow_images(digits: np.ndarray, size: int | None) -> None:
    pillow_items = [Item(str(number), Image.fromarray(row[0])) for number, row in enumerate(digits[:20])]
    array_items = [Item(str(number), row[0]) for number, row in enumerate(digits[:20])]
    pixels = Pixels(size).fit(array_items)
    assert pixels.shape == Pixels(size).fit(pillow_items).shape
    np.testing.assert_array_equal(pixels.transform(array_items), pixels.transform(pillow_items))


def test_array_of_other_shape_or_dtype_is_refused(digits: np.ndarray) -> None:
    pixels = Pixels().fit([Item("a", digits[0, 0])])
    with pytest.raises(InvalidParameter, match=r"\[3, 8, 8\] of float64"):
        pixels.transform([Item("x", np.zeros((3, 8, 8)))])


def test_inverse_transform_returns_the_images(digits: np.ndarray) -> None:
    pixels = Pixels().fit([Item("a", Image.fromarray(digits[0, 0]))])
    for rows in (digits[:1], digits[:1].astype(np.float32) / 255):
        (image,) = pixels.inverse_transform(rows)
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), digits[0, 0])
    color = Pixels(4, 3).fit([item(9, 9)])
    assert color.inverse_transform(color.transform([item(9, 9)]))[0].mode == "RGB"


def test_inverse_transform_clips_floats() -> None:
    pixels = Pixels(2, 1).fit([item(9, 9)])
    (image,) = pixels.inverse_transform(np.array([[[[-1.0, 0], [1, 2]]]]))
    assert np.asarray(image).tolist() == [[0, 0], [255, 255]]


@pytest.mark.parametrize("params", [{"size": 1}, {"size": 1000}, {"channels": 2}], ids=str)
def test_invalid_parameter_is_refused(params: dict[str, int]) -> None:
    with pytest.raises(InvalidParameter, match="choose"):
        Pixels(**params)


def test_fit_without_items_is_refused() -> None:
    with pytest.raises(NoItems, match="no images"):
        Pixels().fit([])
