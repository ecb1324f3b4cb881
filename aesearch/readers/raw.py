"""Read the previews in raw files of cameras: the largest JPEG image that a file contains.

The sensor data themselves are in a different format for each camera, but nearly all of them store a large preview beside.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from aesearch.readers.exif import CHANGED, EXIF_IFD, GPS_IFD, MODEL, TAKEN

ORIENTATION = 0x0112
MAX_JPEG_IMAGES = 64
"""Beginnings of JPEG images that are examined."""
HEADER_BYTES = 1 << 18
"""Length of the beginning of an image that holds its size."""

_JPEG_START = re.compile(rb"\xff\xd8\xff[\xc0-\xfe]")
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"IIU\0")


def open_preview(file: IO[bytes]) -> Image.Image:
    """Open the largest preview in a raw file without decoding it. It gets the orientation and the date of the file.

    Raises
    ------
    OSError
        If there is none.
    """
    content = file.read()
    for start in _largest_first(content):
        with suppress(Exception):  # lossless JPEG, the sensor data of some cameras, or no image at all
            trial = JpegImageFile(io.BytesIO(content[start:]))
            trial.draft(None, (1, 1))
            trial.load()
            preview = JpegImageFile(io.BytesIO(content[start:]))
            if ORIENTATION not in preview.getexif() and (exif := _read_exif(content)):
                preview.info["exif"] = exif.tobytes()
                preview._exif = None  # read it again
            return preview
    raise OSError("the raw file contains no preview")


def _largest_first(content: bytes) -> Iterator[int]:
    """Yield the positions of JPEG images, the largest image first."""
    sizes: dict[int, int] = {}
    for match in _JPEG_START.finditer(content):
        with suppress(Exception):  # the bytes may occur by chance
            image = JpegImageFile(io.BytesIO(content[match.start() : match.start() + HEADER_BYTES]))
            sizes[match.start()] = image.width * image.height
        if len(sizes) == MAX_JPEG_IMAGES:
            break
    yield from sorted(sizes, key=lambda start: -sizes[start])


def _read_exif(content: bytes) -> Image.Exif | None:
    """Return the orientation, the date, the camera and the place that a raw file states, if it is built like TIFF."""
    if not content.startswith(_TIFF_STARTS):
        return None
    try:
        stated = Image.Exif()
        stated.load(b"Exif\0\0" + content[:2] + (b"*\0" if content[:2] == b"II" else b"\0*") + content[4:])
        kept = Image.Exif()
        kept.update({tag: stated[tag] for tag in (ORIENTATION, MODEL, CHANGED) if tag in stated})
        taken, place = stated.get_ifd(EXIF_IFD).get(TAKEN), stated.get_ifd(GPS_IFD)
        if taken:
            kept.get_ifd(EXIF_IFD)[TAKEN] = taken
        kept.get_ifd(GPS_IFD).update({tag: place[tag] for tag in range(1, 5) if tag in place})
        kept.tobytes()
    except Exception:  # damaged metadata must not cost the image
        return None
    return kept
