"""Every text of a Word document is read once and in order. Missing parts are named."""

import io
import zipfile
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers import archives
from aesearch.readers import docx as docx_reader

WORD = nsdecls("w")
COMPATIBILITY = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
DRAWING = f'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" {COMPATIBILITY}'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def read(path: Path) -> Item:
    (item,) = docx_reader.read(path)
    return item


def write_body(path: Path, *blocks: str) -> None:
    """Write a document with blocks of XML in its body, between the words "begin" and "end"."""
    document = docx.Document()
    document.add_paragraph("begin")
    last = document.add_paragraph("end")
    for block in blocks:
        last._p.addprevious(parse_xml(block))
    document.save(str(path))


def add_part(path: Path, name: str, role: str, xml: str) -> None:
    """Add a part to a document, and a relationship of the main part to it."""
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    relationship = f'<Relationship Id="x{len(parts)}" Type="{OFFICE}/{role}" Target="{name}"/></Relationships>'
    rels = "word/_rels/document.xml.rels"
    parts[rels] = parts[rels].replace(b"</Relationships>", relationship.encode())
    parts[f"word/{name}"] = xml.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)


def run(text: str) -> str:
    return f"<w:r><w:t>{text}</w:t></w:r>"


def text_box(text: str) -> str:
    """Return a run with a text box, and the copy of it that Word writes for its old versions."""
    box = f"<w:txbxContent><w:p>{run(text)}</w:p></w:txbxContent>"
    choice = f'<mc:Choice Requires="wps"><w:drawing><wps:txbx>{box}</wps:txbx></w:drawing></mc:Choice>'
    fallback = f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback>"
    return f"<w:r><mc:AlternateContent {DRAWING}>{choice}{fallback}</mc:AlternateContent></w:r>"


def test_paragraphs_and_tables_are_read_in_order(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("first words")
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "left", "right"
    document.add_paragraph("last words")
    document.save(str(tmp_path / "a.docx"))
    item = read(tmp_path / "a.docx")
    assert item.content == "first words\nleft\nright\nlast words"
    assert item.warning is None


@pytest.mark.parametrize(
    ("paragraph", "text"),
    [
        (run("un") + run("believ") + run("able"), "unbelievable"),
        (f'<w:ins w:id="1">{run("inserted")}</w:ins>', "inserted"),
        (f'{run("old ")}<w:moveTo w:id="1">{run("moved here")}</w:moveTo>', "old moved here"),
        (f'<w:moveFrom w:id="1">{run("moved away")}</w:moveFrom>{run("stays")}', "stays"),
        ('<w:del w:id="1"><w:r><w:delText>deleted</w:delText></w:r></w:del>' + run("stays"), "stays"),
        (f'<w:ins w:id="1"><w:del w:id="2">{run("both")}</w:del></w:ins>{run("stays")}', "stays"),
        (f'<w:fldSimple w:instr="PAGE">{run("field")}</w:fldSimple>', "field"),
        (f'<w:smartTag w:element="x">{run("tagged")}</w:smartTag>', "tagged"),
        (f'<w:hyperlink w:anchor="x">{run("linked")}</w:hyperlink>', "linked"),
        (f"<w:sdt><w:sdtContent>{run('controlled')}</w:sdtContent></w:sdt>", "controlled"),
        ("<w:r><w:instrText>PAGE</w:instrText></w:r>" + run("result"), "result"),
        ("<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t></w:r>", "a\tb\nc-d"),
        ('<w:pPr><w:tabs><w:tab w:val="left" w:pos="1"/></w:tabs></w:pPr>' + run("no tab"), "no tab"),
        ("<w:r><w:t>soft</w:t><w:softHyphen/><w:t>hyphen</w:t></w:r>", "softhyphen"),
        (run("before") + text_box("in a box") + run("after"), "before\nin a box\nafter"),
    ],
    ids=[
        "runs", "insertion", "move here", "move away", "deletion", "deleted insertion", "field", "smart tag", "link",
        "control", "instruction", "characters", "tab stops", "soft hyphen", "text box",
    ],
)  # fmt: skip
def test_texts_within_a_paragraph_are_read_once(paragraph: str, text: str, tmp_path: Path) -> None:
    write_body(tmp_path / "a.docx", f"<w:p {WORD}>{paragraph}</w:p>")
    item = read(tmp_path / "a.docx")
    assert item.content == f"begin\n{text}\nend"
    assert item.warning is None


def test_content_control_around_blocks_is_read(tmp_path: Path) -> None:
    blocks = f"<w:p>{run('one')}</w:p><w:p>{run('two')}</w:p>"
    write_body(tmp_path / "a.docx", f"<w:sdt {WORD}><w:sdtContent>{blocks}</w:sdtContent></w:sdt>")
    assert read(tmp_path / "a.docx").content == "begin\none\ntwo\nend"


def test_merged_cells_and_nested_tables_are_read_once(tmp_path: Path) -> None:
    document = docx.Document()
    table = document.add_table(3, 3)
    for row in range(3):
        for column in range(3):
            table.cell(row, column).text = f"{row}{column}"
    table.cell(0, 0).merge(table.cell(1, 1)).text = "merged"
    table.cell(2, 2).add_table(1, 1).cell(0, 0).text = "nested"
    document.save(str(tmp_path / "a.docx"))
    assert str(read(tmp_path / "a.docx").content).split() == ["merged", "02", "12", "20", "21", "22", "nested"]


def test_headers_and_footers_are_read(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("body")
    section = document.sections[0]
    section.different_first_page_header_footer = True
    section.header.paragraphs[0].text = "every page"
    section.first_page_header.paragraphs[0].text = "first page"
    section.footer.paragraphs[0].text = "the foot"
    document.add_section().header.is_linked_to_previous = False
    document.sections[1].header.paragraphs[0].text = "every page"  # the same again
    document.save(str(tmp_path / "a.docx"))
    assert sorted(str(read(tmp_path / "a.docx").content).split("\n")) == ["body", "every page", "first page", "the foot"]


def test_notes_and_comments_are_read_after_the_body(tmp_path: Path) -> None:
    write_body(tmp_path / "a.docx")
    for name in ("endnotes", "footnotes"):
        note = name.removesuffix("s")
        add_part(
            tmp_path / "a.docx",
            f"{name}.xml",
            name,
            f'<w:{name} {WORD}><w:{note} w:id="1"><w:p>{run(f"a {note}")}</w:p></w:{note}></w:{name}>',
        )
    document = docx.Document(str(tmp_path / "a.docx"))
    document.add_comment(document.paragraphs[0].runs, text="a comment")
    document.save(str(tmp_path / "a.docx"))
    assert read(tmp_path / "a.docx").content == "begin\nend\na footnote\na endnote\na comment"


def test_part_that_is_damaged_is_named(tmp_path: Path) -> None:
    write_body(tmp_path / "a.docx")
    add_part(tmp_path / "a.docx", "footnotes.xml", "footnotes", f"<w:footnotes {WORD}><w:p>")
    item = read(tmp_path / "a.docx")
    assert item.content == "begin\nend"
    assert item.warning == "word/footnotes.xml could not be read"


def test_embedded_document_is_named(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("body")
    document.element.body.insert(0, parse_xml(f'<w:altChunk {nsdecls("w", "r")} r:id="x"/>'))
    document.save(str(tmp_path / "a.docx"))
    assert read(tmp_path / "a.docx").warning == "another document that is embedded in it could not be read"


def test_strict_variant_is_read(tmp_path: Path) -> None:
    write_body(tmp_path / "a.docx")
    with zipfile.ZipFile(tmp_path / "a.docx") as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    strict = {
        b"http://schemas.openxmlformats.org/wordprocessingml/2006/main": b"http://purl.oclc.org/ooxml/wordprocessingml/main",
        b"http://schemas.openxmlformats.org/officeDocument/2006": b"http://purl.oclc.org/ooxml/officeDocument",
    }
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
        for part, content in parts.items():
            for transitional, name in strict.items():
                content = content.replace(transitional, name)
            archive.writestr(part, content)
    assert read(tmp_path / "a.docx").content == "begin\nend"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK no zip", "not a readable Word document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 encrypted", "password or an old format"),
    ],
)
def test_other_file_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(content)
    with pytest.raises(Unreadable, match=reason):
        read(tmp_path / "a.docx")


def test_archive_without_a_document_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
        archive.writestr("readme.txt", "no document")
    with pytest.raises(Unreadable, match="not a readable Word document"):
        read(tmp_path / "a.docx")


def test_entities_are_refused(tmp_path: Path) -> None:
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
        archive.writestr("word/document.xml", f"{entities}<w:document {WORD}><w:t>&b;</w:t></w:document>")
    with pytest.raises(Unreadable, match="document type declaration"):
        read(tmp_path / "a.docx")


def test_zip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1 << 20)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes((1 << 20) + 1))
    (tmp_path / "a.docx").write_bytes(buffer.getvalue())
    with pytest.raises(Unreadable, match="unpacks to more than 1 MiB"):
        read(tmp_path / "a.docx")


def test_headings_are_sections(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Pumps", 1)
    document.add_paragraph("They move water.")
    document.add_heading("Valves", 2)
    document.add_paragraph("They stop it.")
    document.core_properties.title, document.core_properties.author = "Water", "Ann Lee"
    document.save(str(tmp_path / "a.docx"))
    item = read(tmp_path / "a.docx")
    assert item.metadata == {"title": "Water", "author": "Ann Lee"}
    text = str(item.content)
    assert text == "Pumps\nThey move water.\nValves\nThey stop it."
    assert [(section.heading, text[section.start :].split("\n")[0]) for section in item.sections] == [
        ("Pumps", "Pumps"),
        ("Valves", "Valves"),
    ]
