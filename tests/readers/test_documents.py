"""PDF and Word documents are read as text (extra `documents`)."""

import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docx
import pytest

from aesearch.errors import MissingExtra, Unreadable
from aesearch.items import Item
from aesearch.readers import docx as docx_reader
from aesearch.readers import pdf as pdf_reader


def write_pdf(path: Path, text: str) -> None:
    """Write the smallest PDF of one page that shows a text; an empty page for an empty text."""
    content = f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode() if text else b""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, body)
    xref = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    path.write_bytes(out + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % xref)


def test_pdf_text_is_read(tmp_path: Path) -> None:
    write_pdf(tmp_path / "a.pdf", "threads and locks")
    (item,) = pdf_reader.read(tmp_path / "a.pdf")
    assert str(item.content).strip() == "threads and locks"


def test_pdf_without_text_suggests_ocr(tmp_path: Path) -> None:
    write_pdf(tmp_path / "a.pdf", "")
    with pytest.raises(Unreadable, match="OCR"):
        list(pdf_reader.read(tmp_path / "a.pdf"))


def test_other_file_is_not_a_pdf(tmp_path: Path) -> None:
    (tmp_path / "b.pdf").write_bytes(b"no pdf at all")
    with pytest.raises(Unreadable, match="not a readable PDF"):
        list(pdf_reader.read(tmp_path / "b.pdf"))


def test_docx_paragraphs_and_tables_are_read_in_order(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("first words")
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "left", "right"
    document.add_paragraph("last words")
    document.save(str(tmp_path / "a.docx"))
    (item,) = docx_reader.read(tmp_path / "a.docx")
    assert str(item.content).split() == ["first", "words", "left", "right", "last", "words"]


def test_other_file_is_not_a_word_document(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"PK no zip")
    with pytest.raises(Unreadable, match="not a readable Word document"):
        list(docx_reader.read(tmp_path / "a.docx"))


def test_docx_zip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docx_reader, "MAX_UNPACKED_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "a.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes((1 << 20) + 1))
    with pytest.raises(Unreadable, match="unpacks to more than 1 MiB"):
        list(docx_reader.read(tmp_path / "a.docx"))


@pytest.mark.parametrize(("library", "read"), [("pypdfium2", pdf_reader.read), ("docx", docx_reader.read)])
def test_missing_library_names_the_pip_command(
    library: str, read: Callable[[Path], Iterator[Item]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)  # as if it were not installed
    with pytest.raises(MissingExtra, match=r"pip install 'aesearch\[documents\]'"):
        list(read(tmp_path / "a"))
