"""What is done to a picture by more than one room: by whoever reads it for known features, and by whoever meets it read."""

from __future__ import annotations

from PIL import Image

TURNS = tuple(Image.Transpose)
"""All ways of turning by quarters and mirroring, but for leaving a picture as it is."""


def turned(picture: Image.Image) -> list[Image.Image]:
    """The picture, and its 7 mirrored and turned ones."""
    return [picture, *map(picture.transpose, TURNS)]


def squeezed(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture at `size` (width, height), whatever its proportions were.  One that has this size stays as it is."""
    if picture.size == size:
        return picture
    # The box filter is a plain mean of the pixels covered: exact for shrinking, and the cheapest.
    shrinks = picture.width >= size[0] and picture.height >= size[1]
    return picture.resize(size, Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR)
