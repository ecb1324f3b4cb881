"""A file's content, within bounds."""

from __future__ import annotations

from pathlib import Path

from aesearch.errors import Unreadable


def read_bytes(path: Path, most: int, remedy: str) -> bytes:
    """The content of `path`.  Raises Unreadable where it is empty, or larger than `most` bytes."""
    with open(path, "rb") as file:
        raw = file.read(most + 1)
    if not raw:
        raise Unreadable(path, "the file is empty")
    if len(raw) > most:
        raise Unreadable(path, f"it is larger than {most >> 20} MiB; {remedy}")
    return raw
