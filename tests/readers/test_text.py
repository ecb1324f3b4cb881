"""Text is decoded correctly in every supported encoding; binary content is refused."""

from pathlib import Path

import pytest

from aesearch.errors import Unreadable
from aesearch.readers import text as text_reader

GERMAN = "Größe und Übermut tun selten gut; über Straßen und Plätze zieht der Jäger, müde und fröhlich. "
CHINESE = "六十年铁树开花形状似玉米芯，市民纷纷前来观看并且拍照留念。"
TAIWANESE = "臺灣的天氣很好，我們明天去爬山，然後一起吃飯。"
JAPANESE = "日本語の文章です。これはテストです。明日は山に登ります。"
RUSSIAN = "Привет, как дела, это русский текст для проверки кодировки."
KOREAN = "안녕하세요. 이것은 한국어 문장입니다. 내일은 산에 갑니다."


def read(path: Path) -> str:
    (item,) = text_reader.read(path)
    assert isinstance(item.content, str)
    return item.content


def read_html(path: Path) -> str:
    (item,) = text_reader.read_html(path)
    assert isinstance(item.content, str)
    return item.content


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (CHINESE, "utf-16"),
        (CHINESE, "utf-16-be"),
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
def test_encoding_is_detected(text: str, encoding: str, tmp_path: Path) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (tmp_path / "text.txt").write_bytes((mark + text).encode(encoding))
    assert read(tmp_path / "text.txt") == text


def test_encoding_is_detected_late_in_a_long_text(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes((b"plain words all the way. " * 4000) + GERMAN.encode("latin-1"))
    assert GERMAN in read(tmp_path / "text.txt")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "the file is empty"), (b" \n\t ", "contains no text"), (b"\x7fELF\0\0\1", "zero bytes")],
    ids=["empty", "blank", "binary"],
)
def test_content_without_text_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "odd.txt").write_bytes(content)
    with pytest.raises(Unreadable, match=reason):
        read(tmp_path / "odd.txt")


def test_html_title_and_text_are_read_without_scripts(tmp_path: Path) -> None:
    page = "<html><head><title>On threads</title><style>p {color: red}</style></head>"
    page += "<body><p>A thread &amp; a <b>lock</b>.<script>var secret = 1</script></p><p>Größe</p></body></html>"
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    text = read_html(tmp_path / "page.html")
    assert text.split()[:2] == ["On", "threads"]
    assert {"A", "thread", "&", "lock", "Größe"} <= set(text.split())
    assert "secret" not in text
    assert "color" not in text


def test_html_with_broken_tags_is_read(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>one <b>two <p>three </i> <td> four")
    assert read_html(tmp_path / "page.html").split() == ["one", "two", "three", "four"]
