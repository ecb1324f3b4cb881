"""Texts come back as they were written, whatever their encoding."""

from pathlib import Path

import pytest

from aesearch.errors import Unreadable
from aesearch.readers import text

GERMAN = "Größe und Übermut tun selten gut; über Straßen und Plätze zieht der Jäger, müde und fröhlich. "
CHINESE = "六十年铁树开花形状似玉米芯，市民纷纷前来观看并且拍照留念。"
TAIWANESE = "臺灣的天氣很好，我們明天去爬山，然後一起吃飯。"
JAPANESE = "日本語の文章です。これはテストです。明日は山に登ります。"
RUSSIAN = "Привет, как дела, это русский текст для проверки кодировки."
KOREAN = "안녕하세요. 이것은 한국어 문장입니다. 내일은 산에 갑니다."


def read(path: Path) -> str:
    (item,) = text.read(path)
    assert isinstance(item.content, str)
    return item.content


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (CHINESE, "utf-16"),
        (RUSSIAN, "utf-32"),
        (GERMAN, "latin-1"),
        (GERMAN, "cp1252"),
        (CHINESE, "gb18030"),
        (CHINESE, "gbk"),
        (TAIWANESE, "big5"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (KOREAN, "cp949"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
    ],
)
def test_a_text_is_read_as_it_was_written(words: str, encoding: str, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(words.encode(encoding))
    assert read(tmp_path / "text.txt") == words


def test_a_long_text_whose_foreign_letters_come_late_is_read(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes((b"plain words all the way. " * 4000) + GERMAN.encode("latin-1"))
    assert GERMAN in read(tmp_path / "text.txt")


@pytest.mark.parametrize(("content", "says"), [(b"", "empty"), (b" \n\t ", "no text"), (b"\x7fELF\0\0\1", "zero bytes")])
def test_what_is_no_text_is_refused_with_a_reason(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "odd.txt").write_bytes(content)
    with pytest.raises(Unreadable, match=says):
        read(tmp_path / "odd.txt")


def test_of_a_page_the_title_and_the_text_are_read_and_no_script(tmp_path: Path) -> None:
    page = "<html><head><title>On threads</title><style>p {color: red}</style></head>"
    page += "<body><p>A thread &amp; a <b>lock</b>.<script>var secret = 1</script></p><p>Größe</p></body></html>"
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    (item,) = text.read_html(tmp_path / "page.html")
    words = str(item.content).split()
    assert words[:2] == ["On", "threads"]
    assert {"A", "thread", "&", "lock", "Größe"} <= set(words)
    assert "secret" not in str(item.content)
    assert "color" not in str(item.content)


def test_a_page_with_broken_tags_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>one <b>two <p>three </i> <td> four")
    (item,) = text.read_html(tmp_path / "page.html")
    assert str(item.content).split() == ["one", "two", "three", "four"]
