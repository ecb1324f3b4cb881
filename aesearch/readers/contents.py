"""A file's content, within bounds."""

from __future__ import annotations

import os
from pathlib import Path

from aesearch.errors import Unreadable


def read_bytes(path: Path, most: int, remedy: str) -> bytes:
    """The content of `path`.  Raises Unreadable where it is empty, or larger than `most` bytes."""
    with open(path, "rb") as file:
        # Asking for `most` would set aside as much memory for each small file.
        raw = file.read(min(os.fstat(file.fileno()).st_size, most) + 1)
    if not raw:
        raise Unreadable(path, "the file is empty")
    if len(raw) > most:
        raise Unreadable(path, f"it is larger than {most >> 20} MiB; {remedy}")
    return raw
