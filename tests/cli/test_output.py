"""Tables, escaping and lists of skipped files."""

import io
import re
from pathlib import Path
from typing import Any

import pytest

from aesearch.cli import output
from aesearch.cli.output import (
    MAX_NAMED_FILES,
    TEXT_WIDTH,
    describe_score,
    display_width,
    escape,
    format_bytes,
    print_csv,
    print_file_warnings,
    print_hits,
    print_nonempty_columns,
    print_skipped,
    print_table,
    print_wrapped_table,
    truncate,
)
from aesearch.items import Hit, Skip, SkipCategory


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_table_aligns_numbers_right_and_text_left(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("rank", "id"), [(1, "a"), (10, None), ("1,000.5", "long name")])
    assert capsys.readouterr().out.splitlines() == ["   rank  id", "      1  a", "     10", "1,000.5  long name"]


def test_table_aligns_wide_characters(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("id", "label"), [("日本", "x"), ("cafe\u0301", "y")])
    lines = capsys.readouterr().out.splitlines()
    assert [display_width(line[: line.index(line[-1])]) for line in lines[1:]] == [6, 6]


def test_table_escapes_characters_that_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("id",), [("red\x1b[31m\n",)])
    assert capsys.readouterr().out == "id\nred\\x1b[31m\\n\n"


def test_table_in_a_terminal_is_truncated_and_linked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "20")
    print_table(("id",), [("x" * 50,), ("y",)], [str(tmp_path / "a b.png"), None])
    header, first, second = terminal.getvalue().splitlines()
    assert (header, second) == ("id", "y")
    link = re.fullmatch(r"\x1b\]8;;(.*?)\x1b\\(.*?)\x1b\]8;;\x1b\\", first)
    assert link
    assert link[1] == (tmp_path / "a b.png").as_uri()
    assert link[2] == "x" * 19 + "…"


def test_empty_columns_are_omitted_unless_required(capsys: pytest.CaptureFixture[str]) -> None:
    print_nonempty_columns(("id", "label", "excerpt"), [("", None, "text"), ("", None, "")], required=1)
    assert capsys.readouterr().out.splitlines()[0].split() == ["id", "excerpt"]


def test_wrapped_table_stays_within_the_width(capsys: pytest.CaptureFixture[str]) -> None:
    print_wrapped_table(("name", "summary"), [("a", "word " * 50), ("b", "")])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= TEXT_WIDTH
    assert [line for line in lines if not line.startswith(" ")] == [lines[0], lines[1], "b"]


def test_csv_quotes_what_needs_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    print_csv(("id", "group"), [("a,b", 1)])
    assert capsys.readouterr().out == 'id,group\n"a,b",1\n'


def test_truncate_counts_columns() -> None:
    assert truncate("日本語", 6) == "日本語"
    assert truncate("日本語", 5) == "日本…"
    assert truncate("abc", None) == "abc"


def test_escape_keeps_printable_text() -> None:
    assert escape("Ünïcödé 日本") == "Ünïcödé 日本"
    assert escape("a\tb\u202e") == "a\\tb\\u202e"


@pytest.mark.parametrize(("n_bytes", "text"), [(5, "5 B"), (2048, "2 KiB"), (3.5 * 2**20, "3.5 MiB"), (2**40, "1024 GiB")])
def test_format_bytes_chooses_the_unit(n_bytes: float, text: str) -> None:
    assert format_bytes(n_bytes) == text


def test_describe_score_names_the_interval_and_the_shares() -> None:
    score = {"value": 0.5, "interval": (0.4, 0.6), "agreement": {"5": 0.3, "10": 0.25}, "similarity": 0.1, "n_items": 40}
    described = describe_score(score)
    assert described.startswith("0.500 (0.400 to 0.600; two halves of 40 held-out items share 30% of 5, 25% of 10")
    assert "too few items" in describe_score(None)


@pytest.mark.parametrize("style", ["table", "paths"])
def test_hits_without_path_are_printed_by_id(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_hits([Hit(1, "memo/1", 0.25)], style)
    assert "memo/1" in capsys.readouterr().out


def skips(category: SkipCategory, count: int, reason: str = "a reason") -> dict[str, Skip]:
    return {f"{category.value} {number}.png": Skip(category, reason) for number in range(count)}


def test_unexpected_skips_are_named_and_expected_ones_counted(capsys: pytest.CaptureFixture[str]) -> None:
    skipped = (
        skips(SkipCategory.HIDDEN, 1200) | skips(SkipCategory.OTHER_KIND, 2) | skips(SkipCategory.UNREADABLE, 1, "\x1b")
    )
    print_skipped(skipped)
    assert capsys.readouterr().err.splitlines() == [
        "skipped unreadable 0.png: \\x1b",
        "not indexed: 1,200 hidden, 2 other kind (choose what to read with --kind)",
    ]


def test_unsupported_files_are_counted_by_suffix(capsys: pytest.CaptureFixture[str]) -> None:
    names = [*(f"{number}.MP4" for number in range(7)), "a.zip", "b.zip", "c.zip", "d/x.exe", "y.exe", "d/core"]
    skipped = dict.fromkeys(names, Skip(SkipCategory.UNSUPPORTED, "no reader"))
    skipped |= dict.fromkeys(["a/node_modules", "node_modules"], Skip(SkipCategory.IGNORED_FOLDER, "installed packages"))
    print_skipped(skipped)
    assert capsys.readouterr().err.splitlines() == [
        "not indexed: 13 unsupported (7 .mp4, 3 .zip, 2 .exe, 1 without suffix), 2 ignored folder (2 node_modules)"
    ]
    print_skipped({f"a.{number}": Skip(SkipCategory.UNSUPPORTED, "no reader") for number in range(8)})
    assert "8 unsupported (1 .0, 1 .1, 1 .2, 1 .3, 1 .4, 3 other)" in capsys.readouterr().err


def test_long_lists_of_skips_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_skipped(skips(SkipCategory.UNREADABLE, MAX_NAMED_FILES + 7), hint="; --json lists them all")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == MAX_NAMED_FILES + 1
    assert lines[-1] == "skipped 7 more; --json lists them all"


def test_long_lists_of_warnings_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_file_warnings({f"{number}.pdf": "page 3 is \x1b damaged" for number in range(MAX_NAMED_FILES + 7)})
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "read in part: 0.pdf: page 3 is \\x1b damaged"
    assert lines[-1] == "read in part: 7 more"


def test_nothing_is_printed_without_skips(capsys: pytest.CaptureFixture[str]) -> None:
    print_skipped({})
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("number", "text"), [(0, "0 files"), (1, "1 file"), (2000, "2,000 files")])
def test_count_chooses_singular_or_plural(number: Any, text: str) -> None:
    assert output.count(number, "file") == text
    assert output.count_items(number, "images") == text.replace("file", "image")
