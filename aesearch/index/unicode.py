"""Texts that cannot be stored as UTF-8: those with half of a surrogate pair, as JSON files may contain."""

from __future__ import annotations


def is_utf8(text: str | None) -> bool:
    """Return whether a text can be stored."""
    try:
        (text or "").encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def as_utf8(text: str) -> str:
    """Return a text with a question mark for each character that cannot be stored."""
    return text.encode("utf-8", "replace").decode("utf-8")
