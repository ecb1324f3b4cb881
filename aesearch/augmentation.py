"""An item seen twice: the two halves of a document's words, a picture cropped and lit in two ways.

Whatever a code keeps of one view and not of the other is chance; so views tell, without a label, how good a code is, and
as inputs in training they teach what does not matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.arrays import is_sparse

if TYPE_CHECKING:
    from aesearch.arrays import Rows

LEAST = 0.7
"""The side of a cropped picture, as a share of the whole, is drawn between this and 1."""
GAMMA = 0.6
"""A picture's brightness is raised to a power between e^-GAMMA and e^GAMMA."""
TINT = 0.2
"""Each channel of a colored picture is multiplied by a factor between e^-TINT and e^TINT."""
BATCH = 256
"""Pictures looked at together: few, which is three times as quick as many, and takes little memory."""


def two_views(X: Rows, draw: np.random.Generator, *, mirror: bool = False) -> tuple[Rows, Rows]:
    """X: [N, V] csr, pictures [N, C, H, W] uint8 or float32 in 0..1, or vectors [N, D].  Returns two views of each row, of
    X's own type.

    Every word of a document is in one of its views and not in the other, as is every number of a vector: where it is not,
    the rows' mean stands.
    """
    if len(X.shape) == 2 and not is_sparse(X):
        first, mean = draw.random(X.shape) < 0.5, X.mean(0, dtype=np.float32)
        return np.where(first, X, mean), np.where(first, mean, X)
    if not is_sparse(X):
        return view(X, draw, mirror=mirror), view(X, draw, mirror=mirror)
    first = draw.random(len(X.data)) < 0.5
    return _kept(X, first), _kept(X, ~first)


def _kept(X: Any, keep: np.ndarray) -> Any:
    some = X.copy()
    some.data = some.data * keep
    some.eliminate_zeros()
    return some


def view(X: Rows, draw: np.random.Generator, *, mirror: bool = False) -> np.ndarray:
    """A view of each picture: cropped, scaled back, now and then mirrored, lit and tinted otherwise.

    X: [N, C, H, W] uint8, or float32 in 0..1.  Returns the same shape and type.
    """
    pictures = np.asarray(X)
    parts = [_view(pictures[start : start + BATCH], draw, mirror) for start in range(0, len(pictures), BATCH)]
    return np.concatenate(parts) if parts else pictures


def _view(X: np.ndarray, draw: np.random.Generator, mirror: bool) -> np.ndarray:
    count, channels, height, width = X.shape
    unit = X.astype(np.float32) / np.float32(255) if X.dtype == np.uint8 else X
    share = LEAST + (1 - LEAST) * draw.random((count,))
    rows = _places(height, share, draw)
    columns = _places(width, share, draw)
    if mirror:
        columns = np.where(draw.random((count, 1)) < 0.5, columns[:, ::-1], columns)
    seen = _sampled(_sampled(unit, rows, 2), columns, 3)
    light = np.exp(GAMMA * (2 * draw.random((count, 1, 1, 1)) - 1))
    tint = np.exp(TINT * (2 * draw.random((count, channels, 1, 1)) - 1)) if channels > 1 else 1.0
    seen = np.clip(np.maximum(seen, 0) ** light.astype(np.float32) * tint, 0, 1)
    return (seen * 255 + 0.5).astype(np.uint8) if X.dtype == np.uint8 else seen.astype(np.float32)


def _places(size: int, share: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Where along a side of `size` pixels each crop's pixels are taken from.  share: [N].  Returns [N, size]."""
    begin = draw.random(len(share)) * (1 - share) * (size - 1)
    return begin[:, None] + share[:, None] * np.arange(size)


def _sampled(X: np.ndarray, places: np.ndarray, axis: int) -> np.ndarray:
    """Linear interpolation of each picture along `axis` at its own places [N, size]."""
    shape = [len(X), 1, 1, 1]
    shape[axis] = places.shape[1]
    low = np.minimum(places.astype(np.int64), X.shape[axis] - 1)
    high = np.minimum(low + 1, X.shape[axis] - 1)
    part = (places - low).astype(np.float32).reshape(shape)
    below, above = (np.take_along_axis(X, at.reshape(shape), axis) for at in (low, high))
    return below + part * (above - below)
