"""Encodings of ASCII bytes are decoded or named. Texts that only look like them are left as they are."""

import codecs
from pathlib import Path

import pytest

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.encodings import decode_text
from aesearch.readers.folder import read_files

from .test_encodings import DECLARATION

CHINESE, JAPANESE, KOREAN = (DECLARATION[name] for name in ("Chinese", "Japanese", "Korean"))
ISO_2022 = [
    (JAPANESE, "iso2022_jp"),
    (JAPANESE.replace("人間", "ﾆﾝｹﾞﾝ"), "iso2022_jp_ext"),
    (f"{JAPANESE} 价 Ω é", "iso2022_jp_2"),
    (f"{JAPANESE} 俱", "iso2022_jp_2004"),
    (KOREAN, "iso2022_kr"),
]


def damage(content: bytes, encoding: str) -> bytes:
    """Return the content with a pair of bytes in the middle that is no character."""
    middle = len(content) // 2
    for position in range(middle, middle + 20):
        damaged = content[:position] + b"\x7f\x7f" + content[position + 2 :]
        if codecs.decode(damaged, encoding, "replace").count("\ufffd"):
            return damaged
    raise AssertionError


@pytest.mark.parametrize(("text", "encoding"), [*ISO_2022, (CHINESE, "hz"), (CHINESE[:12], "hz")])
@pytest.mark.parametrize("frame", ["{}", "Subject: a letter ~ of {} and C++\r\n{}\r\n"], ids=["alone", "in English"])
def test_seven_bit_text_is_decoded(text: str, encoding: str, frame: str) -> None:
    text = frame.format(text, text)
    assert decode_text(text.encode(encoding), "file") == (text, None)


@pytest.mark.parametrize("language", ["Chinese", "German", "Greek", "Japanese", "Korean", "Russian", "Turkish"])
def test_utf_7_is_decoded_with_a_warning(language: str) -> None:
    text = f"{DECLARATION[language]} 1 + 1"
    found = decode_text(text.encode("utf-7"), "file")
    assert found.text == text
    assert found.warning is not None
    assert "the encoding is uncertain: utf-7 was assumed" in found.warning


@pytest.mark.parametrize(("text", "encoding"), [(JAPANESE * 3, "iso2022_jp"), (KOREAN * 3, "iso2022_kr")])
def test_damaged_iso_2022_is_decoded_with_a_warning(text: str, encoding: str) -> None:
    found = decode_text(damage(text.encode(encoding), encoding), "file")
    assert found.text[:20] == text[:20]
    assert found.warning is not None
    assert "not valid" in found.warning


def test_few_chinese_characters_are_uncertain() -> None:
    found = decode_text(b"the word ~{VPND~} alone", "file")
    assert found.text == "the word 中文 alone"
    assert found.warning is not None
    assert "uncertain: hz was assumed" in found.warning


def test_iso_2022_cn_is_refused_by_name() -> None:
    content = b"\x1b$)A" + b"\x0e" + bytes(byte & 0x7F for byte in CHINESE.encode("gb2312")) + b"\x0f"
    with pytest.raises(Unreadable, match="ISO-2022-CN is not supported; convert the file to UTF-8"):
        decode_text(content, "file")


@pytest.mark.parametrize(
    "text",
    [
        '(format t "~{~a~}" items) (format nil "~{~A~^, ~}" names)',
        "x = ~{ a; b } and ~} alone, or ~{a~}, and a path ~user/{a,b}",
        "C++ and 1+1=2, q=hello+world+this+text, name+tag@example.com, +boo +foo +loo",
        "\x1b[31mred\x1b(B\x1b[m and \x1b)0 lines",
        "-----BEGIN-----\nMIIB+zCCAWQ+CAQAwgbox/CzAJBgNVBAYTAk+1MRcwFQYDVQQI\n-----END-----",
    ],
)
def test_ascii_that_resembles_another_encoding_is_unchanged(text: str) -> None:
    assert decode_text(text.encode(), "file") == (text, None)


@pytest.mark.parametrize(("text", "encoding"), [*ISO_2022, (CHINESE, "hz")])
def test_rows_of_seven_bit_tables_are_decoded(text: str, encoding: str, tmp_path: Path) -> None:
    rows = [f"{number},{text}" for number in range(3)]
    (tmp_path / "table.csv").write_bytes(b"id,text\n" + "\n".join(rows).encode(encoding))
    items = list(read_files(tmp_path / "table.csv"))
    assert [(item.content, item.warning) for item in items] == [(text, None)] * 3


def test_documentation_in_ascii_is_unchanged() -> None:
    for module in (codecs, pytest, Path, Item):
        text = (module.__doc__ or "") * 3
        assert decode_text(text.encode(), "file") == (text, None)
