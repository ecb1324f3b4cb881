"""Rows of tables become items. A bad row is named, and the rows after it are still read."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.files import read_file
from aesearch.readers.tables import TableFields, read_csv, read_json_lines


def summarize(results: Iterable[Item | Unreadable]) -> list[str]:
    return [result.id if isinstance(result, Item) else "!" + result.reason for result in results]


def items(results: Iterable[Item | Unreadable]) -> list[Item]:
    """Return the results, which must all be items."""
    found = list(results)
    assert all(isinstance(result, Item) for result in found)
    return found  # type: ignore[return-value]


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
        json.dumps({"id": "d", "text": 5}),
        json.dumps({"id": "e", "text": None}),
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
        '!field "text" is a number, not a text; choose the field with --text-field',
        '!field "text" is empty',
        "?",
    ]
    first, second = results[:2]
    assert isinstance(first, Item)
    assert (first.content, first.label) == ("one", "x")
    assert isinstance(second, Unreadable)
    assert second.path == f"{tmp_path / 't.jsonl'}#2"
    last = results[-1]
    assert isinstance(last, Item)
    assert last.content == "half a pair ?"
    assert last.warning == "halves of surrogate pairs were replaced"


def test_fields_name_text_id_and_label(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(json.dumps({"key": "k", "body": "words", "class": 3}))
    (item,) = read_json_lines(tmp_path / "t.jsonl", TableFields("body", "key", "class"))
    assert isinstance(item, Item)
    assert (item.id, item.content, item.label) == ("k", "words", "3")


def test_label_may_be_a_list(tmp_path: Path) -> None:
    labels = [["grain", "wheat"], ["grain"], [], ["grain", "", None, 3, "grain"], None]
    rows = [json.dumps({"text": "words", "label": label}) for label in labels]
    (tmp_path / "t.jsonl").write_text("\n".join(rows))
    found = [item.label for item in items(read_json_lines(tmp_path / "t.jsonl"))]
    assert found == [("grain", "wheat"), "grain", None, ("grain", "3"), None]


def test_labels_of_several_columns_are_collected(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text,topic,place\none,grain; wheat,usa\ntwo,,\nthree,grain,\n")
    fields = TableFields(label=("topic", "place"), label_separator=";")
    found = [item.label for item in items(read_csv(tmp_path / "t.csv", fields))]
    assert found == [("grain", "wheat", "usa"), None, "grain"]
    assert [item.label for item in items(read_csv(tmp_path / "t.csv", TableFields(label="topic")))] == [
        "grain; wheat",
        None,
        "grain",
    ]


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
        ("t.csv.gz", b'text\nfirst\n"' + b"line\n" * (4 << 20) + b"after\n"),
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


GERMAN = "Größe und Übermut tun selten gut; über Straßen und Plätze zieht der Jäger, müde und fröhlich"
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy, a nikdo ve vsi neslyšel jeho smutný hlas"
RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю на ночь глядя"
JAPANESE = "すべての人間は、生れながらにして自由であり、尊厳と権利とについて平等である。"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (GERMAN, "utf-16"),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-32-be"),
        (GERMAN, "cp1252"),
        (CZECH, "cp1250"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        (JAPANESE, "utf-16-be"),
    ],
    ids=lambda value: value if value.isascii() else value[:2],
)
@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz", ".jsonl", ".jsonl.gz"])
def test_tables_are_decoded_like_texts(ending: str, text: str, encoding: str, tmp_path: Path) -> None:
    texts = ["plain words", *[f"{number}. {text}" for number in range(30)]]
    if ending.startswith(".jsonl"):
        rows = [json.dumps({"text": text, "label": "x"}, ensure_ascii=False) for text in texts]
    else:
        comma = "\t" if ending == ".tsv" else ","
        rows = [f"text{comma}label", *[f'"{text}"{comma}x' for text in texts]]
    content = "\r\n".join(rows).encode(encoding)
    path = tmp_path / f"t{ending}"
    path.write_bytes(gzip.compress(content) if ending.endswith(".gz") else content)
    found = items(read_file(path))
    assert [item.content for item in found] == texts
    assert {item.label for item in found} == {"x"}
    assert {item.warning for item in found} == {None}


def test_encoding_of_a_table_is_detected_at_its_first_special_row(tmp_path: Path) -> None:
    rows = [b"text", *[b"plain words %d" % number for number in range(200_000)], CZECH.encode("cp1250"), b"and more"]
    (tmp_path / "t.csv").write_bytes(b"\n".join(rows))
    found = items(read_csv(tmp_path / "t.csv"))
    assert len(found) == 200_002
    assert [item.content for item in found[-3:]] == ["plain words 199999", CZECH, "and more"]
    assert [item.id for item in found[-2:]] == ["#200001", "#200002"]


def test_row_with_invalid_bytes_has_a_warning(tmp_path: Path) -> None:
    rows = [b'{"text": "%s %d"}' % (GERMAN.encode(), number) for number in range(5)]
    rows[2] = rows[2].replace(b"J", b"\xff\xfe", 1)
    (tmp_path / "t.jsonl").write_bytes(b"\n".join(rows))
    found = items(read_json_lines(tmp_path / "t.jsonl"))
    assert [item.warning for item in found] == [
        None,
        None,
        "2 characters are not valid utf-8 and were replaced",
        None,
        None,
    ]
    assert found[2].content == f"{GERMAN} 2".replace("J", "\ufffd\ufffd", 1)


def test_uncertain_encoding_of_a_table_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("text,label\nplain,x\ncafé,x\ncafé,x\n".encode("cp1252"))
    found = items(read_csv(tmp_path / "t.csv"))
    assert [item.content for item in found] == ["plain", "café", "café"]
    plain, first, second = (item.warning for item in found)
    assert plain is second is None
    assert first is not None
    assert "the encoding is uncertain" in first
    assert {item.warning for item in items(read_csv(tmp_path / "t.csv", encoding="cp1252"))} == {None}


def test_named_encoding_of_a_table_is_used(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(f"text\n{GERMAN}\n".encode("cp850"))
    (item,) = items(read_csv(tmp_path / "t.csv", encoding="cp850"))
    assert item.content == GERMAN


def test_zero_bytes_cost_no_row(tmp_path: Path) -> None:
    rows = [b'{"text": "row %d of some words"}\n' % number for number in range(50)]
    rows[20] = rows[20].replace(b"some", b"so\0e")
    (tmp_path / "t.jsonl").write_bytes(b"".join(rows))
    found = items(read_json_lines(tmp_path / "t.jsonl"))
    assert len(found) == 50
    assert found[20].content == "row 20 of so e words"
    assert [item.id for item in found if item.warning] == ["#21"]
    assert found[20].warning == "1 zero byte was replaced by spaces"


def test_binary_table_is_refused(tmp_path: Path) -> None:
    for name in ("t.csv", "t.jsonl"):
        (tmp_path / name).write_bytes(b"PK\x03\x04\0\0\0\0and more\0")
        (unreadable,) = read_file(tmp_path / name)
        assert isinstance(unreadable, Unreadable)
        assert "it contains zero bytes" in unreadable.reason


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("declaration", ["", "sep={}\r\n"], ids=["detected", "declared"])
def test_csv_may_have_any_delimiter(delimiter: str, declaration: str, tmp_path: Path) -> None:
    rows = [("id", "text", "label"), ("a", '"one, two; three | four\tfive"', "x"), ("b", "six", "y")]
    content = "".join(delimiter.join(row) + "\r\n" for row in rows)
    (tmp_path / "t.csv").write_text(declaration.format(delimiter) + content)
    first, second = items(read_csv(tmp_path / "t.csv"))
    assert (first.id, first.content, first.label) == ("a", "one, two; three | four\tfive", "x")
    assert (second.id, second.content, second.label) == ("b", "six", "y")


def test_long_first_line_is_a_header(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x" * 200_000 + "\nwords\n")
    (unreadable,) = read_file(tmp_path / "t.csv")
    assert isinstance(unreadable, Unreadable)
    assert unreadable.reason.startswith('no field "text" (its fields are xxx')
    assert len(unreadable.reason) < 1000


def test_csv_of_one_column_takes_whole_lines(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('text\none, two; three\n"four\nfive"\n')
    assert [item.content for item in items(read_csv(tmp_path / "t.csv"))] == ["one, two; three", "four\nfive"]


def test_csv_row_with_another_number_of_fields_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,text,label\na,one, two,x\nb\nc,three\nd,four,x,\n")
    more, fewer, without_label, empty = read_csv(tmp_path / "t.csv")
    assert isinstance(more, Item)
    assert more.warning == "the row has 4 fields; it was read up to field 3"
    assert isinstance(fewer, Unreadable)
    assert fewer.reason == "the row has only 1 of 3 fields"
    for item in (without_label, empty):
        assert isinstance(item, Item)
        assert item.warning is None


def test_stray_quote_in_a_table_has_a_warning(tmp_path: Path) -> None:
    rows = ["id,text,label", "a,one,x", 'b,"two,x', "c,three,x", 'd,"four, and five,x', "e,six,x"]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    results = list(read_csv(tmp_path / "t.csv"))
    assert summarize(results) == [
        "a",
        "b",
        "c",
        "!a quotation mark is out of place, and the row has 4 fields instead of 3",
        "e",
    ]
    second = results[1]
    assert isinstance(second, Item)
    assert second.content == '"two'
    assert second.warning == "a quotation mark is out of place, so the line was read without regard to quotes"


def test_unclosed_quote_does_not_swallow_a_large_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b'id,text,label\n1,"one,x\n' + b"2,two,x\n" * 300_000)
    results = read_csv(tmp_path / "t.csv")
    first, second, *rest = results
    assert isinstance(first, Item)
    assert (first.id, first.content) == ("1", '"one')
    assert len(rest) == 299_999
    assert isinstance(second, Item)
    assert second.content == "two"
