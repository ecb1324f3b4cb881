"""Open HEIC and HEIF images, the photos of iPhones (extra `heic`)."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, cast

from aesearch.errors import MissingExtra

if TYPE_CHECKING:
    from PIL.Image import Image

SIGNATURE_BYTES = 64
"""Length of the beginning of a file that `is_heif` needs."""

_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
_GENERAL_BRANDS = (b"mif1", b"msf1")
"""Brands of the container, which AVIF shares. The compatible brands after it name the codec."""


def is_heif(start: bytes) -> bool:
    """Return whether a file that begins with these bytes is a HEIF image whose codec is HEVC."""
    if start[4:8] != b"ftyp":
        return False
    brand, compatible = start[8:12], start[16 : int.from_bytes(start[:4])]
    return brand in _BRANDS or (brand in _GENERAL_BRANDS and any(other in compatible for other in _BRANDS))


def open_heif(file: IO[bytes]) -> Image:
    """Open an image without decoding it.

    Raises
    ------
    MissingExtra
        If pi-heif is not installed.
    """
    try:
        from pi_heif import HeifImageFile
    except ImportError:
        raise MissingExtra("pi-heif", "heic") from None
    return cast("Image", HeifImageFile(file))
