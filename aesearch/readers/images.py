"""Pictures by Pillow: turned upright, flattened to gray or RGB, no larger than is of use."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import IO

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from aesearch.errors import Unreadable
from aesearch.images import resize_image
from aesearch.items import Item
from aesearch.readers.files import AnyPath, read_bytes

DETAIL = 96
"""Pixels that the shorter side keeps at least, if it had them; more where features need more.  JPEG files are decoded
straight to it, in a fraction of the time."""

MAX_PIXELS = 100_000_000
"""A picture that would take more in memory is refused before a pixel of it is decoded (a decompression bomb)."""
MAX_CLAIMED = 180_000_000
"""A JPEG file may claim so many, as it is decoded to fewer: but one of the progressive kind takes memory for them all."""
TOO_LARGE = f"it claims more than {MAX_PIXELS:,} pixels; scale it down first"

MAX_BYTES = 512 << 20
"""A larger file is refused."""

JPEG = b"\xff\xd8\xff"
"""What its files begin with."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""What Pillow may try.  Formats that start another program (EPS) or fetch other files are left out."""

EXIF_ORIENTATION = 0x0112


def read(path: AnyPath, size: tuple[int, int] | None = None) -> Iterator[Item]:
    """The one picture of the file `path`; resize_image to `size` (width, height) where one is given."""
    raw = read_bytes(path, MAX_BYTES, "scale the picture down first")
    picture = decode(io.BytesIO(raw), path, max((DETAIL, *(size or ()))))
    yield Item("", resize_image(picture, size) if size else picture, path=str(path), digest=hashlib.sha256(raw).digest())


def opened(path: str) -> Image.Image | None:
    """The picture in the file `path`, to be looked at; None where it is gone, or none."""
    try:
        with open(path, "rb") as file:
            return decode(file, path)
    except (OSError, Unreadable):
        return None


def decode(file: IO[bytes], name: object, detail: int = DETAIL) -> Image.Image:
    """The picture in `file` as Pillow image of mode L or RGB, its shorter side at least `detail` if it was.

    The first frame of an animation; transparent parts are white; more than 8 bits a channel are stretched from the
    picture's own darkest value to its brightest, as microscopes show them.  Raises Unreadable, which names `name`.
    """
    try:
        with _opened(file) as image:
            image.draft(None, (detail, detail))  # None keeps the mode
            if image.width * image.height > MAX_PIXELS:
                raise Unreadable(name, TOO_LARGE)
            image.load()
            return _upright(_flat(_reduced(image, detail)))
    except UnidentifiedImageError:
        raise Unreadable(name, "its content is not a picture of a known format") from None
    except Image.DecompressionBombError:
        raise Unreadable(name, TOO_LARGE) from None
    except Unreadable:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, ArithmeticError, LookupError, AssertionError) as error:
        # Pillow's decoders raise all of these on damaged files.
        raise Unreadable(name, f"the picture is damaged ({error or type(error).__name__})") from None


def _opened(file: IO[bytes]) -> Image.Image:
    """The picture in `file`, not yet decoded."""
    begins = file.read(len(JPEG))
    file.seek(0)
    if begins != JPEG:
        return Image.open(file, formats=FORMATS)
    # Most photos are; without the modules of the other formats, which Image.open() loads, workers begin sooner.
    image = JpegImageFile(file)
    if image.width * image.height > MAX_CLAIMED:
        raise Image.DecompressionBombError
    return image


def _reduced(image: Image.Image, detail: int) -> Image.Image:
    """A large picture at the smallest whole fraction of its size that keeps `detail`; what draft() does for JPEG."""
    factor = min(image.size) // detail
    if factor < 2 or image.mode not in ("L", "RGB", "RGBA", "LA", "CMYK"):
        return image
    return image.reduce(factor)


def _flat(image: Image.Image) -> Image.Image:
    """The picture as L or RGB, on white."""
    if image.mode in ("L", "RGB"):
        return image
    if image.mode[0] in "IF":  # I;16, I, F: more than 8 bits
        low, high = image.getextrema()
        scale = 255.0 / max(float(high) - float(low), 1e-12)  # type: ignore[arg-type]
        return image.convert("F").point(lambda value: (value - low) * scale).convert("L")
    if image.has_transparency_data:
        gray = image.mode in ("LA", "La")
        colored = image.convert("RGBA")
        white = Image.new("RGBA", colored.size, "white")
        return Image.alpha_composite(white, colored).convert("L" if gray else "RGB")
    return image.convert("L" if image.mode == "1" else "RGB")


def _upright(image: Image.Image) -> Image.Image:
    """The picture as its EXIF orientation means it to be seen."""
    exif = image.getexif() if "exif" in image.info or "Raw profile type exif" in image.info else None
    if exif is None or exif.get(EXIF_ORIENTATION, 1) == 1:
        return image
    from PIL import ImageOps  # here, because workers begin sooner without it

    return ImageOps.exif_transpose(image)
