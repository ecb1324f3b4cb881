"""Read plain text, Markdown and source code in any encoding."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from aesearch.errors import Unreadable
from aesearch.items import Item, Section
from aesearch.readers.encodings import decode_text
from aesearch.readers.files import AnyPath, read_bytes

MAX_DOCUMENT_BYTES = 64 << 20
"""A larger text is a log or a dump, not a document."""

MARKUP_ENDINGS = (".md", ".markdown", ".rst")
_HEADING = re.compile(
    r"^(?:#{1,6}[ \t]+(?P<marked>\S.*?)[ \t#]*|(?P<underlined>\S.*)\n(?:={3,}|-{3,}|~{3,})[ \t]*)$", re.MULTILINE
)
HEADING_MARK = "\ufdd0"
"""Written before each heading while a document is read. It is no character of any text."""


def read(path: AnyPath, encoding: str | None = None) -> Iterator[Item]:
    """Yield the document in a text file."""
    content = read_document_bytes(path)
    text, warning = decode_text(content, path, encoding)
    is_marked_up = str(path).lower().endswith(MARKUP_ENDINGS)
    yield document_item(text, path, content, warning, find_headings(text) if is_marked_up else ())


def read_document_bytes(path: AnyPath) -> bytes:
    """Return the content of a document's file. Raise Unreadable if it is empty or larger than MAX_DOCUMENT_BYTES."""
    return read_bytes(path, MAX_DOCUMENT_BYTES, "split it into documents")


def find_headings(text: str) -> tuple[Section, ...]:
    """Return the sections that the headings of a text in Markdown or reStructuredText begin."""
    headings = _HEADING.finditer(text)
    return tuple(Section(match.start(), heading=match["marked"] or match["underlined"]) for match in headings)


def take_heading_marks(text: str) -> tuple[str, tuple[Section, ...]]:
    """Return a text without the HEADING_MARK that precedes each heading, and the sections that the headings begin."""
    first, *parts = text.split(HEADING_MARK)
    kept, length, sections = [first], len(first), list[Section]()
    for part in parts:
        heading = part.partition("\n")[0].strip()
        if heading:
            sections.append(Section(length, heading=heading))
        kept.append(part)
        length += len(part)
    return "".join(kept), tuple(sections)


def document_item(
    text: str,
    path: AnyPath,
    content: bytes,
    warning: str | None = None,
    sections: tuple[Section, ...] = (),
    metadata: Mapping[str, Any] = MappingProxyType({}),
) -> Item:
    """Return the item of a file that holds one document.

    Parameters
    ----------
    text : str
        The document.
    path : path-like
        The file.
    content : bytes
        Content of the file, for the digest.
    warning : str, optional
        What is missing from the text.
    sections : tuple of Section
        Its pages, or its headings.
    metadata : mapping
        Such as its title, author and number of pages.

    Raises
    ------
    Unreadable
        If the text is blank.
    """
    if not text.strip():
        raise Unreadable(path, "the file contains no text")
    digest = hashlib.sha256(content).digest()
    return Item("", text, path=str(path), digest=digest, warning=warning, sections=sections, metadata=dict(metadata))
