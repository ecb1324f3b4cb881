"""Alignment of two images: is one an edited copy of the other?

Images are reduced to gray thumbnails and band-pass filtered with local contrast normalization, so that brightness, contrast
and compression matter little. Then one is aligned with the other:

- coarsely: every rotation by 90 degrees, with and without mirroring, at several scales and all positions, with normalized
  cross-correlation (Lewis 1995), because one image may be a crop of the other;
- finely: by an affine transform, with Gauss-Newton steps and robust weights (Lucas & Kanade 1981; Baker & Matthews 2004).

Two scores are computed after alignment. The correlation ranks candidates well. It cannot tell a copy from another object
of the same outline (two T-shirts), because outlines are most of the contrast of a photo. The agreement can: blocks of the
image are correlated separately, and weak textures count as much as outlines.

References
----------
Baker & Matthews 2004, "Lucas-Kanade 20 years on: a unifying framework".
Lewis 1995, "Fast normalized cross-correlation".
Lucas & Kanade 1981, "An iterative image registration technique with an application to stereo vision".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from aesearch.images import as_image, resize_image
from aesearch.search.band_pass import Band, filter_band, resize

THUMBNAIL_SIDE = 96
"""Side of the thumbnails that are aligned, in pixels."""
COARSE_SIDE, FINE_SIDE = 32, 64
"""Sides of the filtered images in the two steps, in pixels."""
SCALES = (1.0, 0.92, 0.85, 0.78, 0.71, 0.64)
"""Tried sides of a crop, relative to the whole image. 0.71 is half of the area."""
N_ORIENTATIONS = 8
N_STEPS = 8
"""Gauss-Newton steps."""
MAX_STEP = 0.05
"""Largest change of a parameter of the transform in one step. Coordinates are in 0..1."""
EPSILON = 1e-6
N_BLOCKS = 8
"""Blocks along each side of an image, for the agreement."""
MIN_BLOCK_ENERGY = 0.02
"""Mean square of the filtered pixels of a block that is not uniform."""
COPY_AGREEMENT = 0.88
"""Agreement at which two images count as copies of each other."""


COARSE_BAND = Band(0.8, 2.5, 4.0, 6.0)
FINE_BAND = Band(1.0, 3.0, 8.0, 4.0)
TEXTURE_BAND = Band(1.0, 3.0, 4.0, 2.0)
"""Small window and low minimum contrast: weak textures count as much as outlines."""


class Placement(NamedTuple):
    """Coarse alignment of pairs of images, arrays [n].

    Attributes
    ----------
    similarity : array, float32
        Correlation of the crop with the part of the whole image that it covers.
    scale, position : array, int64
        Index into SCALES, and flat index of the upper left corner.
    orientation : array, int64
        Orientation of the first image.
    is_first_whole : array, bool
        Whether the second image is a part of the first, or the first one of the second.
    """

    similarity: np.ndarray
    scale: np.ndarray
    position: np.ndarray
    orientation: np.ndarray
    is_first_whole: np.ndarray

    def take(self, pairs: np.ndarray) -> Placement:
        """Return the alignment of some pairs, given by their positions."""
        return Placement(*(values[pairs] for values in self))


class Alignment(NamedTuple):
    """Scores of pairs of images after fine alignment, arrays [n] float32, at most 1.

    Attributes
    ----------
    correlation : array
        Correlation of the whole images.
    agreement : array
        Mean correlation of the blocks. Blocks that are uniform in both images are ignored.
    """

    correlation: np.ndarray
    agreement: np.ndarray


def thumbnails(images: Iterable[Any]) -> np.ndarray:
    """Return Pillow images or arrays of pixels as gray thumbnails, [n, THUMBNAIL_SIDE, THUMBNAIL_SIDE] uint8."""
    size = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    resized = [np.asarray(resize_image(as_image(image), size).convert("L")) for image in images]
    return np.stack(resized) if resized else np.zeros((0, *size), np.uint8)


def orient(images: np.ndarray, orientation: int) -> np.ndarray:
    """Return images [n, side, side] in one of N_ORIENTATIONS orientations: a rotation by 90 degrees, from 4 on mirrored."""
    rotated = np.rot90(images, orientation % 4, axes=(1, 2))
    return rotated[:, :, ::-1] if orientation >= 4 else rotated


def place(first: np.ndarray, second: np.ndarray, orientations: range | tuple[int, ...]) -> Placement:
    """Return the best coarse alignment of each pair of images.

    Parameters
    ----------
    first, second : arrays of shape (n, side, side)
        Gray images; `first` may have length 1, for all pairs.
    orientations : sequence of int
        Orientations of the first image to try.
    """
    n = len(second)
    scale, position, orientations_found = (np.zeros(n, np.int64) for _ in range(3))
    best = Placement(np.full(n, -1, np.float32), scale, position, orientations_found, np.zeros(n, bool))
    first, second = first.astype(np.float32), second.astype(np.float32)
    sides = [round(COARSE_SIDE * scale) for scale in SCALES]
    second_whole, second_parts = _Whole(second), [filter_band(resize(second, side), COARSE_BAND) for side in sides]
    for orientation in orientations:
        oriented = orient(first, orientation)
        first_whole = _Whole(oriented)
        for number, side in enumerate(sides):
            first_part = filter_band(resize(oriented, side), COARSE_BAND)
            for is_first_whole in (False, True)[: 1 if number == 0 else 2]:
                whole, part = (first_whole, second_parts[number]) if is_first_whole else (second_whole, first_part)
                correlations = whole.correlate(part)
                found = correlations.max(1)
                better = found > best.similarity
                best.similarity[better], best.position[better] = found[better], correlations[better].argmax(1)
                best.scale[better], best.orientation[better] = number, orientation
                best.is_first_whole[better] = is_first_whole
    return best


class _Whole:
    """Filtered images in which parts are searched."""

    def __init__(self, images: np.ndarray) -> None:
        filtered = filter_band(resize(images, COARSE_SIDE), COARSE_BAND)
        self._spectrum = np.fft.rfft2(filtered)
        self._sums = np.zeros((len(images), COARSE_SIDE + 1, COARSE_SIDE + 1), np.float32)
        self._sums[:, 1:, 1:] = (filtered**2).cumsum(1).cumsum(2)

    def correlate(self, parts: np.ndarray) -> np.ndarray:
        """Return the normalized correlations, [n, n_positions], of parts [n, side, side]."""
        side, sums = parts.shape[-1], self._sums
        spectrum = np.conj(np.fft.rfft2(parts, (COARSE_SIDE, COARSE_SIDE)))
        n_positions = COARSE_SIDE - side + 1
        products = np.fft.irfft2(self._spectrum * spectrum, (COARSE_SIDE, COARSE_SIDE))[:, :n_positions, :n_positions]
        energies = sums[:, side:, side:] - sums[:, :-side, side:] - sums[:, side:, :-side] + sums[:, :-side, :-side]
        part_energies = (parts**2).sum((1, 2))[:, None, None]
        correlations = products / np.sqrt(np.maximum(energies * part_energies, EPSILON))
        return np.asarray(correlations.reshape(len(correlations), -1), np.float32)


def align(first: np.ndarray, second: np.ndarray, placement: Placement) -> Alignment:
    """Align each pair of images finely.

    Parameters
    ----------
    first, second : arrays of shape (n, side, side)
        As for `place`.
    placement : Placement
        The coarse alignment of the pairs.
    """
    first = np.broadcast_to(first, second.shape)
    oriented = first.copy()
    for orientation in np.unique(placement.orientation):
        chosen = placement.orientation == orientation
        oriented[chosen] = orient(first[chosen], int(orientation))
    swap = placement.is_first_whole[:, None, None]
    whole, part = np.where(swap, oriented, second), np.where(swap, second, oriented)
    target = filter_band(resize(part.astype(np.float32), FINE_SIDE), FINE_BAND)
    transforms = _initial_transforms(placement)
    correlation, best = np.full(len(second), -1, np.float32), transforms.copy()
    for _ in range(N_STEPS):
        warped, is_inside = _warp(whole.astype(np.float32), transforms)
        warped = filter_band(warped, FINE_BAND)
        found = _correlation(warped, target, is_inside)
        better = found > correlation
        correlation[better], best[better] = found[better], transforms[better]
        transforms = _compose(transforms, _gauss_newton_step(warped, target, is_inside))
    return Alignment(correlation, _block_agreement(whole, part, best))


def _block_agreement(whole: np.ndarray, part: np.ndarray, transforms: np.ndarray) -> np.ndarray:
    """Return the mean correlation of the blocks of each pair of aligned images, [n] float32."""
    # Both images are sampled in the same way: differences in resampling look like differences in texture.
    warped, is_inside = _warp(whole.astype(np.float32), transforms)
    target, _ = _warp(part.astype(np.float32), np.eye(2, 3, dtype=np.float32)[None])
    a, b = filter_band(warped, TEXTURE_BAND), filter_band(target, TEXTURE_BAND)
    products, energies, target_energies = (_block_means(is_inside * values) for values in (a * b, a * a, b * b))
    is_counted = np.maximum(energies, target_energies) > MIN_BLOCK_ENERGY
    is_counted &= _block_means(is_inside) > 0.5
    correlations = products / np.sqrt(energies * target_energies + MIN_BLOCK_ENERGY**2)
    return np.asarray((correlations * is_counted).sum(1) / np.maximum(is_counted.sum(1), 1), np.float32)


def _block_means(images: np.ndarray) -> np.ndarray:
    """Return the means of the blocks of images [n, FINE_SIDE, FINE_SIDE], [n, N_BLOCKS squared]."""
    side = FINE_SIDE // N_BLOCKS
    blocks = images.reshape(len(images), N_BLOCKS, side, N_BLOCKS, side)
    return np.asarray(blocks.mean((2, 4)).reshape(len(images), -1))


def _initial_transforms(placement: Placement) -> np.ndarray:
    """Return the transforms [n, 2, 3] from coordinates of the part to those of the whole image, (x, y) in 0..1."""
    sides = np.array([round(COARSE_SIDE * scale) for scale in SCALES])[placement.scale]
    y, x = np.divmod(placement.position, COARSE_SIDE - sides + 1)
    zeros = np.zeros(len(sides))
    rows = [np.stack([sides, zeros, x], 1), np.stack([zeros, sides, y], 1)]
    return np.asarray(np.stack(rows, 1) / COARSE_SIDE, np.float32)


def _warp(images: np.ndarray, transforms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return transformed images [n, FINE_SIDE, FINE_SIDE] by bilinear interpolation, and which pixels are inside."""
    side = images.shape[-1]
    unit = ((np.arange(FINE_SIDE) + 0.5) / FINE_SIDE).astype(np.float32)
    x, y = (
        transforms[:, axis, 0, None, None] * unit[None, None, :]
        + transforms[:, axis, 1, None, None] * unit[None, :, None]
        + transforms[:, axis, 2, None, None]
        for axis in (0, 1)
    )
    is_inside = (x > 0) & (x < 1) & (y > 0) & (y < 1)
    x, y = (np.clip(axis * side - 0.5, 0, side - 1.001) for axis in (x, y))
    column, row = x.astype(np.int32), y.astype(np.int32)
    x, y = x - column, y - row
    flat, corner, image = images.reshape(len(images), -1), row * side + column, np.arange(len(images))[:, None, None]
    upper = flat[image, corner] * (1 - x) + flat[image, corner + 1] * x
    lower = flat[image, corner + side] * (1 - x) + flat[image, corner + side + 1] * x
    return upper * (1 - y) + lower * y, is_inside


def _correlation(warped: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    products, lengths, target_lengths = (
        (weights * a * b).sum((1, 2)) for a, b in ((warped, target), (warped, warped), (target, target))
    )
    return np.asarray(products / np.sqrt(lengths * target_lengths + EPSILON), np.float32)


def _gauss_newton_step(warped: np.ndarray, target: np.ndarray, is_inside: np.ndarray) -> np.ndarray:
    """Return the change of the transforms, [n, 2, 3], that reduces the weighted squared differences most."""
    n, unit = len(warped), (np.arange(FINE_SIDE) + 0.5) / FINE_SIDE
    # The mean of both gradients makes a step of second order (efficient second-order minimization, Benhimane & Malis 2004).
    dy, dx = (gradient * FINE_SIDE / 2 for gradient in np.gradient(warped + target, axis=(1, 2)))
    gains = (is_inside * warped * target).sum((1, 2)) / ((is_inside * warped**2).sum((1, 2)) + EPSILON)
    residuals = target - np.clip(gains, 0.3, 3)[:, None, None] * warped
    scale = 3 * np.median(np.abs(residuals), axis=(1, 2))[:, None, None] + 1e-3
    weights = is_inside / (1 + (residuals / scale) ** 2)  # Cauchy weights: an overlay does not attract the transform
    parts = [gradient * factor for gradient in (dx, dy) for factor in (unit[None, None, :], unit[None, :, None], 1)]
    jacobian = np.stack(parts, 1).reshape(n, 6, -1)
    weighted = jacobian * weights.reshape(n, 1, -1)
    hessian = weighted @ jacobian.transpose(0, 2, 1)
    damping = 1e-3 * np.trace(hessian, axis1=1, axis2=2) / 6 + EPSILON
    hessian += np.eye(6) * damping[:, None, None]
    step = np.linalg.solve(hessian, weighted @ residuals.reshape(n, -1, 1))
    return np.asarray(np.clip(step.reshape(n, 2, 3), -MAX_STEP, MAX_STEP), np.float32)


def _compose(transforms: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return the transforms applied after x + step(x)."""
    linear, shifts = transforms[:, :, :2], transforms[:, :, 2:]
    identity = np.eye(2, dtype=np.float32)
    return np.concatenate([linear @ (identity + steps[:, :, :2]), shifts + linear @ steps[:, :, 2:]], 2)
