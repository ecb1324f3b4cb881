"""Read images with Pillow: upright, in gray or RGB, and no larger than necessary."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from aesearch.catalog.readers import RAW_ENDINGS
from aesearch.errors import MissingExtra, Unreadable
from aesearch.images import resize_image
from aesearch.items import Item
from aesearch.readers.files import AnyPath, read_bytes
from aesearch.readers.heif import SIGNATURE_BYTES, is_heif, open_heif
from aesearch.readers.image_modes import to_gray_or_rgb

MIN_SIDE_PIXELS = 96
"""The shorter side of a large image is not reduced below this, or below the size that the features need. JPEG files are
decoded at the reduced size, in a fraction of the time."""

MAX_PIXELS = 100_000_000
"""An image that would have more pixels in memory is refused before it is decoded (a decompression bomb)."""
MAX_JPEG_PIXELS = 180_000_000
"""Limit for the size that a JPEG file declares. The file is decoded at a reduced size, but a progressive file needs memory
for its full size."""
TOO_MANY_PIXELS = f"the image has more than {MAX_PIXELS:,} pixels; scale it down first"

MAX_IMAGE_BYTES = 512 << 20

JPEG_SIGNATURE = b"\xff\xd8\xff"

COMMON_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM")
"""Formats that Pillow recognizes without importing the modules of all others."""

OTHER_FORMATS = (
    "TIFF", "WEBP", "AVIF", "JPEG2000", "PSD", "QOI", "ICO", "ICNS", "DDS", "DCX", "SGI", "SUN", "XBM", "XPM", "FITS",
    "BLP", "FTEX", "MSP", "PIXAR",
)  # fmt: skip
"""Further formats that Pillow may try, because each begins with its own signature. EPS is not safe: it starts a program."""

FORMATS_BY_ENDING = {
    ".tga": "TGA", ".icb": "TGA", ".vda": "TGA", ".vst": "TGA", ".pcx": "PCX", ".dib": "DIB", ".cur": "CUR", ".gbr": "GBR",
    ".pcd": "PCD", ".fli": "FLI", ".flc": "FLI", ".mpo": "JPEG",
}  # fmt: skip
"""Formats without a clear signature, for which Pillow could mistake other files. Only the name of a file selects them."""

ONE_IMAGE_FORMATS = ("PSD",)
"""Formats whose first frame shows the whole image. The other frames are its layers."""

EXIF_ORIENTATION = 0x0112


def read(path: AnyPath, size: tuple[int, int] | None = None) -> Iterator[Item]:
    """Yield the image in a file, resized to `size` (width, height) if it is given."""
    content = read_bytes(path, MAX_IMAGE_BYTES, "scale the image down first")
    image, warning = _decode(io.BytesIO(content), path, max((MIN_SIDE_PIXELS, *(size or ()))))
    digest = hashlib.sha256(content).digest()
    resized = resize_image(image, size) if size else image
    yield Item("", resized, path=str(path), digest=digest, warning=warning, metadata=read_metadata(image))


def read_metadata(image: Image.Image) -> dict[str, Any]:
    """Return the metadata of a photo."""
    if "exif" not in image.info and "Raw profile type exif" not in image.info:
        return {}
    from aesearch.readers.exif import read_exif  # imported here because workers start faster without it

    return read_exif(image)


def load_image(path: str) -> Image.Image | None:
    """Return the image in a file for display, or None if the file is missing or unreadable."""
    try:
        with open(path, "rb") as file:
            return decode_image(file, path)
    except (OSError, Unreadable, MissingExtra):
        return None


def decode_image(file: IO[bytes], name: object, min_side: int = MIN_SIDE_PIXELS) -> Image.Image:
    """Decode an image.

    Of an animation, or of a file with several pages, decode the first frame.

    Parameters
    ----------
    file : binary file
    name : object
        The file, for error messages.
    min_side : int
        Length in pixels below which the shorter side of a large image is not reduced.

    Returns
    -------
    PIL.Image.Image
        Mode "L" or "RGB".

    Raises
    ------
    Unreadable
        If the file is not an image, is damaged, or has too many pixels.
    """
    return _decode(file, name, min_side)[0]


def _decode(file: IO[bytes], name: object, min_side: int) -> tuple[Image.Image, str | None]:
    """Return an image, and which part of the file it does not show; see `decode_image`."""
    try:
        with _open(file, os.path.splitext(str(name))[1].lower()) as image:  # noqa: PTH122  # Path objects are slow
            image.draft(None, (min_side, min_side))  # None: keep the mode
            if image.width * image.height > MAX_PIXELS:
                raise Unreadable(name, TOO_MANY_PIXELS)
            image.load()
            decoded = _rotate_upright(to_gray_or_rgb(_reduce(image, min_side)))
            n_frames = _count_frames(image)
        return decoded, f"only the first of {n_frames:,} frames or pages was read" if n_frames > 1 else None
    except UnidentifiedImageError:
        raise Unreadable(name, "the content is not an image of a supported format") from None
    except Image.DecompressionBombError:
        raise Unreadable(name, TOO_MANY_PIXELS) from None
    except (Unreadable, MissingExtra):
        raise
    except Exception as error:  # Pillow's decoders raise exceptions of every type for damaged files
        raise Unreadable(name, f"the image is damaged ({error or type(error).__name__})") from None


def _open(file: IO[bytes], ending: str) -> Image.Image:
    """Open an image without decoding it. The ending of its name selects the format if the format has no signature."""
    start = file.read(SIGNATURE_BYTES)
    file.seek(0)
    if ending in RAW_ENDINGS.split():
        from aesearch.readers.raw import open_preview  # imported here because workers start faster without it

        return open_preview(file)
    if ending in FORMATS_BY_ENDING:
        return Image.open(file, formats=(FORMATS_BY_ENDING[ending], *COMMON_FORMATS))
    if not (start.startswith(JPEG_SIGNATURE) or is_heif(start)):
        return _open_by_signature(file)
    # Most photos are JPEG files. Image.open() would import the modules of all formats; without it, workers start faster.
    image = JpegImageFile(file) if start.startswith(JPEG_SIGNATURE) else open_heif(file)
    if image.width * image.height > MAX_JPEG_PIXELS:
        raise Image.DecompressionBombError
    return image


def _open_by_signature(file: IO[bytes]) -> Image.Image:
    """Open an image of any format that begins with its own signature."""
    with suppress(UnidentifiedImageError):
        return Image.open(file, formats=COMMON_FORMATS)
    file.seek(0)
    Image.init()
    return Image.open(file, formats=[name for name in OTHER_FORMATS if name in Image.OPEN])  # older versions know fewer


def _count_frames(image: Image.Image) -> int:
    """Return the number of frames of an animation, or of pages of a TIFF file."""
    if image.format in ONE_IMAGE_FORMATS:
        return 1
    try:
        return getattr(image, "n_frames", 1)
    except Exception:  # the first frame is complete, and damage in the others must not cost it
        return 1


def _reduce(image: Image.Image, min_side: int) -> Image.Image:
    """Reduce a large image by the largest integer factor that keeps `min_side`. draft() has already reduced JPEG files."""
    factor = min(image.size) // min_side
    if factor < 2 or image.mode not in ("L", "RGB", "RGBA", "LA", "CMYK"):
        return image
    return image.reduce(factor)


def _rotate_upright(image: Image.Image) -> Image.Image:
    """Rotate or mirror an image as its EXIF orientation specifies."""
    exif = image.getexif() if "exif" in image.info or "Raw profile type exif" in image.info else None
    if exif is None or exif.get(EXIF_ORIENTATION, 1) == 1:
        return image
    from PIL import ImageOps  # imported here because workers start faster without it

    return ImageOps.exif_transpose(image)
