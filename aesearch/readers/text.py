"""Read plain text and Markdown in any encoding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.encodings import decode_text
from aesearch.readers.files import AnyPath, read_bytes

MAX_DOCUMENT_BYTES = 64 << 20
"""A larger text is a log or a dump, not a document."""


def read(path: AnyPath, encoding: str | None = None) -> Iterator[Item]:
    """Yield the document in a text file."""
    content = read_document_bytes(path)
    text, warning = decode_text(content, path, encoding)
    yield document_item(text, path, content, warning)


def read_document_bytes(path: AnyPath) -> bytes:
    """Return the content of a document's file. Raise Unreadable if it is empty or larger than MAX_DOCUMENT_BYTES."""
    return read_bytes(path, MAX_DOCUMENT_BYTES, "split it into documents")


def document_item(text: str, path: AnyPath, content: bytes, warning: str | None = None) -> Item:
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

    Raises
    ------
    Unreadable
        If the text is blank.
    """
    if not text.strip():
        raise Unreadable(path, "the file contains no text")
    return Item("", text, path=str(path), digest=hashlib.sha256(content).digest(), warning=warning)
