"""Read PDF documents with PDFium."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from threading import Lock
from typing import Any

from aesearch.errors import Unreadable
from aesearch.items import Item, Section
from aesearch.readers.files import AnyPath
from aesearch.readers.text import document_item, read_document_bytes

MAX_PAGES = 2_000
"""Pages to read of one document."""

MAX_UNKNOWN_SHARE = 0.1
"""Share of characters without a meaning in Unicode above which a text is probably not readable: its fonts do not say which
characters they draw."""

PAGE_BREAK = "\f"
"""Character between two pages."""

HYPHEN_AT_LINE_END = "\ufffe"
"""What PDFium returns for a hyphen at the end of a line, with the line end."""

_PDFIUM_LOCK = Lock()
"""Held while PDFium is used. It must not run in two threads at a time."""

_DIVIDED_WORD = re.compile(rf"(\w+){HYPHEN_AT_LINE_END}(\w+)")
_HYPHENATED_WORD = re.compile(r"\w+-\w+")
_UNKNOWN_CHARACTER = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd\uffff]")


def read(path: AnyPath) -> Iterator[Item]:
    """Yield the text of a PDF document, page by page."""
    import pypdfium2

    content = read_document_bytes(path)
    with _PDFIUM_LOCK:
        try:
            pdf = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError as error:
            raise Unreadable(path, f"the file is not a readable PDF ({error})") from None
        try:
            text, pages, problems = _read_pages(pdf)
            metadata = _read_metadata(pdf)
        finally:
            pdf.close()
    if not text.strip():
        details = f" ({'; '.join(problems)})" if problems else ""
        raise Unreadable(path, f"the PDF contains no text{details}; run text recognition (OCR) on it first")
    yield document_item(text, path, content, "; ".join(problems) or None, pages, metadata)


def _read_pages(pdf: Any) -> tuple[str, tuple[Section, ...], list[str]]:
    """Return the text of a document, its pages, and what is missing from it. A damaged page costs only itself."""
    from pypdfium2 import PdfiumError

    texts, numbers, damaged, images = [], [], [], []
    for number in range(1, min(len(pdf), MAX_PAGES) + 1):
        try:
            page = _load_page(pdf, number - 1)
            text = page.get_textpage().get_text_range()
            if not text.strip() and _has_images(page):
                images.append(number)
            page.close()
        except PdfiumError:
            damaged.append(number)
        else:
            texts.append(text.replace(PAGE_BREAK, "\n"))
            numbers.append(number)
    text = _join_divided_words(PAGE_BREAK.join(texts))
    starts = [0, *(match.end() for match in re.finditer(PAGE_BREAK, text))]
    pages = tuple(Section(start, page=number) for start, number in zip(starts, numbers, strict=False))
    problems = []
    if damaged:
        problems.append(f"{_name_pages(damaged)} could not be read")
    if images:
        problems.append(f"only images and no text on {_name_pages(images)}")
    if len(pdf) > MAX_PAGES:
        problems.append(f"pages after {MAX_PAGES:,} were not read")
    if pdf.count_attachments():
        problems.append("attached files were not read")
    n_unknown = len(_UNKNOWN_CHARACTER.findall(text))
    if n_unknown > MAX_UNKNOWN_SHARE * len(text):
        problems.append(f"{n_unknown / len(text):.0%} of the characters are unknown, because the fonts do not name them")
    return text, pages, problems


def _read_metadata(pdf: Any) -> dict[str, Any]:
    """Return the title and the author that a document states, and its number of pages."""
    stated = {name.lower(): pdf.get_metadata_value(name).strip() for name in ("Title", "Author")}
    return {name: value for name, value in stated.items() if value} | {"pages": len(pdf)}


def _load_page(pdf: Any, number: int) -> Any:
    """Return a page on which the contents of form fields and notes are part of the text."""
    from pypdfium2 import raw

    page = pdf[number]
    if raw.FPDFPage_GetAnnotCount(page) and raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY) == raw.FLATTEN_SUCCESS:
        page.close()
        page = pdf[number]  # only a page that is loaded again has the text
    return page


def _has_images(page: Any) -> bool:
    """Return whether a page shows an image."""
    from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

    return any(True for _ in page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE], max_depth=3))


def _join_divided_words(text: str) -> str:
    """Join the words that are divided by a hyphen at the end of a line, unless the hyphen is part of the word.

    It is if the word has a hyphen elsewhere in the text, or if its second part begins with a capital.
    """
    if HYPHEN_AT_LINE_END not in text:
        return text
    hyphenated = {word.lower() for word in _HYPHENATED_WORD.findall(text)}

    def join(match: re.Match[str]) -> str:
        first, second = match.groups()
        has_hyphen = f"{first}-{second}".lower() in hyphenated or (second[0].isupper() and not first.isupper())
        return f"{first}-{second}" if has_hyphen else first + second

    return _DIVIDED_WORD.sub(join, text).replace(HYPHEN_AT_LINE_END, "")


def _name_pages(numbers: Sequence[int]) -> str:
    """Return pages for a message, such as "pages 3, 5-7"."""
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    names = ", ".join(f"{run[0]:,}" if len(run) == 1 else f"{run[0]:,}-{run[-1]:,}" for run in runs)
    return f"page {names}" if len(numbers) == 1 else f"pages {names}"
