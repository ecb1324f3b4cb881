"""Metadata that cameras write into images (EXIF): time, camera and place of a photo."""

from __future__ import annotations

import math
import re
from typing import Any

from PIL import Image

EXIF_IFD, GPS_IFD = 0x8769, 0x8825
MODEL, CHANGED, TAKEN = 0x0110, 0x0132, 0x9003
LATITUDE_REF, LATITUDE, LONGITUDE_REF, LONGITUDE = 1, 2, 3, 4
MAX_CHARACTERS = 200

_DATE = re.compile(r"(\d{4}):(\d\d):(\d\d)[ T](\d\d:\d\d:\d\d)")


def read_exif(image: Image.Image) -> dict[str, Any]:
    """Return the metadata of an image: taken (ISO 8601, local time), camera, latitude, longitude (degrees).

    Fields that are missing or malformed are left out.
    """
    try:
        exif = image.getexif()
        details, position = exif.get_ifd(EXIF_IFD), exif.get_ifd(GPS_IFD)
    except Exception:  # damaged metadata must not cost the image
        return {}
    found = {
        "taken": _date(details.get(TAKEN)) or _date(exif.get(CHANGED)),
        "camera": _text(exif.get(MODEL)),
        "latitude": _degrees(position.get(LATITUDE), position.get(LATITUDE_REF), "S"),
        "longitude": _degrees(position.get(LONGITUDE), position.get(LONGITUDE_REF), "W"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _date(value: Any) -> str | None:
    """Return a date and time in ISO 8601."""
    match = _DATE.match(value) if isinstance(value, str) else None
    return f"{match[1]}-{match[2]}-{match[3]}T{match[4]}" if match and match[1] != "0000" else None


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    return "".join(filter(str.isprintable, value)).strip()[:MAX_CHARACTERS] or None


def _degrees(parts: Any, reference: Any, negative: str) -> float | None:
    """Return degrees, minutes and seconds as degrees."""
    try:
        degrees, minutes, seconds = map(float, parts)
        value = degrees + minutes / 60 + seconds / 3600
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not math.isfinite(value) or abs(value) > 180:
        return None
    return round(-value if reference == negative else value, 6)
