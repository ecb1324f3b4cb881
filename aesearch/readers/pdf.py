"""PDF documents by PDFium (the extra `documents`)."""

from __future__ import annotations

from collections.abc import Iterator

from aesearch.errors import MissingExtra, Unreadable
from aesearch.items import Item
from aesearch.readers.files import AnyPath
from aesearch.readers.text import document, read_document

MAX_PAGES = 2_000
"""Pages read of one document; those after it are left out."""


def read(path: AnyPath) -> Iterator[Item]:
    """The text of the document `path`, page after page."""
    try:
        import pypdfium2
    except ImportError:
        raise MissingExtra("pypdfium2", "documents") from None

    raw = read_document(path)
    try:
        pdf = pypdfium2.PdfDocument(raw)
    except pypdfium2.PdfiumError as error:
        raise Unreadable(path, f"it is not a readable PDF ({error})") from None
    try:
        pages = (pdf[number] for number in range(min(len(pdf), MAX_PAGES)))
        text = "\n".join(page.get_textpage().get_text_range() for page in pages)
    except pypdfium2.PdfiumError as error:
        raise Unreadable(path, f"the PDF is damaged ({error})") from None
    finally:
        pdf.close()
    if not text.strip():
        raise Unreadable(path, "the PDF holds no text, only pictures; recognise its text (OCR) first")
    yield document(text, path, raw)
