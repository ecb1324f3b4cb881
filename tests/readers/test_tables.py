"""Rows of tables become items. A bad row is named, and the rows after it are still read."""

import gzip
import json
from pathlib import Path

import pytest

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.files import read_file
from aesearch.readers.tables import TableFields, read_csv, read_json_lines


def summarize(results: list[Item | Unreadable]) -> list[str]:
    return [result.id if isinstance(result, Item) else "!" + result.reason for result in results]


def test_json_lines_yield_items_and_reasons_in_order(tmp_path: Path) -> None:
    lines = [
        json.dumps({"id": "a", "text": "one", "label": "x"}),
        "not json",
        json.dumps(["a", "list"]),
        "",
        json.dumps({"id": 7, "text": "two"}),
        json.dumps({"text": "three"}),
        json.dumps({"id": "b", "text": "   "}),
        json.dumps({"id": "c", "body": "four"}),
        json.dumps({"id": "\ud800", "text": "half a pair \ud800"}),
    ]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    results = list(read_json_lines(tmp_path / "t.jsonl"))
    assert summarize(results) == [
        "a",
        "!the line is not JSON",
        "!the line is not a JSON object",
        "7",
        "#6",
        '!field "text" is empty',
        '!no field "text" (its fields are id, body); choose the field with --text-field',
        "?",
    ]
    first, second = results[:2]
    assert isinstance(first, Item)
    assert (first.content, first.label) == ("one", "x")
    assert isinstance(second, Unreadable)
    assert second.path == f"{tmp_path / 't.jsonl'}#2"


def test_fields_name_text_id_and_label(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(json.dumps({"key": "k", "body": "words", "class": 3}))
    (item,) = read_json_lines(tmp_path / "t.jsonl", TableFields("body", "key", "class"))
    assert isinstance(item, Item)
    assert (item.id, item.content, item.label) == ("k", "words", "3")


def test_gzip_table_equals_the_plain_one(tmp_path: Path) -> None:
    rows = "\n".join(json.dumps({"text": f"row {number}"}) for number in range(100))
    (tmp_path / "t.jsonl").write_text(rows)
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress(rows.encode()))
    for name in ("t.jsonl", "t.jsonl.gz"):
        contents = [item.content for item in read_json_lines(tmp_path / name) if isinstance(item, Item)]
        assert contents == [f"row {number}" for number in range(100)]


def test_truncated_archive_yields_the_rows_before_the_end(tmp_path: Path) -> None:
    packed = gzip.compress("\n".join(json.dumps({"text": f"row {n} {n**5}"}) for n in range(20_000)).encode())
    (tmp_path / "t.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    rows = read_json_lines(tmp_path / "t.jsonl.gz")
    assert all(isinstance(next(rows), Item) for _ in range(1000))
    with pytest.raises(Unreadable, match="archive is damaged"):
        list(rows)


def test_altered_archive_is_refused(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"".join(b'{"text": "row %d"}\n' % (n**5) for n in range(20_000))))
    packed[len(packed) // 2 : len(packed) // 2 + 50] = b"\xff" * 50
    (tmp_path / "t.jsonl.gz").write_bytes(packed)
    *_, last = read_file(tmp_path / "t.jsonl.gz")
    assert isinstance(last, Unreadable)
    assert "the archive is damaged" in last.reason


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.jsonl.gz", b'{"text": "first"}\n{"text": "' + b"a" * (20 << 20) + b'"}\n{"text": "after"}\n'),
        ("t.csv.gz", b"text\nfirst\n" + b"a," * (10 << 20) + b"\nafter\n"),
        ("t.csv", b'text\nfirst\n"' + b"line\n" * (4 << 20) + b"after\n"),
    ],
    ids=["line", "row", "unclosed quote"],
)
def test_endless_row_ends_the_table(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(gzip.compress(content, 1) if name.endswith(".gz") else content)
    first, last = read_file(tmp_path / name)
    assert isinstance(first, Item)
    assert first.content == "first"
    assert isinstance(last, Unreadable)
    assert "16 million characters" in last.reason


@pytest.mark.parametrize("content", [b"", b"\n\n", b"text\n"], ids=["empty", "blank lines", "header"])
def test_table_without_rows_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    (unreadable,) = read_file(tmp_path / "t.csv")
    assert isinstance(unreadable, Unreadable)
    assert unreadable.reason == "the file has no rows"


@pytest.mark.parametrize(("ending", "comma"), [(".csv", ","), (".tsv", "\t")])
def test_csv_handles_quotes_line_breaks_and_a_mark(ending: str, comma: str, tmp_path: Path) -> None:
    rows = f'id{comma}text{comma}label\na{comma}"one, ""two""\nthree"{comma}x\nb{comma}{comma}y\nc{comma}four\n'
    path = tmp_path / f"t{ending}"
    path.write_text("\ufeff" + rows, encoding="utf-8")
    first, second, third = read_csv(path)
    assert isinstance(first, Item)
    assert (first.id, first.content, first.label) == ("a", 'one, "two"\nthree', "x")
    assert isinstance(second, Unreadable)
    assert isinstance(third, Item)
    assert (third.id, third.content, third.label) == ("c", "four", None)
