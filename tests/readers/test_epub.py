"""Books are read in the order of their spine. Missing parts are named."""

import zipfile
from pathlib import Path

import pytest

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers import epub

CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
XHTML = "application/xhtml+xml"


def page(body: str, head: str = "<title/>") -> bytes:
    declaration = '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html>'
    return f'{declaration}<html xmlns="http://www.w3.org/1999/xhtml"><head>{head}</head><body>{body}</body></html>'.encode()


CHAPTERS = {
    "one.xhtml": page("<h1>Pumps</h1><p>They move <i>wat</i>er.</p><script src='x.js'/><p>More.</p>"),
    "two part.xhtml": page("<a id='x'/><h1>Valves</h1><p>They stop it.</p><h2>Gates</h2><p>These, too.</p>"),
}


def write_book(path: Path, chapters: dict[str, bytes], *, media_type: str = XHTML, opf: str = "") -> None:
    """Write a book. The order of its spine is the reverse of the order of its files."""
    items = "".join(
        f'<item id="c{number}" href="text/{name.replace(" ", "%20")}" media-type="{media_type}"/>'
        for number, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{number}"/>' for number in range(len(chapters)))
    metadata = '<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">On machines</dc:title>'
    metadata += '<dc:creator xmlns:dc="http://purl.org/dc/elements/1.1/">A. Author</dc:creator>'
    package = f'<package xmlns="http://www.idpf.org/2007/opf"><metadata>{metadata}</metadata>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr(
            "OEBPS/content.opf", opf or f"{package}<manifest>{items}</manifest><spine>{spine}</spine></package>"
        )
        for name, content in reversed(chapters.items()):
            archive.writestr(f"OEBPS/text/{name}", content)


def read(path: Path) -> Item:
    (item,) = epub.read(path)
    return item


def test_chapters_are_read_in_order_with_headings(tmp_path: Path) -> None:
    write_book(tmp_path / "a.epub", CHAPTERS)
    item = read(tmp_path / "a.epub")
    text = str(item.content)
    assert text.splitlines() == [
        "On machines",
        "A. Author",
        "Pumps",
        "They move water.",
        "More.",
        "Valves",
        "They stop it.",
        "Gates",
        "These, too.",
    ]
    assert [(section.heading, text[section.start :].split("\n")[0]) for section in item.sections] == [
        (name, name) for name in ("Pumps", "Valves", "Gates")
    ]
    assert item.warning is None


def test_encrypted_chapter_is_named(tmp_path: Path) -> None:
    write_book(tmp_path / "a.epub", {**CHAPTERS, "locked.xhtml": bytes(range(256)) * 9})
    item = read(tmp_path / "a.epub")
    assert item.warning == "OEBPS/text/locked.xhtml could not be read"
    assert "They stop it." in str(item.content)


def test_book_without_readable_chapters_is_refused(tmp_path: Path) -> None:
    write_book(tmp_path / "a.epub", {"locked.xhtml": bytes(range(256)) * 9})
    with pytest.raises(Unreadable, match="may be encrypted"):
        read(tmp_path / "a.epub")
    write_book(tmp_path / "b.epub", {"image.svg": b"<svg/>"}, media_type="image/svg+xml")
    with pytest.raises(Unreadable, match="cannot be read"):
        read(tmp_path / "b.epub")
    write_book(tmp_path / "c.epub", {})
    with pytest.raises(Unreadable, match="contains no text"):
        read(tmp_path / "c.epub")


@pytest.mark.parametrize(
    "opf",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><package>&a;</package>',
        "<package",
        '<package><spine><itemref idref="nothing"/></spine></package>',
        "<package><manifest><item/></manifest></package>",
    ],
)
def test_hostile_package_is_refused(opf: str, tmp_path: Path) -> None:
    write_book(tmp_path / "a.epub", CHAPTERS, opf=opf)
    with pytest.raises(Unreadable, match="not a readable EPUB book"):
        read(tmp_path / "a.epub")


def test_chapters_outside_the_archive_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "secret.xhtml").write_bytes(page("<p>secret</p>"))
    write_book(tmp_path / "a.epub", {**CHAPTERS, f"../../../../../../../../../..{tmp_path}/secret.xhtml": page("inside")})
    assert "secret" not in str(read(tmp_path / "a.epub").content)
