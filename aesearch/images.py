"""What is done to a picture by more than one room: by whoever reads it for known features, and by whoever meets it read."""

from __future__ import annotations

from typing import Any

from PIL import Image

from aesearch.errors import InvalidParameter

TURNS = tuple(Image.Transpose)
"""All ways of turning by quarters and mirroring, but for leaving a picture as it is."""


def as_image(content: Any) -> Image.Image:
    """An item's content as Pillow's picture.  Raises InvalidParameter where it is an array of another form."""
    if isinstance(content, Image.Image):
        return content
    # NumPy is not imported for this: the workers that read begin sooner without it.
    if content.dtype != "uint8" or content.ndim not in (2, 3) or content.shape[2:] not in ((), (3,)):
        raise InvalidParameter(
            f"a picture is an array {list(content.shape)} of {content.dtype}; pass [H, W] or [H, W, 3] uint8"
        )
    return Image.fromarray(content)


def rotations_and_flips(picture: Image.Image) -> list[Image.Image]:
    """The picture, and its 7 mirrored and turned ones."""
    return [picture, *map(picture.transpose, TURNS)]


def resize_image(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture at `size` (width, height), whatever its proportions were.  One that has this size stays as it is."""
    if picture.size == size:
        return picture
    # The box filter is a plain mean of the pixels covered: exact for shrinking, and the cheapest.
    shrinks = picture.width >= size[0] and picture.height >= size[1]
    return picture.resize(size, Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR)
