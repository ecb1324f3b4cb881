"""The text of a PDF is read page by page. Missing parts are named."""

import io
from collections.abc import Sequence
from pathlib import Path

import pypdfium2
import pytest

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers import pdf as pdf_reader

FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
IMAGE = b"q 100 0 0 100 50 50 cm BI /W 2 /H 2 /CS /G /BPC 8 ID \x00\xff\x00\xff EI Q"


def page(*lines: str) -> bytes:
    """Return the content of a page of text."""
    shown = "".join(f"({line}) Tj T* " for line in lines)
    return f"BT /F1 12 Tf 14 TL 20 700 Td {shown}ET".encode("cp1252")


def make_pdf(pages: Sequence[bytes], missing: Sequence[int] = (), entry: str = "") -> bytes:
    """Return a PDF. The objects of the `missing` pages, counted from 0, do not exist. Each page has the entry of a form."""
    kids = b" ".join(b"%d 0 R" % (999 if number in missing else 4 + 2 * number) for number in range(len(pages)))
    resources = b"/Resources<</Font<</F1 %s>>>>" % FONT
    shown = f"BT /F1 12 Tf 2 5 Td ({entry}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(pages)),
        b"<</Type/XObject/Subtype/Form/BBox[0 0 200 20]%s/Length %d>>stream\n%s\nendstream"
        % (resources, len(shown), shown),
    ]
    field = b"/Annots[<</Subtype/Widget/FT/Tx/F 4/Rect[100 600 300 620]/AP<</N 3 0 R>>>>]" if entry else b""
    for number, content in enumerate(pages):
        box = b"/MediaBox[0 0 600 720]"
        objects.append(b"<</Type/Page/Parent 2 0 R%s/Contents %d 0 R%s%s>>" % (box, 5 + 2 * number, resources, field))
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content))
    body = b"".join(b"%d 0 obj%s\nendobj\n" % (number, content) for number, content in enumerate(objects, 1))
    return b"%%PDF-1.4\n%strailer<</Size %d/Root 1 0 R>>\n%%%%EOF" % (body, len(objects) + 1)


def read(content: bytes, folder: Path) -> Item:
    (folder / "a.pdf").write_bytes(content)
    (item,) = pdf_reader.read(folder / "a.pdf")
    return item


def test_pages_are_read_in_order(tmp_path: Path) -> None:
    item = read(make_pdf([page("threads and locks"), page("second", "page")]), tmp_path)
    assert str(item.content).split() == ["threads", "and", "locks", "second", "page"]
    assert item.warning is None


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["about infor-", "mation retrieval"], "about information retrieval"),
        (["about infor\xad", "mation retrieval"], "about information retrieval"),
        (["a well-known fact, and a well-", "known rule"], "a well-known fact, and a well-known rule"),
        (["by Jean-", "Paul Sartre"], "by Jean-Paul Sartre"),
        (["ABBRE-", "VIATION"], "ABBREVIATION"),
        (["from 1990-", "1995"], "from 1990- 1995"),
    ],
)
def test_words_divided_at_line_ends_are_joined(lines: list[str], text: str, tmp_path: Path) -> None:
    assert " ".join(str(read(make_pdf([page(*lines)]), tmp_path).content).split()) == text


def test_bad_page_costs_only_itself(tmp_path: Path) -> None:
    item = read(make_pdf([page("one"), page("two"), page("three"), page("four")], missing=[1, 2]), tmp_path)
    assert str(item.content).split() == ["one", "four"]
    assert item.warning == "pages 2-3 could not be read"


def test_pages_after_the_limit_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_reader, "MAX_PAGES", 2)
    item = read(make_pdf([page("one"), page("two"), page("three")]), tmp_path)
    assert str(item.content).split() == ["one", "two"]
    assert item.warning == "pages after 2 were not read"


def test_entries_of_a_form_are_read(tmp_path: Path) -> None:
    item = read(make_pdf([page("name:")], entry="Ada Lovelace"), tmp_path)
    assert str(item.content).split() == ["name:", "Ada", "Lovelace"]


def test_attached_files_are_named(tmp_path: Path) -> None:
    pdf = pypdfium2.PdfDocument(make_pdf([page("see the attachment")]))
    pdf.new_attachment("data.txt").set_data(b"more words")
    buffer = io.BytesIO()
    pdf.save(buffer)
    assert read(buffer.getvalue(), tmp_path).warning == "attached files were not read"


def test_scanned_pages_are_named(tmp_path: Path) -> None:
    item = read(make_pdf([page("one"), IMAGE, b"", page("four"), IMAGE]), tmp_path)
    assert str(item.content).split() == ["one", "four"]
    assert item.warning == "only images and no text on pages 2, 5"


def test_pdf_without_text_suggests_ocr(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"contains no text; run text recognition \(OCR\) on it first"):
        read(make_pdf([b""]), tmp_path)
    with pytest.raises(Unreadable, match=r"contains no text \(only images and no text on page 1\); run text recognition"):
        read(make_pdf([IMAGE]), tmp_path)
    with pytest.raises(Unreadable, match=r"contains no text \(page 1 could not be read\)"):
        read(make_pdf([page("one")], missing=[0]), tmp_path)


def test_characters_without_a_meaning_are_named(tmp_path: Path) -> None:
    item = read(make_pdf([page("some words", "".join(map(chr, [*range(1, 9), *range(14, 28)])))]), tmp_path)
    assert item.warning is not None
    assert "of the characters are unknown" in item.warning


def test_other_file_is_not_a_pdf(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="not a readable PDF"):
        read(b"no pdf at all", tmp_path)


def test_pages_are_sections(tmp_path: Path) -> None:
    item = read(make_pdf([page("first"), page("second", "page"), page("third")], missing=[1]), tmp_path)
    assert [section.page for section in item.sections] == [1, 3]
    assert [str(item.content)[section.start :].split()[0] for section in item.sections] == ["first", "third"]
