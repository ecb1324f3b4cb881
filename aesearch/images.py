"""Operations on images that both readers and features need."""

from __future__ import annotations

from typing import Any

from PIL import Image

from aesearch.errors import InvalidParameter

ROTATIONS_AND_FLIPS = tuple(Image.Transpose)
"""The 7 rotations by 90 degrees and reflections of a rectangle, without the identity."""


def as_image(content: Any) -> Image.Image:
    """Return an item's content as a Pillow image.

    Parameters
    ----------
    content : PIL.Image.Image or array of shape (height, width) or (height, width, 3), uint8

    Raises
    ------
    InvalidParameter
        If the array has another shape or dtype.
    """
    if isinstance(content, Image.Image):
        return content
    # Compares the dtype with a string because workers start faster if NumPy is not imported.
    if content.dtype != "uint8" or content.ndim not in (2, 3) or content.shape[2:] not in ((), (3,)):
        raise InvalidParameter(
            f"cannot use an array {list(content.shape)} of {content.dtype} as an image; pass [H, W] or [H, W, 3] uint8"
        )
    return Image.fromarray(content)


def rotations_and_flips(image: Image.Image) -> list[Image.Image]:
    """Return an image and its 7 rotated and mirrored copies."""
    return [image, *map(image.transpose, ROTATIONS_AND_FLIPS)]


def resize_image(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Resize an image to `size` (width, height), ignoring its proportions. If it has that size, return the same image."""
    if image.size == size:
        return image
    # The box filter averages the pixels that it covers: exact for shrinking, and the fastest.
    is_shrinking = image.width >= size[0] and image.height >= size[1]
    return image.resize(size, Image.Resampling.BOX if is_shrinking else Image.Resampling.BILINEAR)
