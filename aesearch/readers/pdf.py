"""Read PDF documents with PDFium (extra `documents`)."""

from __future__ import annotations

from collections.abc import Iterator

from aesearch.errors import MissingExtra, Unreadable
from aesearch.items import Item
from aesearch.readers.files import AnyPath
from aesearch.readers.text import document_item, read_document_bytes

MAX_PAGES = 2_000
"""Pages to read of one document. The rest is ignored."""


def read(path: AnyPath) -> Iterator[Item]:
    """Yield the text of a PDF document, page by page."""
    try:
        import pypdfium2
    except ImportError:
        raise MissingExtra("pypdfium2", "documents") from None

    content = read_document_bytes(path)
    try:
        pdf = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise Unreadable(path, f"the file is not a readable PDF ({error})") from None
    try:
        pages = (pdf[number] for number in range(min(len(pdf), MAX_PAGES)))
        text = "\n".join(page.get_textpage().get_text_range() for page in pages)
    except pypdfium2.PdfiumError as error:
        raise Unreadable(path, f"the PDF is damaged ({error})") from None
    finally:
        pdf.close()
    if not text.strip():
        raise Unreadable(path, "the PDF contains only images and no text; run text recognition (OCR) on it first")
    yield document_item(text, path, content)
