"""A text file is one document. Its encoding is detected, and binary content is refused."""

from pathlib import Path

import pytest

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers import text as text_reader

GERMAN = "Größe und Übermut tun selten gut; über Straßen und Plätze zieht der Jäger, müde und fröhlich. "


def read(path: Path, encoding: str | None = None) -> Item:
    (item,) = text_reader.read(path, encoding)
    return item


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be", "cp1252"])
def test_text_is_decoded(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes((GERMAN * 3).encode(encoding))
    item = read(tmp_path / "text.txt")
    assert (item.content, item.warning) == (GERMAN * 3, None)


def test_encoding_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(GERMAN.encode("cp850"))
    assert read(tmp_path / "text.txt").warning
    assert read(tmp_path / "text.txt", "cp850").content == GERMAN


def test_invalid_bytes_cause_a_warning(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(GERMAN.encode() + b"\xff")
    item = read(tmp_path / "text.txt")
    assert item.content == GERMAN + "\ufffd"
    assert item.warning == "1 character is not valid utf-8 and was replaced"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n\t ", "contains no text"),
        (b"\xef\xbb\xbf \n", "contains no text"),
        (b"\x7fELF\0\0\1", "zero bytes"),
    ],
    ids=["empty", "blank", "blank after a mark", "binary"],
)
def test_content_without_text_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "odd.txt").write_bytes(content)
    with pytest.raises(Unreadable, match=reason):
        read(tmp_path / "odd.txt")


def test_headings_of_markup_are_sections(tmp_path: Path) -> None:
    text = "# Pumps #\nThey move.\n\nValves\n======\nThey stop.\n#no heading\n"
    for name in ("a.md", "a.rst", "a.txt"):
        (tmp_path / name).write_text(text)
    assert [section.heading for section in read(tmp_path / "a.md").sections] == ["Pumps", "Valves"]
    assert [text[section.start :][:6] for section in read(tmp_path / "a.rst").sections] == ["# Pump", "Valves"]
    assert read(tmp_path / "a.txt").sections == ()
