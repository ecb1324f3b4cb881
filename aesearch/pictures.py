"""A picture brought to one size: by whoever reads it for known features, or by the features that meet it as it was read."""

from __future__ import annotations

from PIL import Image


def squeezed(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture at `size` (width, height), whatever its proportions were.  One that has this size stays as it is."""
    if picture.size == size:
        return picture
    # The box filter is a plain mean of the pixels covered: exact for shrinking, and the cheapest.
    shrinks = picture.width >= size[0] and picture.height >= size[1]
    return picture.resize(size, Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR)
