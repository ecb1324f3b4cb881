"""Read plain text, Markdown and HTML in any encoding."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.files import AnyPath, read_bytes

MAX_DOCUMENT_BYTES = 64 << 20
"""A larger text is a log or a dump, not a document."""

ENCODINGS = ("gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1252", "cp1251", "koi8_r")
"""Encodings to consider for a text that is not UTF-8: Chinese, Japanese, Korean, Western European and Cyrillic. With all
encodings of Python, the detector takes short Western texts for Baltic or Urdu."""

DETECTION_BYTES = 1 << 16
"""Length of the part of a text in which zero bytes are searched and the encoding is detected."""

DETECTION_CONTEXT_BYTES = 200
"""Bytes before the first one that is not UTF-8 at which this part starts."""

_BYTE_ORDER_MARKS = (  # the mark of UTF-32 first: it starts with that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read(path: AnyPath) -> Iterator[Item]:
    """Yield the document in a text file."""
    content = read_document_bytes(path)
    yield document_item(decode_text(content, path), path, content)


def read_html(path: AnyPath) -> Iterator[Item]:
    """Yield the title and the visible text of a web page, without scripts and styles."""
    from selectolax.lexbor import LexborHTMLParser

    content = read_document_bytes(path)
    page = LexborHTMLParser(decode_text(content, path))
    page.strip_tags(["script", "style", "noscript", "template"])
    title = page.css_first("title")
    body = page.body.text(separator=" ") if page.body else ""
    yield document_item(f"{title.text() if title else ''}\n{body}", path, content)


def read_document_bytes(path: AnyPath) -> bytes:
    """Return the content of a document's file. Raise Unreadable if it is empty or larger than MAX_DOCUMENT_BYTES."""
    return read_bytes(path, MAX_DOCUMENT_BYTES, "split it into documents")


def document_item(text: str, path: AnyPath, content: bytes) -> Item:
    """Return the item of a file that holds one document.

    Parameters
    ----------
    text : str
        The document.
    path : path-like
        The file.
    content : bytes
        Content of the file, for the digest.

    Raises
    ------
    Unreadable
        If the text is blank.
    """
    if not text.strip():
        raise Unreadable(path, "the file contains no text")
    return Item("", text, path=str(path), digest=hashlib.sha256(content).digest())


def decode_text(content: bytes, name: object) -> str:
    """Decode a text by its byte order mark, as UTF-8, or in the encoding that charset-normalizer detects.

    Parameters
    ----------
    content : bytes
    name : object
        The file, for error messages.

    Raises
    ------
    Unreadable
        If the content is binary.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    if b"\0" in content[:DETECTION_BYTES]:
        raise Unreadable(name, "the content is not text (it contains zero bytes)")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        # What precedes the first invalid byte is mostly ASCII and does not reveal the encoding.
        start = max(0, error.start - DETECTION_CONTEXT_BYTES)
        return content.decode(_detect_encoding(content[start:][:DETECTION_BYTES]), "replace")


def _detect_encoding(content: bytes) -> str:
    """Return the most likely encoding of a text that is not UTF-8."""
    from charset_normalizer import from_bytes

    best = from_bytes(content, cp_isolation=list(ENCODINGS)).best()
    return best.encoding if best else "latin-1"
