"""Split the lines of a table into rows, which a stray quotation mark does not join."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from aesearch.readers.lines import MAX_LINE_CHARACTERS

DELIMITERS = ",;\t|"
"""Characters that separate the fields of a row, in order of preference."""

NO_DELIMITER = "\x1f"
"""Delimiter of a table with one column: a character that does not occur in texts."""

MIN_JOINED_ROWS = {2: 10}
"""Lines within a quoted field that show, if all of them look like rows, that the quotation mark is out of place; by the
number of columns. In a table of two columns, lines of prose with one comma look like rows."""
DEFAULT_MIN_JOINED_ROWS = 3

MAX_QUOTED_LINES = 100_000
"""Lines that a quoted field may contain. With more, its quotation mark is out of place."""


class UnclosedQuote(Exception):
    """A quoted field is longer than the limits for a field."""


class Row(NamedTuple):
    """The fields of a row, and whether a quotation mark in it is out of place, so that its line was read by itself."""

    fields: list[str]
    has_stray_quote: bool = False


def detect_delimiter(header: str, field: str) -> str:
    """Return the delimiter of a table.

    Parameters
    ----------
    header : str
        The first line, which names the fields.
    field : str
        The name of a field that the table should have.
    """

    def rank(delimiter: str) -> tuple[bool, int]:
        names = split_line(header, delimiter)
        return field in names, len(names)

    best = max(DELIMITERS, key=rank)  # the first of several
    return best if rank(best)[1] > 1 else NO_DELIMITER


def declared_delimiter(line: str) -> str | None:
    """Return the delimiter that the first line of a table declares for Excel, as `sep=;`, or None."""
    declaration = re.fullmatch(r"sep=(.)\s*", line)
    return declaration and declaration[1]


def split_line(line: str, delimiter: str) -> list[str]:
    """Return the fields of a line, without spaces around them."""
    return [name.strip() for name in next(_parse([line], delimiter, skipinitialspace=True), [])]


def _parse(lines: Iterable[str], delimiter: str, **options: Any) -> Iterator[list[str]]:
    """Return the rows of lines as the csv module splits them. TextLines and _Replay limit their length."""
    csv.field_size_limit(2 * MAX_LINE_CHARACTERS)
    return csv.reader(lines, delimiter=delimiter, **options)


class _Replay:
    """An iterator of lines that can be put back. `read` holds the lines of the current row."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._put_back: deque[str] = deque()
        self.read: list[str] = []
        self._n_characters = 0

    def start_row(self) -> None:
        """Forget the lines that were read."""
        self.read.clear()
        self._n_characters = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.read) > MAX_QUOTED_LINES or self._n_characters > MAX_LINE_CHARACTERS:
            raise UnclosedQuote
        line = self._put_back.popleft() if self._put_back else next(self._lines)
        self.read.append(line)
        self._n_characters += len(line)
        return line

    def put_back_all_but_first(self) -> str:
        """Put back all lines in `read` but the first, which is returned."""
        first, *rest = self.read
        self._put_back.extendleft(reversed(rest))
        return first


def split_rows(lines: Iterator[str], delimiter: str, n_columns: int, *, is_archive: bool = False) -> Iterator[Row]:
    """Yield the rows of a table. Blank lines are ignored.

    A quoted field may contain line ends. If its quotation mark is never closed, or closed within a word, or if the lines in
    the field look like rows, then the mark is out of place: the line is one row, and the next line another.

    Parameters
    ----------
    lines : iterator of str
        The lines after the header.
    delimiter : str
    n_columns : int
        Number of columns of the table.
    is_archive : bool
        Whether the lines are unpacked. Then a quoted field without an end may be an attempt to fill the memory.

    Raises
    ------
    UnclosedQuote
        If a quoted field of an archive is too long.
    """
    replay = _Replay(lines)
    rows = _parse(replay, delimiter, skipinitialspace=True, strict=True)
    while True:
        replay.start_row()
        try:
            fields = next(rows)
            has_stray_quote = len(replay.read) > 1 and _has_joined_rows(replay.read[1:-1], delimiter, n_columns)
        except StopIteration:
            return
        except csv.Error:
            has_stray_quote = True
        except UnclosedQuote:
            if is_archive:
                raise
            has_stray_quote = True
        if has_stray_quote:
            fields = _split_with_stray_quote(replay.put_back_all_but_first(), delimiter, n_columns)
        if fields:
            yield Row(fields, has_stray_quote)


def _split_with_stray_quote(line: str, delimiter: str, n_columns: int) -> list[str]:
    """Return the fields of a line with a misplaced quotation mark: the first way to split it that fits the table."""
    line = line.rstrip("\r\n")
    literal = line.split(delimiter)
    tolerant = next(_parse([line], delimiter, skipinitialspace=True))
    escaped = next(_parse([line], delimiter, escapechar="\\", doublequote=False))
    return next((fields for fields in (literal, tolerant, escaped) if len(fields) == n_columns), literal)


def _has_joined_rows(lines: Sequence[str], delimiter: str, n_columns: int) -> bool:
    """Return whether the lines within a quoted field look like rows of the table."""
    if n_columns < 2 or len(lines) < MIN_JOINED_ROWS.get(n_columns, DEFAULT_MIN_JOINED_ROWS):
        return False
    return all(line.count(delimiter) == n_columns - 1 for line in lines)
