"""Read OpenDocument texts and spreadsheets (ISO/IEC 26300)."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.archives import DAMAGED, describe_missing, open_archive, parse_part, remove_blank_lines
from aesearch.readers.files import AnyPath
from aesearch.readers.text import HEADING_MARK, document_item, read_document_bytes, take_heading_marks

_OPENDOCUMENT = "urn:oasis:names:tc:opendocument:xmlns"
_TEXT = f"{_OPENDOCUMENT}:text:1.0"
_TABLE = f"{_OPENDOCUMENT}:table:1.0"
_STYLE = f"{_OPENDOCUMENT}:style:1.0"

_HEADING = f"{_TEXT} h"
_PARAGRAPHS = (f"{_TEXT} p", _HEADING)
_CHARACTERS = {f"{_TEXT} s": " ", f"{_TEXT} tab": "\t", f"{_TEXT} line-break": "\n"}
_SHEET, _ROW = f"{_TABLE} table", f"{_TABLE} table-row"
_CELLS = (f"{_TABLE} table-cell", f"{_TABLE} covered-table-cell")
_HEADERS_AND_FOOTERS = tuple(
    f"{_STYLE} {name}" for name in ("header", "header-left", "header-first", "footer", "footer-left", "footer-first")
)
_EXCLUDED = (
    f"{_TEXT} tracked-changes",
    f"{_TEXT} note-citation",
    "http://purl.org/dc/elements/1.1/ creator",
    "http://purl.org/dc/elements/1.1/ date",
    f"{_OPENDOCUMENT}:meta:1.0 creator-initials",
)
"""Deleted text, the numbers of footnotes, and the authors and dates of comments."""

_EMBEDDED = re.compile(r"Object [^/]*/content\.xml")
"""Parts with charts and other objects that are embedded in the document."""

_PASSWORD = b"encryption-data"


def read_text(path: AnyPath) -> Iterator[Item]:
    """Yield the text of a document of a word processor: headers, footers, body, notes, comments, charts."""
    yield _read(path, "OpenDocument text", ".odt", is_spreadsheet=False)


def read_spreadsheet(path: AnyPath) -> Iterator[Item]:
    """Yield the text of a spreadsheet. Each sheet is a section with its name as the heading.

    Cells that are repeated, in a row or as whole rows, are read once.
    """
    yield _read(path, "OpenDocument spreadsheet", ".ods", is_spreadsheet=True)


def _read(path: AnyPath, what: str, ending: str, *, is_spreadsheet: bool) -> Item:
    """Return the item of a document."""
    content = read_document_bytes(path)
    texts, missing = [], []
    with open_archive(path, content, what, ending) as archive:
        names = archive.namelist()
        if "META-INF/manifest.xml" in names and _PASSWORD in archive.read("META-INF/manifest.xml"):
            raise Unreadable(path, f"the document has a password; save it as {ending} without a password")
        body = _read_part(archive, "content.xml", is_spreadsheet)
        for name in ("styles.xml", *filter(_EMBEDDED.fullmatch, names)):
            try:
                if name in names:
                    texts.append(_read_part(archive, name))
            except DAMAGED:
                missing.append(name)
    text, sections = take_heading_marks(remove_blank_lines("\n".join([*texts[:1], body, *texts[1:]])))
    return document_item(text, path, content, describe_missing(missing), sections)


def _read_part(archive: zipfile.ZipFile, name: str, is_spreadsheet: bool = False) -> str:
    """Return the text of a part. HEADING_MARK precedes headings, and the names of the sheets of a spreadsheet."""
    pieces: list[str] = []
    excluded_depth = paragraph_depth = cell_depth = 0
    visible_depth = 0 if name == "styles.xml" else 1  # of that part, only headers and footers are shown

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal excluded_depth, paragraph_depth, cell_depth, visible_depth
        excluded_depth += element in _EXCLUDED
        paragraph_depth += element in _PARAGRAPHS
        cell_depth += element in _CELLS
        visible_depth += element in _HEADERS_AND_FOOTERS
        if element in _PARAGRAPHS:
            pieces.append(" " if is_spreadsheet and cell_depth else "\n")
            if element == _HEADING and not is_spreadsheet:
                pieces.append(HEADING_MARK)
        elif element == _SHEET and is_spreadsheet:
            pieces.append(f"\n{HEADING_MARK}{attributes.get(f'{_TABLE} name', '')}\n")
        elif element in _CHARACTERS and paragraph_depth and visible_depth and not excluded_depth:
            pieces.append(" " if is_spreadsheet and cell_depth else _CHARACTERS[element])

    def end(element: str) -> None:
        nonlocal excluded_depth, paragraph_depth, cell_depth, visible_depth
        excluded_depth -= element in _EXCLUDED
        paragraph_depth -= element in _PARAGRAPHS
        cell_depth -= element in _CELLS
        visible_depth -= element in _HEADERS_AND_FOOTERS
        if element in _CELLS and is_spreadsheet:
            pieces.append("\t")
        elif element == _ROW or (element in _PARAGRAPHS and not (is_spreadsheet and cell_depth)):
            pieces.append("\n")

    def characters(text: str) -> None:
        if paragraph_depth and visible_depth and not excluded_depth:
            pieces.append(text)

    parse_part(archive, name, StartElementHandler=start, EndElementHandler=end, CharacterDataHandler=characters)
    text = "".join(pieces)
    return "\n".join(map(_clean_row, text.split("\n"))) if is_spreadsheet else text


def _clean_row(line: str) -> str:
    """Return a row without the cells that are empty."""
    return "\t".join(filter(None, map(str.strip, line.split("\t"))))
