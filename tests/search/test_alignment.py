"""Alignment: edited copies correlate, different objects on one background do not."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from aesearch.search.alignment import COPY_SIMILARITY, N_ORIENTATIONS, align, orient, place, thumbnails

EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "smaller": lambda image: image.resize((90, 120)),
    "square": lambda image: image.resize((150, 150)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.4),
    "gray": lambda image: image.convert("L"),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1.5)),
    "mirrored": ImageOps.mirror,
    "quarter turn": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "rotated by 4 degrees": lambda image: image.rotate(4, Image.Resampling.BILINEAR),
    "half of the area": lambda image: image.crop((27, 35, 153, 205)),
    "without the bottom": lambda image: image.crop((0, 0, 180, 204)),
}


def draw_object(seed: int) -> Image.Image:
    """Draw an object with a print of its own on a textured background that all objects share."""
    texture = np.random.default_rng(0).normal(150, 12, (240, 180, 3)).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(texture).filter(ImageFilter.GaussianBlur(1))
    draw, rng = ImageDraw.Draw(image), np.random.default_rng(seed)
    draw.rectangle((40, 50, 140, 210), fill=(230, 230, 220))
    for _ in range(12):
        x, y = int(rng.integers(45, 110)), int(rng.integers(55, 180))
        width, height = rng.integers(6, 25, 2).tolist()
        draw.rectangle((x, y, x + width, y + height), fill=tuple(rng.integers(0, 255, 3).tolist()))
    return image


def similarities(query: Image.Image, images: list[Image.Image]) -> np.ndarray:
    first, second = thumbnails([query]), thumbnails(images)
    return align(first, second, place(first, second, range(N_ORIENTATIONS)))


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("seed", [1, 2])
def test_edited_copy_is_similar_and_other_objects_are_not(edit: str, seed: int) -> None:
    objects = [draw_object(number) for number in range(6)]
    found = similarities(EDITS[edit](objects[seed]), objects)
    assert found[seed] >= COPY_SIMILARITY
    assert np.delete(found, seed).max() < COPY_SIMILARITY - 0.05


@pytest.mark.parametrize("orientation", range(N_ORIENTATIONS))
def test_orientation_of_a_copy_is_found(orientation: int) -> None:
    image = thumbnails([draw_object(1)])
    placement = place(image, orient(image, orientation), range(N_ORIENTATIONS))
    assert placement.orientation.tolist() == [orientation]
    assert placement.similarity[0] == pytest.approx(1, abs=1e-4)
    assert align(image, orient(image, orientation), placement)[0] == pytest.approx(1, abs=1e-3)


def test_similarity_is_at_most_1_and_uniform_images_are_not_copies() -> None:
    uniform = [Image.new("L", (64, 64), color) for color in (0, 128, 255)]
    found = similarities(draw_object(1), [*uniform, draw_object(1)])
    assert (found <= 1 + 1e-5).all()
    assert (found[:3] < COPY_SIMILARITY).all()
