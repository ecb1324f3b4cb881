"""Plain text, Markdown and HTML in whatever encoding they were written."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.files import AnyPath, read_bytes

MAX_BYTES = 64 << 20
"""A larger text is refused: it is a log or a dump, not a document."""

ENCODINGS = ("gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1252", "cp1251", "koi8_r")
"""Looked for where a text is not UTF-8: Chinese, Japanese, Korean, Western European and Cyrillic ones.  Let loose on all
that Python knows, the detector takes short Western texts for Baltic or Urdu."""

_MARKS = (  # longest first: the mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read(path: AnyPath) -> Iterator[Item]:
    """The one text of the file `path`."""
    raw = read_document(path)
    yield document(decode(raw, path), path, raw)


def read_html(path: AnyPath) -> Iterator[Item]:
    """What a reader of the page `path` sees: its title and text, without scripts and styles."""
    from selectolax.lexbor import LexborHTMLParser

    raw = read_document(path)
    page = LexborHTMLParser(decode(raw, path))
    page.strip_tags(["script", "style", "noscript", "template"])
    title = page.css_first("title")
    text = page.body.text(separator=" ") if page.body else ""
    yield document(f"{title.text() if title else ''}\n{text}", path, raw)


def read_document(path: AnyPath) -> bytes:
    """The content of a document's file.  Raises Unreadable where it is empty or larger than MAX_BYTES."""
    return read_bytes(path, MAX_BYTES, "split it into documents first")


def document(text: str, path: AnyPath, raw: bytes) -> Item:
    """The item of a one-document file.  Raises Unreadable where no text is left."""
    if not text.strip():
        raise Unreadable(path, "it holds no text")
    return Item("", text, path=str(path), digest=hashlib.sha256(raw).digest())


def decode(raw: bytes, name: object) -> str:
    """`raw` as text: by its byte-order mark, as UTF-8, or as charset-normalizer finds it.

    Raises Unreadable, which names `name`, where the bytes are no text at all.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding, "replace")
    if b"\0" in raw[:65536]:
        raise Unreadable(name, "its content is not text (it holds zero bytes)")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        # What lies before is ASCII, or as good as: it says nothing of the encoding.
        return raw.decode(_encoding_of(raw[max(0, error.start - 200) :][:65536]), "replace")


def _encoding_of(raw: bytes) -> str:
    """The most likely encoding of text that is not UTF-8."""
    from charset_normalizer import from_bytes

    best = from_bytes(raw, cp_isolation=list(ENCODINGS)).best()
    return best.encoding if best else "latin-1"
