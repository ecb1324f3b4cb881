"""The text of a PDF is read page by page (extra `documents`). What is missing is named."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from aesearch.errors import MissingExtra, Unreadable
from aesearch.items import Item
from aesearch.readers import pdf as pdf_reader

FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
IMAGE = b"q 100 0 0 100 50 50 cm BI /W 2 /H 2 /CS /G /BPC 8 ID \x00\xff\x00\xff EI Q"


def page(*lines: str) -> bytes:
    """Return the content of a page of text."""
    shown = "".join(f"({line}) Tj T* " for line in lines)
    return f"BT /F1 12 Tf 14 TL 20 700 Td {shown}ET".encode("cp1252")


def make_pdf(pages: Sequence[bytes], missing: Sequence[int] = ()) -> bytes:
    """Return a PDF. The objects of the `missing` pages, counted from 0, do not exist."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>"]
    kids = b" ".join(b"%d 0 R" % (999 if number in missing else 3 + 2 * number) for number in range(len(pages)))
    objects.append(b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(pages)))
    for number, content in enumerate(pages):
        resources = b"/Resources<</Font<</F1 %s>>>>" % FONT
        objects.append(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 720]/Contents %d 0 R%s>>" % (4 + 2 * number, resources))
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


def test_missing_library_names_the_pip_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)  # as if it were not installed
    with pytest.raises(MissingExtra, match=r"pip install 'aesearch\[documents\]'"):
        read(b"", tmp_path)
