"""Read Word documents with python-docx (extra `documents`)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from aesearch.errors import MissingExtra, Unreadable
from aesearch.items import Item
from aesearch.readers.files import AnyPath
from aesearch.readers.text import document_item, read_document_bytes

MAX_UNPACKED_BYTES = 512 << 20
"""A document whose parts unpack to more is refused before it is unpacked (a zip bomb)."""


def read(path: AnyPath) -> Iterator[Item]:
    """Yield the paragraphs and table cells of a Word document, in order, as one text."""
    try:
        import docx
    except ImportError:
        raise MissingExtra("python-docx", "documents") from None

    content = read_document_bytes(path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise Unreadable(path, f"the document unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB")
        blocks = docx.Document(io.BytesIO(content)).iter_inner_content()
        text = "\n".join(_block_text(block) for block in blocks)
    except Unreadable:
        raise
    except Exception as error:  # python-docx raises the exceptions of zipfile and lxml, and errors of its own
        raise Unreadable(path, f"the file is not a readable Word document ({error})") from None
    yield document_item(text, path, content)


def _block_text(block: object) -> str:
    """Return the text of a paragraph, or of a table with one line per row."""
    if hasattr(block, "rows"):
        return "\n".join("\t".join(cell.text for cell in row.cells) for row in block.rows)
    return str(getattr(block, "text", ""))
