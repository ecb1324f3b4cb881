"""Rows of tables: a bad one is named, and those after it are still read."""

import gzip
import json
from pathlib import Path

import pytest

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.tables import TableFields, read_csv, read_json_lines
from aesearch.readers.workers import read_file


def told(results: list[Item | Unreadable]) -> list[str]:
    return [result.id if isinstance(result, Item) else "!" + result.why for result in results]


def test_json_lines_give_items_and_reasons_in_their_order(tmp_path: Path) -> None:
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
    assert told(results) == [
        "a",
        "!the line is not JSON",
        "!the line is not a JSON object",
        "7",
        "#6",
        '!its field "text" is empty',
        '!no field "text" (it has id, body); name one by --text-field',
        "?",
    ]
    first = results[0]
    assert isinstance(first, Item)
    assert (first.content, first.label) == ("one", "x")


def test_fields_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(json.dumps({"key": "k", "body": "words", "class": 3}))
    (item,) = read_json_lines(tmp_path / "t.jsonl", TableFields("body", "key", "class"))
    assert isinstance(item, Item)
    assert (item.id, item.content, item.label) == ("k", "words", "3")


def test_a_packed_table_is_the_same_table(tmp_path: Path) -> None:
    rows = "\n".join(json.dumps({"text": f"row {n}"}) for n in range(100))
    (tmp_path / "t.jsonl").write_text(rows)
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress(rows.encode()))
    plain, packed = (list(read_json_lines(tmp_path / name)) for name in ("t.jsonl", "t.jsonl.gz"))
    assert [item.content for item in plain if isinstance(item, Item)] == [f"row {n}" for n in range(100)]
    assert [item.content for item in packed if isinstance(item, Item)] == [f"row {n}" for n in range(100)]


def test_a_damaged_archive_gives_the_rows_before_the_damage(tmp_path: Path) -> None:
    packed = gzip.compress("\n".join(json.dumps({"text": f"row {n} {n**5}"}) for n in range(20_000)).encode())
    (tmp_path / "t.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    rows = read_json_lines(tmp_path / "t.jsonl.gz")
    seen = [next(rows) for _ in range(1000)]
    assert all(isinstance(row, Item) for row in seen)
    with pytest.raises(Unreadable, match="archive is damaged"):
        list(rows)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("t.jsonl.gz", b'{"text": "first"}\n{"text": "' + b"a" * (20 << 20) + b'"}\n{"text": "after"}\n'),
        ("t.csv.gz", b"text\nfirst\n" + b"a," * (10 << 20) + b"\nafter\n"),
        ("t.csv", b'text\nfirst\n"' + b"line\n" * (4 << 20) + b"after\n"),
    ],
)
def test_a_row_without_end_ends_the_table_and_not_the_memory(name: str, raw: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(gzip.compress(raw, 1) if name.endswith(".gz") else raw)
    first, reason = read_file(tmp_path / name)
    assert isinstance(first, Item)
    assert first.content == "first"
    assert isinstance(reason, Unreadable)
    assert "16 million characters" in reason.why


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"text\n"])
def test_a_table_without_rows_is_named(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(raw)
    (reason,) = read_file(tmp_path / "t.csv")
    assert isinstance(reason, Unreadable)
    assert reason.why == "it holds no rows"


def test_a_packed_table_that_was_altered_is_named(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"".join(b'{"text": "row %d"}\n' % (n**5) for n in range(20_000))))
    packed[len(packed) // 2 : len(packed) // 2 + 50] = b"\xff" * 50
    (tmp_path / "t.jsonl.gz").write_bytes(packed)
    *_, reason = read_file(tmp_path / "t.jsonl.gz")
    assert isinstance(reason, Unreadable)
    assert "the archive is damaged" in reason.why


@pytest.mark.parametrize(("ending", "comma"), [(".csv", ","), (".tsv", "\t")])
def test_csv_with_quotes_line_breaks_and_a_mark_is_read(ending: str, comma: str, tmp_path: Path) -> None:
    rows = f'id{comma}text{comma}label\na{comma}"one, ""two""\nthree"{comma}x\nb{comma}{comma}y\nc{comma}four\n'
    path = tmp_path / f"t{ending}"
    path.write_text("\ufeff" + rows, encoding="utf-8")
    first, second, third = read_csv(path)
    assert isinstance(first, Item)
    assert (first.id, first.content, first.label) == ("a", 'one, "two"\nthree', "x")
    assert isinstance(second, Unreadable)
    assert isinstance(third, Item)
    assert (third.id, third.content, third.label) == ("c", "four", None)
