"""Read one file: its bytes, up to a size limit, or its items by the reader of its format."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from aesearch.catalog import find_reader
from aesearch.errors import MissingExtra, Unreadable
from aesearch.items import Item

AnyPath = str | os.PathLike[str]


def read_bytes(path: AnyPath, max_bytes: int, remedy: str) -> bytes:
    """Return the content of a file.

    Parameters
    ----------
    path : path-like
    max_bytes : int
        Size limit.
    remedy : str
        What to do about a larger file, for the error message.

    Raises
    ------
    Unreadable
        If the file is empty or larger than `max_bytes`.
    OSError
        If it cannot be opened.
    """
    # For a small file, open() and its buffer would take a third of the time.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        # os.read() allocates the requested size, so do not request max_bytes for every small file.
        limit = min(os.fstat(descriptor).st_size, max_bytes) + 1
        content = os.read(descriptor, limit)
        while more := os.read(descriptor, limit - len(content)):  # network file systems may return less at a time
            content += more
    finally:
        os.close(descriptor)
    if not content:
        raise Unreadable(path, "the file is empty")
    if len(content) > max_bytes:
        raise Unreadable(path, f"the file is larger than {max_bytes >> 20} MiB; {remedy}")
    return content


def read_file(path: AnyPath, **keywords: Any) -> Iterator[Item | Unreadable]:
    """Yield the items of a file by its reader, and an Unreadable in place of any exception.

    Parameters
    ----------
    path : path-like
        A file that has a reader.
    **keywords
        Keywords of the reader.
    """
    try:
        entry = find_reader(path)
        assert entry is not None  # a collection contains no other files
        results = entry.load()(path, **keywords)
        yield next(results, Unreadable(path, "the file has no rows"))
        yield from results
    except Unreadable as error:
        yield error
    except MissingExtra as error:
        yield Unreadable(path, str(error), transient=True)
    except OSError as error:
        yield Unreadable(path, f"the file cannot be opened ({error.strerror or error})", transient=True)
    except Exception as error:  # a decoder's bug must cost only this file, and its message must name the file
        yield Unreadable(path, f"the reader failed ({type(error).__name__}: {error})")
