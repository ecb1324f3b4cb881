"""PDF and Word documents, by the extra `documents`."""

from pathlib import Path

import docx
import pytest

from aesearch.errors import MissingExtra, Unreadable
from aesearch.readers import office, pdf


def write_pdf(path: Path, words: str) -> None:
    """The smallest PDF of one page that shows `words` (none: an empty page)."""
    drawn = f"BT /F1 12 Tf 20 100 Td ({words}) Tj ET".encode() if words else b""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, starts = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        starts.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % start for start in starts)
    path.write_bytes(out + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % table)


def test_the_words_of_a_pdf_are_read(tmp_path: Path) -> None:
    write_pdf(tmp_path / "a.pdf", "threads and locks")
    (item,) = pdf.read(tmp_path / "a.pdf")
    assert str(item.content).strip() == "threads and locks"


def test_a_pdf_without_words_and_a_file_that_is_none_are_refused(tmp_path: Path) -> None:
    write_pdf(tmp_path / "a.pdf", "")
    with pytest.raises(Unreadable, match="OCR"):
        list(pdf.read(tmp_path / "a.pdf"))
    (tmp_path / "b.pdf").write_bytes(b"no pdf at all")
    with pytest.raises(Unreadable, match="not a readable PDF"):
        list(pdf.read(tmp_path / "b.pdf"))


def test_paragraphs_and_tables_of_a_word_document_are_read_in_their_order(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("first words")
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "left", "right"
    document.add_paragraph("last words")
    document.save(str(tmp_path / "a.docx"))
    (item,) = office.read_docx(tmp_path / "a.docx")
    assert str(item.content).split() == ["first", "words", "left", "right", "last", "words"]


def test_a_file_that_is_no_word_document_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"PK no zip")
    with pytest.raises(Unreadable, match="not a readable Word document"):
        list(office.read_docx(tmp_path / "a.docx"))


def test_without_the_library_the_line_that_installs_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pypdfium2", None)  # as if it were not installed
    with pytest.raises(MissingExtra, match=r"pip install 'aesearch\[documents\]'"):
        list(pdf.read(tmp_path / "a.pdf"))
