"""Tables in every dialect are split into rows. A stray quotation mark costs at most its own row."""

import pytest

from aesearch.readers import csv_rows
from aesearch.readers.csv_rows import NO_DELIMITER, Row, declared_delimiter, detect_delimiter, split_line, split_rows


def split(*lines: str, delimiter: str = ",", n_columns: int = 3) -> list[Row]:
    return list(split_rows((f"{line}\n" for line in lines), delimiter, n_columns))


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("id,text,label", ","),
        ("id;text;label", ";"),
        ("id\ttext\tlabel", "\t"),
        ("id|text|label", "|"),
        ('"id";"text";"last, first name"', ";"),
        ("id, text; label", ","),
        ("text", NO_DELIMITER),
        ("text,", ","),
        ("body;title", ";"),
        ("a|b,c,d", ","),
    ],
)
def test_delimiter_is_detected_by_the_header(header: str, delimiter: str) -> None:
    assert detect_delimiter(header + "\n", "text") == delimiter


def test_declared_delimiter_is_used() -> None:
    assert declared_delimiter("sep=;\r\n") == ";"
    assert declared_delimiter("id;text\n") is None


def test_split_line_strips_spaces_and_quotes() -> None:
    assert split_line('id , "the text",label\n', ",") == ["id", "the text", "label"]
    assert split_line("", ",") == []


def test_quoted_fields_may_contain_delimiters_and_line_ends() -> None:
    rows = split('1,"one, ""two""', 'and three",x', "", '2, "four, five",y')
    assert rows == [Row(["1", 'one, "two"\nand three', "x"]), Row(["2", "four, five", "y"])]


@pytest.mark.parametrize(
    "line",
    ['2,"stray,x', '2,"stray" word,x', '2,6" pipe,"x'],
    ids=["unclosed", "word after", "last field"],
)
def test_stray_quote_costs_only_its_own_row(line: str) -> None:
    rows = split("1,one,x", line, "3,three,x", '4,"four, again",x', "5,five,x")
    assert [row.fields[0] for row in rows] == ["1", line.split(",")[0], "3", "4", "5"]
    assert [row.has_stray_quote for row in rows] == [False, True, False, False, False]
    assert rows[3].fields == ["4", "four, again", "x"]


def test_row_with_stray_quote_is_split_as_the_table_needs() -> None:
    assert split('1,"a" b,x')[0].fields == ["1", '"a" b', "x"]
    assert split('1,"a, b" c,x')[0].fields == ["1", "a, b c", "x"]
    assert split(r'1,"say \"hi, you\" now",x')[0].fields == ["1", 'say "hi, you" now', "x"]
    assert split('1,"a, b, c')[0].fields == ["1", '"a', " b", " c"]


def test_quote_that_joins_rows_by_accident_is_recognized() -> None:
    lines = ['1,"5 inch,x', *(f"{number},word {number},x" for number in range(2, 8)), '8,a pipe of 6",x', "9,nine,x"]
    rows = split(*lines)
    assert [row.fields[0] for row in rows] == [str(number) for number in range(1, 10)]
    assert [number for number, row in enumerate(rows, 1) if row.has_stray_quote] == [1]


def test_quoted_prose_is_not_taken_for_rows() -> None:
    poem = ["Roses are red, they say", "Violets are blue, I know", "Sugar is sweet, for sure", "And so are you, of course"]
    for n_columns in (2, 3):
        (row,) = split(f'"{poem[0]}', *poem[1:-1], f'{poem[-1]}"{",x" * (n_columns - 1)}', n_columns=n_columns)
        assert row == Row(["\n".join(poem), *["x"] * (n_columns - 1)])


def test_field_with_too_many_lines_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "MAX_QUOTED_LINES", 100)
    rows = split('1,"one', *["more"] * 200, 'end",x', "2,two,x")
    assert rows[0] == Row(["1", '"one'], has_stray_quote=True)
    assert rows[-1] == Row(["2", "two", "x"])


def test_many_stray_quotes_are_read_in_linear_time() -> None:
    rows = split(*(f'{number},"stray {number},x' for number in range(20_000)))
    assert len(rows) == 20_000
    assert all(row.has_stray_quote for row in rows)
    rows = split('0,"open,x', *(f'{number},""even"",x' for number in range(1, 20_000)))
    assert [row.fields[0] for row in rows] == [str(number) for number in range(20_000)]
