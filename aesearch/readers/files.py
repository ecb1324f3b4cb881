"""A file's content, within bounds."""

from __future__ import annotations

import os

from aesearch.errors import Unreadable

AnyPath = str | os.PathLike[str]


def read_bytes(path: AnyPath, most: int, remedy: str) -> bytes:
    """The content of `path`.  Raises Unreadable where it is empty, or larger than `most` bytes, and OSError."""
    # Of small files open() and its buffer take a third of the time.
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        # Asking for `most` would set aside as much memory for each small file.
        left = min(os.fstat(file).st_size, most) + 1
        raw = os.read(file, left)
        while more := os.read(file, left - len(raw)):  # network file systems may give less at a time
            raw += more
    finally:
        os.close(file)
    if not raw:
        raise Unreadable(path, "the file is empty")
    if len(raw) > most:
        raise Unreadable(path, f"it is larger than {most >> 20} MiB; {remedy}")
    return raw
