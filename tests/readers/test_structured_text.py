"""JSON, XML, notebooks and RTF: the texts without the syntax, and hostile files."""

import json
from pathlib import Path

import pytest

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.files import read_file


def read(path: Path, content: bytes | str) -> Item:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (item,) = read_file(path)
    if isinstance(item, Unreadable):
        raise item
    return item


def test_json_is_read_with_keys(tmp_path: Path) -> None:
    parts = '[{"name": "wheel\\nbig", "mass": 1.50}, "seal"]'
    source = f'{{"title": "Pumps", "parts": {parts}, "ok": true, "none": null, "title": "x"}}'
    item = read(tmp_path / "a.json", source)
    assert str(item.content).splitlines() == [
        "title: Pumps",
        "parts",
        "name: wheel big",
        "mass: 1.50",
        "parts: seal",
        "title: x",
    ]


@pytest.mark.parametrize("source", ['{"a": ', "[" * 200_000, '{"a": 1} x', "\0\0\0", "// a comment\n{}"])
def test_damaged_json_is_refused(source: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"not valid JSON|nested too deeply|not text"):
        read(tmp_path / "a.json", source)


def test_json_without_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="contains no text"):
        read(tmp_path / "a.json", "[[], {}, null, true]")


def test_long_numbers_of_json_are_read(tmp_path: Path) -> None:
    assert read(tmp_path / "a.json", f'{{"n": {"9" * 10_000}}}').content == f"n: {'9' * 10_000}"


def test_xml_is_read_as_its_text(tmp_path: Path) -> None:
    source = '<?xml version="1.0" encoding="utf-16"?><a x=""><b>first</b><c>second &amp; third</c><![CDATA[<4th>]]>end</a>'
    assert read(tmp_path / "a.xml", source).content == "first\nsecond & third\n<4th>end"


def test_xml_with_an_external_document_type_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.dtd").write_text('<!ENTITY secret "inside">')
    source = '<!DOCTYPE a SYSTEM "x.dtd"><a>one&nbsp;two &secret;</a>'
    assert read(tmp_path / "a.xml", source).content == "one two &secret;"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ('<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>', "defines entities"),
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "defines entities"),
        ("<a><b></a>", "not readable XML"),
        ("<a>" * 1000, "not readable XML"),
        ("no xml", "not readable XML"),
    ],
)
def test_hostile_xml_is_refused(source: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=reason):
        read(tmp_path / "a.xml", source)


def test_xml_is_read_in_its_declared_encoding(tmp_path: Path) -> None:
    source = '<?xml version="1.0" encoding="shift_jis"?><a>すべての人間</a>'
    assert read(tmp_path / "a.xml", source.encode("shift_jis")).content == "すべての人間"


def notebook(*cells: dict[str, object]) -> str:
    return json.dumps({"nbformat": 4, "cells": cells})


def test_notebook_is_read_without_outputs(tmp_path: Path) -> None:
    source = notebook(
        {"cell_type": "markdown", "source": ["# Pumps\n", "They move water."]},
        {"cell_type": "code", "source": "# a comment\nimport pumps", "outputs": [{"text": "an output"}]},
        {"cell_type": "code", "source": []},
        {"cell_type": "markdown", "source": "## Valves"},
    )
    item = read(tmp_path / "a.ipynb", source)
    text = str(item.content)
    assert text == "# Pumps\nThey move water.\n# a comment\nimport pumps\n## Valves\n"
    assert [(section.heading, text[section.start :].split("\n")[0]) for section in item.sections] == [
        ("Pumps", "# Pumps"),
        ("Valves", "## Valves"),
    ]


def test_notebook_of_an_old_version_is_read(tmp_path: Path) -> None:
    cells = [{"cell_type": "heading", "level": 2, "source": "Pumps"}, {"cell_type": "code", "input": ["x = 1"]}]
    item = read(tmp_path / "a.ipynb", json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}))
    assert item.content == "## Pumps\nx = 1\n"
    assert [section.heading for section in item.sections] == ["Pumps"]


@pytest.mark.parametrize(
    "source", ["[]", "{}", '{"cells": 3}', '{"cells": [{"cell_type": "code"}]}', '{"cells": [3]}', '{"worksheets": 3}', "3"]
)
def test_other_json_is_not_a_notebook(source: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="not a Jupyter notebook"):
        read(tmp_path / "a.ipynb", source)


def test_rich_text_is_read_with_headers_and_footnotes(tmp_path: Path) -> None:
    source = (
        r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\headery720{\header a header\par}"
        r"Gr\'f6\u223?e {\b bold}\par next{\footnote a note}\tab{\pict 0102}\par}"
    )
    item = read(tmp_path / "a.rtf", source)
    assert [line.strip() for line in str(item.content).splitlines()] == ["a header", "Größe bold", "next", "a note"]
    assert item.warning is None


def test_missing_parts_of_rich_text_are_named(tmp_path: Path) -> None:
    item = read(tmp_path / "a.rtf", r"{\rtf1 some text{\*\annotation a comment}\par more")
    assert item.warning == "comments were not read; the end of the file is missing"
    assert "some text" in str(item.content)


@pytest.mark.parametrize("content", [b"no rich text", b"{\\rtf1 }", b"{\\rtf1\\'", b"{\\rtf1 \\u99999999999 }"])
def test_damaged_rich_text_is_refused_or_read(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.rtf").write_bytes(content)
    (result,) = read_file(tmp_path / "a.rtf")
    assert isinstance(result, Item) or "reader failed" not in result.reason
