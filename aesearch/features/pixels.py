"""Pixels of images, resized to one small size."""

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

MIN_SIDE, MAX_SIDE = 2, 512
"""Allowed sides of the resized images, in pixels."""
MAX_NATIVE_SIDE = 64
"""Images that all have one size, with sides up to this many pixels, are not resized. They are digits, icons or patches."""
DEFAULT_SIDE = 32
"""Side of all other resized images, in pixels."""


class Pixels(Features):
    """Pixels of an image, resized to a square regardless of its proportions.

    They suit digits, scans, machine parts and microscopy, in which the position in the frame has a meaning.

    Parameters
    ----------
    size : int, optional
        Side of the resized images in pixels, 2 to 512. By default, images that all have one size of at most 64 x 64 keep
        it, and others are resized to 32 x 32.
    channels : {1, 3}, optional
        1 for gray, 3 for RGB. By default 1 if all images in the sample are gray, else 3.

    Attributes
    ----------
    shape : tuple of int
        (channels, height, width).
    """

    name = "pixels"
    kind = "images"
    fit_sample_size = 64

    def __init__(self, size: int | None = None, channels: int | None = None) -> None:
        if size is not None and not MIN_SIDE <= size <= MAX_SIDE:
            raise InvalidParameter(f"pixels: size is {size}; choose a side of {MIN_SIDE} to {MAX_SIDE} pixels")
        if channels not in (None, 1, 3):
            raise InvalidParameter(f"pixels: channels is {channels}; choose 1 (gray) or 3 (RGB)")
        self.size, self.channels = size, channels

    @property
    def image_size(self) -> tuple[int, int]:
        return self.shape[2], self.shape[1]

    def rejection_reason(self, item: Item) -> str | None:
        return None if item.kind != self.kind or all(as_image(item.content).size) else "the image has no pixels"

    def get_params(self) -> dict[str, Any]:
        return {"size": self.size, "channels": self.channels}

    def fit(self, items: Iterable[Item]) -> Self:
        """Choose the size and the channels from the first `fit_sample_size` items; see `Features.fit`."""
        sample = self._check_kinds(list(islice(items, self.fit_sample_size)))
        if not sample:
            raise NoItems("pixels: there are no images to learn from")
        images = [as_image(item.content) for item in sample]
        width, height = self._choose_size({image.size for image in images})
        is_gray = all(image.mode == "L" for image in images)
        self.shape = (self.channels or (1 if is_gray else 3), height, width)
        return self

    def _choose_size(self, sizes: set[tuple[int, int]]) -> tuple[int, int]:
        """Return the (width, height) to resize to, given those of the sample."""
        if self.size is not None:
            return self.size, self.size
        if len(sizes) == 1:
            (size,) = sizes
            if min(size) >= MIN_SIDE and max(size) <= MAX_NATIVE_SIDE:
                return size
        return DEFAULT_SIDE, DEFAULT_SIDE

    def transform(self, items: Sequence[Item]) -> np.ndarray:
        """Return the pixels of items: (n_items, channels, height, width) uint8, 0 is black and 255 white."""
        if not hasattr(self, "shape"):
            raise NotFitted(self)
        pixels = [self._pixels(item.content) for item in self._check_kinds(items)]
        return np.stack(pixels).transpose(0, 3, 1, 2) if pixels else np.zeros((0, *self.shape), np.uint8)

    def _pixels(self, content: Any) -> np.ndarray:
        """Return the resized pixels of one image, [height, width, channels] uint8."""
        channels, height, width = self.shape
        if isinstance(content, np.ndarray) and content.shape == (height, width, channels) and content.dtype == np.uint8:
            return content  # the reader has already resized it
        image = resize_image(as_image(content), (width, height))
        mode = "L" if channels == 1 else "RGB"
        return np.asarray(image if image.mode == mode else image.convert(mode)).reshape(height, width, channels)

    def inverse_transform(self, X: Any) -> list[Image.Image]:
        """Return rows as Pillow images of mode L or RGB.

        Parameters
        ----------
        X : array of shape (n_items, channels, height, width)
            uint8 in 0..255, or float in 0..1; floats outside are clipped.
        """
        X = np.asarray(X)
        if X.dtype != np.uint8:
            X = (np.clip(X, 0, 1) * 255 + 0.5).astype(np.uint8)
        return [Image.fromarray(row.transpose(1, 2, 0) if len(row) == 3 else row[0]) for row in X]

    def _save_state(self, folder: Path) -> dict[str, Any]:
        return {"shape": self.shape}

    def _load_state(self, folder: Path, state: dict[str, Any]) -> None:
        self.shape = tuple(state["shape"])
