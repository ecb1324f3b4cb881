"""Presentations, workbooks and OpenDocument files: text in order, sections, missing parts, hostile files."""

import datetime
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import odf.office
import odf.table
import odf.text
import openpyxl
import pptx
import pytest
from odf.opendocument import OpenDocumentSpreadsheet, OpenDocumentText
from openpyxl.comments import Comment
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers import archives, xlsx
from aesearch.readers.files import read_file


def read(path: Path) -> Item:
    (item,) = read_file(path)
    if isinstance(item, Unreadable):
        raise item
    return item


def edit_archive(path: Path, edit: Callable[[str, bytes], bytes | None]) -> None:
    """Replace every part by what `edit` returns for its name and content; None removes it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: edit(name, archive.read(name)) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            if content is not None:
                archive.writestr(name, content)


def headings(item: Item) -> list[tuple[str | None, str]]:
    """Return the heading of each section, and the first line after it."""
    lines = [str(item.content)[section.start :].split("\n") for section in item.sections]
    return [(section.heading, found[1]) for section, found in zip(item.sections, lines, strict=True)]


def write_slides(path: Path) -> None:
    presentation = pptx.Presentation()
    for number in (1, 2, 3):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        if number != 2:  # the second slide is empty
            slide.shapes.title.text = f"Title {number}"
            slide.placeholders[1].text = f"first line {number}\nsecond line"
            slide.notes_slide.notes_text_frame.text = f"note {number}"
    data = CategoryChartData()
    data.categories = ["pumps", "valves"]
    data.add_series("sold", (1, 2))
    box = (XL_CHART_TYPE.PIE, Inches(1), Inches(1), Inches(2), Inches(2), data)
    slide.shapes.add_chart(*box).chart.chart_title.text_frame.text = "a chart"
    presentation.save(str(path))


def test_slides_are_sections_with_page_numbers(tmp_path: Path) -> None:
    write_slides(tmp_path / "a.pptx")
    item = read(tmp_path / "a.pptx")
    first, third = item.sections
    assert (first.page, third.page) == (1, 3)
    text = str(item.content)
    assert text[: third.start] == "Title 1\nfirst line 1\nsecond line\nnote 1\n"
    assert text[third.start :].splitlines() == ["Title 3", "first line 3", "second line", "a chart", "note 3"]
    assert item.warning is None


def test_slides_are_read_in_the_order_of_the_presentation(tmp_path: Path) -> None:
    write_slides(tmp_path / "a.pptx")
    presentation = pptx.Presentation(str(tmp_path / "a.pptx"))
    slides = presentation.slides._sldIdLst
    slides.append(slides[0])  # move the first slide to the end
    presentation.save(str(tmp_path / "b.pptx"))
    item = read(tmp_path / "b.pptx")
    assert [str(item.content)[section.start :].split("\n")[0] for section in item.sections] == ["Title 3", "Title 1"]
    assert [section.page for section in item.sections] == [2, 3]


def test_damaged_slide_is_named(tmp_path: Path) -> None:
    write_slides(tmp_path / "a.pptx")
    edit_archive(tmp_path / "a.pptx", lambda name, content: b"<x" if name == "ppt/slides/slide1.xml" else content)
    item = read(tmp_path / "a.pptx")
    assert item.warning == "slide 1 could not be read"
    assert "Title 3" in str(item.content)


def write_workbook(path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "Pumps"
    sheet.append(["name", "built", "cost", "sold"])
    sheet.append(["pump\nA", datetime.date(2024, 3, 5), 12.5, True])
    sheet.append(["pump B", datetime.datetime(2024, 3, 5, 13, 30), None, 3])
    sheet.append([datetime.time(8, 15), 0.1 + 0.2, 12345678, False])
    sheet["C2"].number_format = '0.00 "days"'
    sheet["A6"] = "=SUM(C2:C3)"  # openpyxl stores no value of a formula
    sheet["A2"].comment = Comment("needs oil", "an author")
    workbook.create_sheet("Empty")
    workbook.create_sheet("Valves")["D4"] = "valve"
    workbook.save(path)


def test_sheets_are_sections_of_tab_separated_cells(tmp_path: Path) -> None:
    write_workbook(tmp_path / "a.xlsx")
    item = read(tmp_path / "a.xlsx")
    assert str(item.content).splitlines() == [
        "Pumps",
        "name\tbuilt\tcost\tsold",
        "pump A\t2024-03-05\t12.5\tTRUE",
        "pump B\t2024-03-05 13:30:00\t3",
        "08:15:00\t0.3\t12345678\tFALSE",
        "needs oil",
        "Valves",
        "valve",
    ]
    assert headings(item) == [("Pumps", "name\tbuilt\tcost\tsold"), ("Valves", "valve")]
    assert item.warning is None


def test_stored_value_of_a_formula_is_read(tmp_path: Path) -> None:
    write_workbook(tmp_path / "a.xlsx")
    edit_archive(
        tmp_path / "a.xlsx",
        lambda name, content: content.replace(b"<v />", b"<v>15.5</v>").replace(b"<v></v>", b"<v>15.5</v>"),
    )
    text = str(read(tmp_path / "a.xlsx").content)
    assert "15.5" in text
    assert "SUM" not in text


def test_dates_of_a_macintosh_are_four_years_later(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    workbook.active.append([datetime.date(2024, 3, 5)])
    workbook.save(tmp_path / "a.xlsx")
    assert "2024-03-05" in str(read(tmp_path / "a.xlsx").content)


def test_damaged_sheet_is_named(tmp_path: Path) -> None:
    write_workbook(tmp_path / "a.xlsx")
    edit_archive(tmp_path / "a.xlsx", lambda name, content: content[:-40] if name.endswith("sheet3.xml") else content)
    item = read(tmp_path / "a.xlsx")
    assert item.warning is not None
    assert 'the sheet "Valves" could not be read' in item.warning or 'a part of the sheet "Valves"' in item.warning
    assert "pump A" in str(item.content)


def test_cells_that_repeat_a_long_text_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MAX_TEXT_CHARACTERS", 1 << 20)
    workbook = openpyxl.Workbook()
    for _ in range(60):
        workbook.active.append(["x" * 30_000])  # stored once
    workbook.save(tmp_path / "a.xlsx")
    with pytest.raises(Unreadable, match="more than 1 MiB of text"):
        read(tmp_path / "a.xlsx")


def write_text_document(path: Path) -> None:
    document = OpenDocumentText()
    document.text.addElement(odf.text.H(outlinelevel=1, text="Pumps"))
    paragraph = odf.text.P(text="They move")
    paragraph.addElement(odf.text.S(c=5))
    paragraph.addText("water")
    paragraph.addElement(odf.text.LineBreak())
    paragraph.addElement(odf.text.Span(text="slow"))
    paragraph.addText("ly")
    note = odf.text.Note(noteclass="footnote")
    note.addElement(odf.text.NoteCitation(text="1"))
    body = odf.text.NoteBody()
    body.addElement(odf.text.P(text="a footnote"))
    note.addElement(body)
    paragraph.addElement(note)
    document.text.addElement(paragraph)
    table = odf.table.Table(name="Table1")
    row = odf.table.TableRow()
    for text in ("left", "right"):
        cell = odf.table.TableCell()
        cell.addElement(odf.text.P(text=text))
        row.addElement(cell)
    table.addElement(row)
    document.text.addElement(table)
    document.text.addElement(odf.text.H(outlinelevel=2, text="Valves"))
    document.text.addElement(odf.text.P(text="They stop it."))
    document.save(path)


def test_opendocument_text_is_read_in_order(tmp_path: Path) -> None:
    write_text_document(tmp_path / "a.odt")
    item = read(tmp_path / "a.odt")
    lines = ["Pumps", "They move water", "slowly", "a footnote", "left", "right", "Valves", "They stop it."]
    assert str(item.content).splitlines() == lines
    assert headings(item) == [("Pumps", "They move water"), ("Valves", "They stop it.")]
    assert item.warning is None


def test_deleted_text_and_authors_of_comments_are_not_read(tmp_path: Path) -> None:
    write_text_document(tmp_path / "a.odt")
    deleted = b"<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
    comment = b"<office:annotation><dc:creator xmlns:dc='http://purl.org/dc/elements/1.1/'>an author</dc:creator>"
    comment += b"<text:p>a comment</text:p></office:annotation>"
    edit_archive(
        tmp_path / "a.odt",
        lambda name, content: content.replace(b"<office:text>", b"<office:text>" + deleted).replace(
            b"They stop", comment + b"They stop"
        ),
    )
    text = str(read(tmp_path / "a.odt").content)
    assert "a comment" in text
    assert "deleted" not in text
    assert "an author" not in text


def write_spreadsheet(path: Path) -> None:
    document = OpenDocumentSpreadsheet()
    for name in ("Pumps", "Valves"):
        table = odf.table.Table(name=name)
        row = odf.table.TableRow(numberrowsrepeated=1_000_000)
        for text in (f"{name} first", "second"):
            cell = odf.table.TableCell(numbercolumnsrepeated=16_000)
            cell.addElement(odf.text.P(text=text))
            row.addElement(cell)
        row.addElement(odf.table.TableCell(numbercolumnsrepeated=1000))
        table.addElement(row)
        document.spreadsheet.addElement(table)
    document.save(path)


def test_repeated_cells_are_read_once(tmp_path: Path) -> None:
    write_spreadsheet(tmp_path / "a.ods")
    item = read(tmp_path / "a.ods")
    assert str(item.content) == "Pumps\nPumps first\tsecond\nValves\nValves first\tsecond"
    assert headings(item) == [("Pumps", "Pumps first\tsecond"), ("Valves", "Valves first\tsecond")]


def test_document_with_a_password_is_refused(tmp_path: Path) -> None:
    write_text_document(tmp_path / "a.odt")
    edit_archive(
        tmp_path / "a.odt", lambda name, content: content + b"<!-- encryption-data -->" if "META" in name else b"\1"
    )
    with pytest.raises(Unreadable, match=r"has a password; save it as \.odt"):
        read(tmp_path / "a.odt")
    (tmp_path / "a.xlsx").write_bytes(archives.OLE_SIGNATURE + bytes(600))
    with pytest.raises(Unreadable, match=r"a password or an old format; save it as \.xlsx"):
        read(tmp_path / "a.xlsx")


WRITERS = {".pptx": write_slides, ".xlsx": write_workbook, ".odt": write_text_document, ".ods": write_spreadsheet}
MAIN_PARTS = {
    ".pptx": "ppt/presentation.xml",
    ".xlsx": "xl/workbook.xml",
    ".odt": "content.xml",
    ".ods": "content.xml",
}


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize(
    "main",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>',
        b"<x",
        b"<?xml version='1.0' encoding='unknown'?><x/>",
        b"",
        None,
    ],
)
def test_hostile_main_part_is_refused(ending: str, main: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / f"a{ending}"
    WRITERS[ending](path)
    edit_archive(path, lambda name, content: main if name == MAIN_PARTS[ending] else content)
    with pytest.raises(Unreadable, match="is not a readable") as raised:
        read(path)
    assert main is None or b"DOCTYPE" not in main or "document type declaration" in raised.value.reason


@pytest.mark.parametrize("ending", WRITERS)
def test_zip_bomb_is_refused(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1 << 20)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MAIN_PARTS[ending], bytes((1 << 20) + 1))
    (tmp_path / f"a{ending}").write_bytes(buffer.getvalue())
    with pytest.raises(Unreadable, match="unpacks to more than 1 MiB"):
        read(tmp_path / f"a{ending}")


@pytest.mark.parametrize("ending", WRITERS)
def test_parts_outside_the_archive_are_not_opened(ending: str, tmp_path: Path) -> None:
    (tmp_path / "secret.xml").write_text("<x>secret</x>")
    path = tmp_path / f"a{ending}"
    WRITERS[ending](path)
    edit_archive(
        path,
        lambda name, content: content.replace(b'Target="', b'Target="../../../secret.xml?') if ".rels" in name else content,
    )
    (result,) = read_file(path)
    assert isinstance(result, Unreadable) or "secret" not in str(result.content)
