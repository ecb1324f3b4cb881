"""Read one file: its bytes, up to a size limit, or its items by the reader of its format."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Any, BinaryIO

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
        If the file is empty, larger than `max_bytes`, or not a regular file.
    OSError
        If it cannot be opened.
    """
    descriptor, size = _open_regular(path)  # for a small file, open() and its buffer would take a third of the time
    try:
        # os.read() allocates the requested size, so do not request max_bytes for every small file.
        limit = min(size, max_bytes) + 1
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


def open_file(path: AnyPath) -> BinaryIO:
    """Open a regular file for reading.

    Raises
    ------
    Unreadable
        If it is not a regular file.
    OSError
        If it cannot be opened.
    """
    return open(_open_regular(path)[0], "rb")


def check_regular(path: AnyPath) -> None:
    """Raise Unreadable if a path is not a regular file, before a library opens it and waits for it."""
    os.close(_open_regular(path)[0])


def _open_regular(path: AnyPath) -> tuple[int, int]:
    """Open a regular file, and return its descriptor and its size in bytes."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    try:  # O_NONBLOCK, because opening a named pipe would wait until another process writes into it
        descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    except BlockingIOError:  # another process holds a lease, such as a file server, and is now told to give it up
        descriptor = os.open(path, flags)
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode):
        return descriptor, found.st_size
    os.close(descriptor)
    raise Unreadable(path, "it is not a regular file")


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
