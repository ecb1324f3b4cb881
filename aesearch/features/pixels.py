"""A picture as its pixels, at one small size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

from aesearch.errors import InvalidParameter, NoItems, NotFitted
from aesearch.features.base import Features
from aesearch.images import as_image, resize_image
from aesearch.items import Item

NATIVE = 64
"""Pictures that are all of one size keep it if neither side is longer: they are digits, icons or patches, not photos."""

PHOTO = 32
"""The side that photos of many sizes are brought to."""


class Pixels(Features):
    """The pixels of a picture, resize_image to `size` x `size` (both sides, whatever its proportions were).

    Choose it for digits, scans, parts, microscopy: pictures whose place in the frame means something.

    Parameters
    ----------
    size : the side in pixels.  None: the pictures' own size where they all share one of at most 64 x 64, else 32.
    channels : 1 for gray, 3 for RGB.  None: 1 where every picture looked at is gray, else 3.

    Attributes
    ----------
    shape : (channels, height, width).
    """

    name = "pixels"
    kind = "images"
    fit_sample_size = 64

    def __init__(self, size: int | None = None, channels: int | None = None) -> None:
        if size is not None and not 2 <= size <= 512:
            raise InvalidParameter(f"pixels: size is {size}; choose a side of 2 to 512 pixels")
        if channels not in (None, 1, 3):
            raise InvalidParameter(f"pixels: channels is {channels}; choose 1 (gray) or 3 (RGB)")
        self.size, self.channels = size, channels

    @property
    def image_size(self) -> tuple[int, int]:
        return self.shape[2], self.shape[1]

    def get_params(self) -> dict[str, Any]:
        return {"size": self.size, "channels": self.channels}

    def fit(self, items: Iterable[Item]) -> Self:
        """Settles size and channels by the first `fit_sample_size` items."""
        pictures = [as_image(item.content) for item in self._check_kinds(list(islice(items, self.fit_sample_size)))]
        if not pictures:
            raise NoItems("no picture to fit to")
        sizes = {picture.size for picture in pictures}
        modes = {picture.mode for picture in pictures}
        width, height = sizes.pop() if len(sizes) == 1 else (PHOTO, PHOTO)
        if self.size is not None:
            width = height = self.size
        elif max(width, height) > NATIVE or min(width, height) < 2:
            width = height = PHOTO
        self.shape = (self.channels or (1 if modes == {"L"} else 3), height, width)
        return self

    def transform(self, items: Sequence[Item]) -> np.ndarray:
        """[N, C, H, W] uint8: 0 is black, 255 white."""
        if not hasattr(self, "shape"):
            raise NotFitted(self)
        pixels = [self._pixels(item.content) for item in self._check_kinds(items)]
        return np.stack(pixels).transpose(0, 3, 1, 2) if pixels else np.zeros((0, *self.shape), np.uint8)

    def _pixels(self, content: Any) -> np.ndarray:
        """[H, W, C]"""
        channels, height, width = self.shape
        if isinstance(content, np.ndarray) and content.shape == (height, width, channels) and content.dtype == np.uint8:
            return content  # as it was read
        picture = resize_image(as_image(content), (width, height))
        mode = "L" if channels == 1 else "RGB"
        return np.asarray(picture if picture.mode == mode else picture.convert(mode)).reshape(height, width, channels)

    def inverse_transform(self, X: Any) -> list[Image.Image]:
        """X: [N, C, H, W], uint8 or float in 0..1 (cut off beyond).  Returns N pictures of mode L or RGB."""
        X = np.asarray(X)
        if X.dtype != np.uint8:
            X = (np.clip(X, 0, 1) * 255 + 0.5).astype(np.uint8)
        return [Image.fromarray(row.transpose(1, 2, 0) if len(row) == 3 else row[0]) for row in X]

    def _save_state(self, folder: Path) -> dict[str, Any]:
        return {"shape": self.shape}

    def _load_state(self, folder: Path, learned: dict[str, Any]) -> None:
        self.shape = tuple(learned["shape"])
