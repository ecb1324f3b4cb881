"""Word documents by python-docx (the extra `documents`)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from aesearch.errors import MissingExtra, Unreadable
from aesearch.items import Item
from aesearch.readers.files import AnyPath
from aesearch.readers.text import document, read_document

MAX_UNPACKED = 512 << 20
"""Bytes that the parts of a document may unpack to; more is refused before any is unpacked (a zip bomb)."""


def read_docx(path: AnyPath) -> Iterator[Item]:
    """The paragraphs and table cells of the document `path`, in their order."""
    try:
        import docx
    except ImportError:
        raise MissingExtra("python-docx", "documents") from None

    raw = read_document(path)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MAX_UNPACKED:
                raise Unreadable(path, f"it unpacks to more than {MAX_UNPACKED >> 20} MiB")
        blocks = docx.Document(io.BytesIO(raw)).iter_inner_content()
        text = "\n".join(_text_of(block) for block in blocks)
    except Unreadable:
        raise
    except Exception as error:  # python-docx lets through whatever zipfile, lxml and its own tree raise
        raise Unreadable(path, f"it is not a readable Word document ({error})") from None
    yield document(text, path, raw)


def _text_of(block: object) -> str:
    """The text of a paragraph, or of a table row by row."""
    if hasattr(block, "rows"):
        return "\n".join("\t".join(cell.text for cell in row.cells) for row in block.rows)
    return str(getattr(block, "text", ""))
