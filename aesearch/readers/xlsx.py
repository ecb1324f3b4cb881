"""Read Excel workbooks, sheet by sheet: the stored values of the cells, comments, text boxes and charts."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from aesearch.items import Item
from aesearch.readers.archives import (
    DAMAGED,
    MAX_TEXT_CHARACTERS,
    describe_missing,
    open_archive,
    parse_part,
    remove_blank_lines,
)
from aesearch.readers.files import AnyPath
from aesearch.readers.ooxml import (
    SPREADSHEET,
    main_part,
    qualified_names,
    read_part_text,
    read_properties,
    related_parts,
    relationship_id,
)
from aesearch.readers.text import HEADING_MARK, document_item, read_document_bytes, take_heading_marks

_SHEET = qualified_names(SPREADSHEET, "sheet")
_PROPERTIES = qualified_names(SPREADSHEET, "workbookPr")
_SHARED = qualified_names(SPREADSHEET, "si")
_TEXT = qualified_names(SPREADSHEET, "t")
_PRONUNCIATION = qualified_names(SPREADSHEET, "rPh")
_ROW = qualified_names(SPREADSHEET, "row")
_CELL = qualified_names(SPREADSHEET, "c")
_VALUE = qualified_names(SPREADSHEET, "v", "t")
_FORMAT = qualified_names(SPREADSHEET, "numFmt")
_CELL_FORMATS = qualified_names(SPREADSHEET, "cellXfs")
_CELL_FORMAT = qualified_names(SPREADSHEET, "xf")

_DATE_FORMATS = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
"""Numbers of the built-in formats that show a number as a date or a time."""

_LITERAL = re.compile(r'"[^"]*"|\\.|\[(?!h|m|s)[^\]]*\]', re.IGNORECASE)
"""Parts of a format that are shown as they are, or name a color."""
_DATE_LETTER = re.compile("[ymdhs]", re.IGNORECASE)

_FIRST_DAY, _FIRST_DAY_ON_MACINTOSH = datetime(1899, 12, 30), datetime(1904, 1, 1)
_MAX_DAYS = 2_958_465
"""The last day of the year 9999."""


class _Workbook(NamedTuple):
    """The sheets, as pairs of a name and a part, and what their cells refer to."""

    sheets: Sequence[tuple[str, str]]
    shared_texts: Sequence[str]
    is_date: Sequence[bool]
    first_day: datetime


def read(path: AnyPath) -> Iterator[Item]:
    """Yield the text of a workbook. Each sheet is a section with its name as the heading."""
    content = read_document_bytes(path)
    missing: list[str] = []
    with open_archive(path, content, "Excel workbook", ".xlsx") as archive:
        text, properties = _read_sheets(archive, missing), read_properties(archive)
    text, sections = take_heading_marks(text)
    yield document_item(text, path, content, describe_missing(missing), sections, properties)


def _read_sheets(archive: zipfile.ZipFile, missing: list[str]) -> str:
    """Return the text of all sheets that have text. Append the parts that cannot be read to `missing`."""
    workbook = _read_workbook(archive)
    texts: list[str] = []
    for name, part in workbook.sheets:
        pieces: list[str] = []
        try:
            _read_cells(archive, part, workbook, pieces, sum(map(len, texts)))
        except DAMAGED as error:
            if isinstance(error, _TooLong):
                raise
            missing.append(f'a part of the sheet "{name}"' if pieces else f'the sheet "{name}"')
        pieces += _read_drawings(archive, part, missing)
        if text := remove_blank_lines("".join(pieces)):
            texts.append(f"{HEADING_MARK}{name}\n{text}\n")
    return "".join(texts)


class _TooLong(ValueError):
    """The text exceeds MAX_TEXT_CHARACTERS."""


def _read_workbook(archive: zipfile.ZipFile) -> _Workbook:
    """Return the list of sheets, and the texts and formats to which cells refer."""
    main = main_part(archive, "xl/workbook.xml")
    parts = related_parts(archive, main)
    names = {part.id: part.name for part in parts}
    sheets: list[tuple[str, str]] = []
    first_day = _FIRST_DAY

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal first_day
        if element in _SHEET:
            sheets.append((attributes.get("name", ""), names.get(relationship_id(attributes), "")))
        elif element in _PROPERTIES and attributes.get("date1904") in ("1", "true"):
            first_day = _FIRST_DAY_ON_MACINTOSH

    parse_part(archive, main, StartElementHandler=start)
    roles = {part.role: part.name for part in parts}
    shared_texts = _read_shared_texts(archive, roles["sharedStrings"]) if "sharedStrings" in roles else []
    is_date = _read_formats(archive, roles["styles"]) if "styles" in roles else []
    return _Workbook(sheets, shared_texts, is_date, first_day)


def _read_shared_texts(archive: zipfile.ZipFile, part: str) -> list[str]:
    """Return the texts to which cells refer by their number."""
    texts: list[str] = []
    pieces: list[str] = []
    text_depth = excluded_depth = 0

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal text_depth, excluded_depth
        text_depth += element in _TEXT
        excluded_depth += element in _PRONUNCIATION

    def end(element: str) -> None:
        nonlocal text_depth, excluded_depth
        text_depth -= element in _TEXT
        excluded_depth -= element in _PRONUNCIATION
        if element in _SHARED:
            texts.append("".join(pieces))
            pieces.clear()

    def characters(text: str) -> None:
        if text_depth and not excluded_depth:
            pieces.append(text)

    parse_part(archive, part, StartElementHandler=start, EndElementHandler=end, CharacterDataHandler=characters)
    return texts


def _read_formats(archive: zipfile.ZipFile, part: str) -> list[bool]:
    """Return for each format of cells whether it shows numbers as dates."""
    codes: dict[str, str] = {}
    numbers: list[str] = []
    is_inside = False

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal is_inside
        if element in _FORMAT:
            codes[attributes["numFmtId"]] = attributes.get("formatCode", "")
        elif element in _CELL_FORMATS:
            is_inside = True
        elif element in _CELL_FORMAT and is_inside:
            numbers.append(attributes.get("numFmtId", "0"))

    def end(element: str) -> None:
        nonlocal is_inside
        is_inside = is_inside and element not in _CELL_FORMATS

    parse_part(archive, part, StartElementHandler=start, EndElementHandler=end)
    is_date = {number: _DATE_LETTER.search(_LITERAL.sub("", code)) is not None for number, code in codes.items()}
    return [is_date.get(number, number.isdecimal() and int(number) in _DATE_FORMATS) for number in numbers]


def _read_cells(archive: zipfile.ZipFile, part: str, workbook: _Workbook, pieces: list[str], n_read: int) -> None:
    """Append the cells of a sheet to `pieces`: a line for each row, with tabs between the cells that have a value.

    Raises
    ------
    _TooLong
        If the texts of the sheets, of which the `n_read` characters of other sheets are already read, are too long.
    """
    cells: list[str] = []
    value: list[str] = []
    cell_type, cell_format, value_depth, excluded_depth = "", "0", 0, 0

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal cell_type, cell_format, value_depth, excluded_depth
        value_depth += element in _VALUE
        excluded_depth += element in _PRONUNCIATION
        if element in _CELL:
            cell_type, cell_format = attributes.get("t", "n"), attributes.get("s", "0")
            value.clear()

    def end(element: str) -> None:
        nonlocal value_depth, excluded_depth, n_read
        value_depth -= element in _VALUE
        excluded_depth -= element in _PRONUNCIATION
        if element in _CELL and value:
            cells.append(_cell_text("".join(value), cell_type, cell_format, workbook))
            n_read += len(cells[-1])
            if n_read > MAX_TEXT_CHARACTERS:
                raise _TooLong(f"it contains more than {MAX_TEXT_CHARACTERS >> 20} MiB of text")
        elif element in _ROW:
            pieces.append("\t".join(filter(None, cells)) + "\n")
            cells.clear()

    def characters(text: str) -> None:
        if value_depth and not excluded_depth:
            value.append(text)

    parse_part(archive, part, StartElementHandler=start, EndElementHandler=end, CharacterDataHandler=characters)


def _cell_text(value: str, cell_type: str, cell_format: str, workbook: _Workbook) -> str:
    """Return the stored value of a cell as a text on one line."""
    if cell_type == "s":
        value = workbook.shared_texts[int(value)] if int(value) < len(workbook.shared_texts) else ""
    elif cell_type == "b":
        return "TRUE" if value.strip() == "1" else "FALSE"
    elif cell_type == "n":
        number = float(value)
        is_date = cell_format.isdecimal() and any(workbook.is_date[int(cell_format) : int(cell_format) + 1])
        if is_date and 0 <= number < _MAX_DAYS:
            return _date_text(number, workbook.first_day)
        return f"{number:.15g}"
    return " ".join(value.split())


def _date_text(days: float, first_day: datetime) -> str:
    """Return a date, a time, or both."""
    moment = first_day + timedelta(seconds=round(days * 86_400))
    if days < 1:
        return moment.strftime("%H:%M:%S")
    return moment.strftime("%Y-%m-%d" if days == int(days) else "%Y-%m-%d %H:%M:%S")


def _read_drawings(archive: zipfile.ZipFile, sheet: str, missing: list[str]) -> list[str]:
    """Return the texts of the comments, text boxes, diagrams and charts on a sheet."""
    texts = []
    direct = [part for part in related_parts(archive, sheet) if part.role in ("comments", "drawing")] if sheet else []
    for part in [*direct, *(inner for drawing in direct for inner in related_parts(archive, drawing.name))]:
        if part.role in ("comments", "drawing", "chart", "diagramData"):
            try:
                texts.append(read_part_text(archive, part.name).text)
            except DAMAGED:
                missing.append(part.name)
    return texts
