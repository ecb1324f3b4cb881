"""Detect the encoding of texts and decode them."""

from __future__ import annotations

from aesearch.errors import InvalidParameter


def check_encoding(encoding: str | None) -> None:
    """Raise InvalidParameter if there is no text encoding of this name."""
    try:
        " ".encode(encoding or "utf-8")
    except (LookupError, ValueError):
        raise InvalidParameter(
            f'unknown encoding "{encoding}"; use a name such as utf-8, cp1252, shift_jis or utf-16-le'
        ) from None
