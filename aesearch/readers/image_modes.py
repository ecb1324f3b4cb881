"""Convert images of every mode to 8 bits in gray or RGB, so that what they show stays visible."""

from __future__ import annotations

from typing import Any

from PIL import Image

LOW_QUANTILE, HIGH_QUANTILE = 0.001, 0.999
"""Shares of the pixels of a deep image at which its stretch begins and ends. A few hot or dead pixels do not darken it."""

MAX_SAMPLED_PIXELS = 1_000_000
"""Pixels from which the quantiles are computed."""

MAX_VALUE = 1e30
"""A larger pixel value is a mark for a missing value, usually the largest number of its type."""

MIN_MISSING_SHARE = 0.001
"""Share of the pixels with one extreme value from which the value may be a mark for missing values. The stretch ignores
fewer pixels in any case."""

TIFF_NODATA_TAG = 42113
"""Tag in which GDAL stores the mark for missing values of a TIFF file, as text."""

OPAQUE = 128
"""Alpha value from which a pixel counts as visible."""

INVISIBLE_CONTRAST = 32
"""Difference in brightness below which a drawing can hardly be seen on its background."""

MAX_INVISIBLE_SHARE = 0.1
"""Share of a drawing that may be invisible on white before another background is considered."""

BACKGROUNDS = (255, 0, 128)


def to_gray_or_rgb(image: Image.Image) -> Image.Image:
    """Convert an image to mode "L" or "RGB".

    Transparent parts become white, or black or gray if the drawing would not be visible on white. Images with more than 8
    bits per channel are stretched to their range of values, as microscopes show them.

    Raises
    ------
    ValueError
        If no pixel has a value.
    """
    if image.mode in ("L", "RGB"):
        return image
    if image.mode[0] in "IF":  # I;16, I, F: more than 8 bits
        return _stretch(image)
    if image.has_transparency_data:
        return _compose(image)
    return image.convert("L" if image.mode == "1" else "RGB")


def _compose(image: Image.Image) -> Image.Image:
    """Return an image with transparency on a background that shows it."""
    foreground = image.convert("RGBA")
    background = Image.new("RGBA", foreground.size, (_find_background(foreground),) * 3)
    is_gray = image.mode in ("LA", "La")
    return Image.alpha_composite(background, foreground).convert("L" if is_gray else "RGB")


def _find_background(foreground: Image.Image) -> int:
    """Return the brightness of the background on which most of an RGBA image is visible, preferably of white."""
    is_visible = foreground.getchannel("A").point([255 * (alpha >= OPAQUE) for alpha in range(256)])
    counts = foreground.convert("L").histogram(is_visible)
    total = sum(counts)

    def invisible_share(background: int) -> float:
        return sum(counts[max(0, background - INVISIBLE_CONTRAST) : background + INVISIBLE_CONTRAST]) / max(total, 1)

    if invisible_share(BACKGROUNDS[0]) <= MAX_INVISIBLE_SHARE:
        return BACKGROUNDS[0]
    return min(BACKGROUNDS, key=invisible_share)


def _stretch(image: Image.Image) -> Image.Image:
    """Return an image of more than 8 bits in 8 bits. Pixels without a value become black."""
    import numpy as np  # imported here because workers start faster without it

    values = np.asarray(image, np.float32)
    is_valid = np.isfinite(values) & (np.abs(values) < MAX_VALUE)
    nodata = _declared_nodata(image)
    if nodata is not None:
        is_valid &= values != nodata
    valid = values[is_valid]
    if not valid.size:
        raise ValueError("no pixel has a value")
    ordered = np.sort(valid[:: -(-valid.size // MAX_SAMPLED_PIXELS)])
    mark = _find_missing_mark(ordered)
    if mark is not None:
        is_valid &= values != mark
        ordered = ordered[ordered != mark]
    low, high = (float(ordered[round(share * (len(ordered) - 1))]) for share in (LOW_QUANTILE, HIGH_QUANTILE))
    if low == high:  # a few pixels differ from all others
        low, high = float(ordered[0]), float(ordered[-1])
    scaled = (np.where(is_valid, values, low) - low) * (255 / max(high - low, 1e-12))
    return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))


def _declared_nodata(image: Image.Image) -> float | None:
    """Return the mark for missing values that a TIFF file declares, or None."""
    declared = getattr(image, "tag_v2", {}).get(TIFF_NODATA_TAG)
    try:
        return None if declared is None else float(str(declared).strip("\0 "))
    except ValueError:
        return None


def _find_missing_mark(ordered: Any) -> float | None:
    """Return the extreme value that marks missing pixels, or None.

    It is a frequent value that is farther from all others than these are from each other, such as -9999 among heights.

    Parameters
    ----------
    ordered : array [N]
        Sorted values.
    """
    for extreme, others in ((ordered[0], ordered[ordered > ordered[0]]), (ordered[-1], ordered[ordered < ordered[-1]])):
        n_missing = len(ordered) - len(others)
        if len(others) and n_missing >= MIN_MISSING_SHARE * len(ordered):
            gap = min(abs(float(others[0]) - float(extreme)), abs(float(others[-1]) - float(extreme)))
            if gap > float(others[-1]) - float(others[0]) > 0:
                return float(extreme)
    return None
