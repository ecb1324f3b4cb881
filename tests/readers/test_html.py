"""A web page is read as a browser shows it: whole words, no scripts, and in the encoding that it declares."""

import time
from pathlib import Path

import pytest

from aesearch.items import Item
from aesearch.readers import html
from aesearch.readers.html_depth import MAX_DEPTH, flatten_deep_page

POLISH = "Zażółć gęślą jaźń, mówi wąż do źrebięcia"


def read(path: Path, encoding: str | None = None) -> Item:
    (item,) = html.read(path, encoding)
    return item


def read_text(source: str, folder: Path) -> str:
    """Return the text of a page with the given source."""
    (folder / "page.html").write_text(source, encoding="utf-8")
    return str(read(folder / "page.html").content)


def test_title_and_text_are_read_without_scripts(tmp_path: Path) -> None:
    page = "<html><head><title>On &amp; threads</title><style>p {color: red}</style></head>"
    page += "<body><p>A thread &amp; a <b>lock</b>.<script>var secret = 1</script></p><p>Gr&ouml;&#223;e</p></body></html>"
    assert read_text(page, tmp_path) == "On & threads\nA thread & a lock.\nGröße"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>un<b>believ</b>able<i>!</i> H<sub>2</sub>O", "unbelievable! H2O"),
        ("a <a href=x>thread</a>s <span>l</span>ock", "a threads lock"),
        ("long<wbr>word soft&shy;hyphen", "longword soft\xadhyphen"),
        ("<p>one<p>two<div>three<div>four</div>five</div>six", "one\ntwo\nthree\nfour\nfive\nsix"),
        ("one<br>two<hr>three", "one\ntwo\nthree"),
        ("<ul><li>one<li>two<li>three</ul>", "one\ntwo\nthree"),
        ("<table><tr><th>one<td>two<tr><td>three</table>", "one\ntwo\nthree"),
        ("<dl><dt>one<dd>two</dl><h1>three</h1>four", "one\ntwo\nthree\nfour"),
        ("<select><option>one<option>two</select>three<button>four</button>five", "one\ntwo\nthree\nfour\nfive"),
        ("one<img src=x>two<input>three<textarea>four</textarea>five", "one\ntwo\nthree\nfour\nfive"),
        ("<nav><a>Home</a><a>News</a> <a>Help</a></nav>", "Home\nNews Help"),
        ("one<!-- comment -->two<template>three</template><noscript>four</noscript>", "onetwo"),
        ("<p>one <b>two <p>three </i> <td> four", "one two \nthree   four"),
        ("no tags at all", "no tags at all"),
        ("<title>only a title</title>", "only a title"),
        ("<svg><text>one</text><text>two</text></svg>three", "one\ntwo\nthree"),
    ],
)
def test_words_are_divided_only_at_block_elements(source: str, text: str, tmp_path: Path) -> None:
    assert read_text(source, tmp_path) == text


@pytest.mark.parametrize("encoding", ["iso8859-2", "cp1250", "mac_latin2", "cp852"])
@pytest.mark.parametrize(
    "declaration",
    [
        '<?xml version="1.0" encoding="{}"?><html>',
        "<meta charset={}>",
        "<meta charset='{}'/>",
        '<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset={}">',
        "<meta content='text/html;charset={}' http-equiv='Content-Type'>",
    ],
)
def test_declared_encoding_is_used(declaration: str, encoding: str, tmp_path: Path) -> None:
    page = f"<html><head><title>x</title>{declaration.format(encoding)}</head><p>{POLISH}"
    (tmp_path / "page.html").write_bytes(page.encode(encoding))
    item = read(tmp_path / "page.html")
    assert item.content == f"x\n{POLISH}"
    assert item.warning is None


@pytest.mark.parametrize(
    ("label", "actual", "text"),
    [
        ("iso-8859-1", "cp1252", "“quotes” – and €"),
        ("latin1", "utf-8", "“quotes” – and €"),
        ("gb2312", "gb18030", "镕"),
        ("x-sjis", "cp932", "①"),
        ("ks_c_5601-1987", "cp949", "똠"),
        ("utf-16", "utf-8", "größer"),
        ("utf-8", "cp1250", POLISH),
        ("no-such-charset", "cp1250", POLISH),
        ("base64", "cp1250", POLISH),
    ],
)
def test_declared_encoding_is_understood_as_browsers_do(label: str, actual: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(f"<meta charset={label}><p>".encode() + text.encode(actual))
    assert read(tmp_path / "page.html").content == text


def test_named_encoding_overrides_the_declared_one(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(f"<meta charset=cp1252><p>{POLISH}".encode("iso8859-2"))
    assert read(tmp_path / "page.html", "iso8859-2").content == POLISH


def test_byte_order_mark_overrides_the_declared_encoding(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(f"<meta charset=cp1252><p>{POLISH}".encode("utf-16"))
    assert read(tmp_path / "page.html").content == POLISH


@pytest.mark.parametrize("tag", ["<div>", "<div/>", "<span>", "<table><tr><td>", "<svg><g>", "<ul><li>", "<x-y>", "<p><b>"])
def test_deeply_nested_page_is_read_in_time(tag: str, tmp_path: Path) -> None:
    start = time.monotonic()
    assert read_text(tag * 300_000 + "words", tmp_path) == "words"
    assert time.monotonic() - start < 20  # 40,000 nested elements took 8 seconds, and a million did not end


def test_flattened_page_has_the_same_text(tmp_path: Path) -> None:
    head = "<html><head><title>On &lt;threads&gt;</title><style>p {color: red}</style></head><body class=x>"
    body = "<p>un<b>believ</b>able<br>one<ul><li>two<li>three</ul><script>var a = '<div>'</script><!-- a comment -->"
    body += "<a href=1>first</a><a href=2>second</a> 1 &lt; 2 < 3<table><tr><td>four<td>five</table></body></html>"
    expected = read_text(head + body, tmp_path)
    assert "first\nsecond" in expected
    assert read_text(head + "<div>" * (MAX_DEPTH + 1) + body, tmp_path) == expected


def test_wide_page_is_not_flattened(tmp_path: Path) -> None:
    page = "<p title='>'>one<li>two<td>three</td><img src=a/><x-y/><b>four</b>" * 2 * MAX_DEPTH
    assert flatten_deep_page(page, html._SEPARATE_NAMES, html._STRUCTURE_TAGS) == page
    nested = "<div>" * MAX_DEPTH + "</div>" * MAX_DEPTH
    assert flatten_deep_page(nested * 3, html._SEPARATE_NAMES, html._STRUCTURE_TAGS) == nested * 3


def test_headings_are_sections(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<h1>Pumps</h1><p>They move.</p><div><h2>Big <b>valves</b></h2>They stop.</div>")
    item = read(tmp_path / "page.html")
    text = str(item.content)
    assert text == "Pumps\nThey move.\nBig valves\nThey stop."
    found = [(section.heading, text[section.start :].split("\n")[0]) for section in item.sections]
    assert found == [("Pumps", "Pumps"), ("Big valves", "Big valves")]
