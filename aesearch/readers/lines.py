"""Read the lines of a text file, or of a gzip archive, in any encoding."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from itertools import islice
from types import TracebackType
from typing import IO, Any, Self

from aesearch.errors import Unreadable
from aesearch.readers.encodings import Encoding, detect_encoding, detect_marked_encoding
from aesearch.readers.files import AnyPath, open_file

MAX_LINE_CHARACTERS = 16 << 20
"""Limit for a line, and for a field of a CSV row. A small archive can unpack to a line that fills the memory."""
TOO_LONG = f"a row is longer than {MAX_LINE_CHARACTERS >> 20} million characters; it and the rows after it are not read"

BLOCK_BYTES = 1 << 20

_DAMAGED_ARCHIVE = (EOFError, gzip.BadGzipFile, zlib.error)
UNDECODABLE = "\udcff"
"""Stands for bytes that cannot be decoded, until they are counted and replaced. No text contains it."""


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    """Mark bytes that cannot be decoded. This is an error handler for codecs."""
    if isinstance(error, UnicodeDecodeError):
        return UNDECODABLE, error.end
    raise error


codecs.register_error("aesearch.mark_undecodable", _mark_undecodable)


class TextLines:
    """The decoded lines of a file, with their line ends. The file is open within a `with` block.

    Lines are read as UTF-8 up to the first one that is not. Only then, the encoding is detected.

    Parameters
    ----------
    path : path-like
    encoding : str, optional
        By default it is detected.

    Raises
    ------
    Unreadable
        If the content is not a text. While lines are read: if a line is too long, or the archive is damaged.
    """

    def __init__(self, path: AnyPath, encoding: str | None = None) -> None:
        self._path = path
        with ExitStack() as stack:
            start = next(_blocks(_open(path, stack)), b"")
        marked = Encoding(encoding) if encoding else detect_marked_encoding(start, path)
        self._encoding = marked or Encoding("utf-8")
        self._is_assumed = marked is None
        self._has_new_uncertainty = False
        self._n_replaced = self._n_zeros = 0

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def __iter__(self) -> Iterator[str]:
        """Yield the lines. Bytes that cannot be decoded become replacement characters."""
        n_lines = 0
        is_complete = False
        while not is_complete:
            is_complete = True
            for line in islice(self._raw_lines(), n_lines, None):
                if not line.isascii():
                    if self._has_other_encoding(line):
                        is_complete = False  # continue with this line in its encoding; those before are the same in both
                        break
                    line = self._clean(line)
                if "\0" in line:
                    self._n_zeros += line.count("\0")
                    line = line.replace("\0", " ")
                n_lines += 1
                yield line

    def _raw_lines(self) -> Iterator[str]:
        """Open the file and yield its lines."""
        self._stack.close()
        raw: Any = _open(self._path, self._stack)
        file = io.TextIOWrapper(raw, self._encoding.name, errors="aesearch.mark_undecodable", newline="")
        try:
            for line in iter(partial(file.readline, MAX_LINE_CHARACTERS + 1), ""):
                if len(line) > MAX_LINE_CHARACTERS:
                    raise Unreadable(self._path, TOO_LONG)
                yield line
        except _DAMAGED_ARCHIVE as error:
            raise Unreadable(self._path, f"the archive is damaged ({error})") from None

    def _has_other_encoding(self, line: str) -> bool:
        """Detect the encoding when the first line is not UTF-8. Return whether it is another one."""
        if not self._is_assumed or UNDECODABLE not in line:
            return False
        self._is_assumed = False
        with ExitStack() as stack:
            self._encoding = detect_encoding(_blocks(_open(self._path, stack)), self._path)
        self._has_new_uncertainty = not self._encoding.is_certain
        return self._encoding.name != "utf-8"

    def _clean(self, line: str) -> str:
        """Replace what cannot be decoded, and count it."""
        self._n_replaced += line.count(UNDECODABLE)
        return line.replace(UNDECODABLE, "\ufffd").removeprefix("\ufeff")

    def take_warning(self) -> str | None:
        """Return what may be wrong with the lines read since the last call. An uncertain encoding is named once."""
        if not self._n_replaced and not self._n_zeros and not self._has_new_uncertainty:
            return None
        encoding = Encoding(self._encoding.name, is_certain=not self._has_new_uncertainty)
        warning = encoding.warning(self._n_replaced, self._n_zeros)
        self._n_replaced, self._n_zeros, self._has_new_uncertainty = 0, 0, False
        return warning


def _open(path: AnyPath, stack: ExitStack) -> IO[bytes]:
    """Open a file, or the content of a gzip archive. `stack` closes it."""
    file = stack.enter_context(open_file(path))
    if os.fspath(path).lower().endswith(".gz"):
        archive: Any = gzip.GzipFile(fileobj=file)
        return stack.enter_context(archive)
    return file


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the content of a file, up to the point where an archive is damaged."""
    with suppress(*_DAMAGED_ARCHIVE):
        yield from iter(partial(file.read, BLOCK_BYTES), b"")
