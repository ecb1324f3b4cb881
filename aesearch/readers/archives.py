"""Documents that are ZIP archives of XML parts: office documents and electronic books.

Nothing outside the archive is opened, and definitions of entities, which could expand to any size, are refused.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from xml.parsers.expat import ExpatError, ParserCreate

from aesearch.errors import Unreadable
from aesearch.readers.files import AnyPath

MAX_UNPACKED_BYTES = 512 << 20
"""A document whose parts unpack to more is refused before it is unpacked (a zip bomb)."""

MAX_TEXT_CHARACTERS = 64 << 20
"""A spreadsheet with more text is refused: many cells may refer to one long text."""

OLE_SIGNATURE = b"\xd0\xcf\x11\xe0"
"""Beginning of an Office document with a password, and of one in the format before Office 2007."""

DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    LookupError,
    ExpatError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""Exceptions of zipfile and expat for damaged parts."""


@contextmanager
def open_archive(path: AnyPath, content: bytes, what: str, ending: str) -> Iterator[zipfile.ZipFile]:
    """Open the archive of a document.

    Parameters
    ----------
    path : path-like
    content : bytes
        Content of the file.
    what, ending : str
        Name of the format, and its usual name ending, for error messages.

    Raises
    ------
    Unreadable
        If the archive is not readable, or if one of the DAMAGED exceptions occurs in the `with` block.
    """
    if content.startswith(OLE_SIGNATURE):
        raise Unreadable(path, f"the document has a password or an old format; save it as {ending} without a password")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise Unreadable(path, f"the document unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB")
            yield archive
    except DAMAGED as error:
        raise Unreadable(path, f"the file is not a readable {what} ({error})") from None


def parse_part(archive: zipfile.ZipFile, name: str, **handlers: Any) -> None:
    """Parse a part of XML. Each handler is a function that expat calls; names are reported as `namespace name`."""
    parser = ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    for handler, function in handlers.items():
        setattr(parser, handler, function)
    with archive.open(name) as file:
        parser.ParseFile(file)


def _refuse_doctype(*declaration: object) -> NoReturn:
    """Refuse definitions of entities, which could expand to any size. Office programs write none."""
    raise ExpatError("the document type declaration is not allowed")


def remove_blank_lines(text: str) -> str:
    """Return a text without blank lines."""
    return "\n".join(line for line in text.splitlines() if line.strip())


def describe_missing(missing: Iterable[str]) -> str | None:
    """Return the warning for parts that could not be read, or None if there are none."""
    names = ", ".join(missing)
    return f"{names} could not be read" if names else None
