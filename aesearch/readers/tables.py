"""Read tables of documents, in which each row is one item: JSON Lines, CSV and TSV."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import IO, Any

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.files import AnyPath
from aesearch.readers.rows import row_item

MAX_LINE_CHARACTERS = 16 << 20
"""Limit for a line, and for a field of a CSV row. A small archive can unpack to a line that fills the memory."""
TOO_LONG = f"a row is longer than {MAX_LINE_CHARACTERS >> 20} million characters; it and the rows after it are not read"


@dataclass(frozen=True)
class TableFields:
    """Names of the fields of a row that hold the text, its id and its label.

    Every row needs the text. The id and the label are optional.
    """

    text: str = "text"
    id: str = "id"
    label: str = "label"

    def to_item(self, row: Mapping[str, Any], number: int, path: AnyPath) -> Item | Unreadable:
        """Return the item of a row, or Unreadable if the row has no text.

        Parameters
        ----------
        row : mapping
            Values by field name.
        number : int
            The row's number in the file, from 1.
        path : path-like
            The file.
        """
        text = row.get(self.text)
        if not isinstance(text, str):
            names = ", ".join(str(name) for name in row if name is not None)
            reason = f'no field "{self.text}" (its fields are {names}); choose the field with --text-field'
            return Unreadable(f"{path}#{number}", reason)
        if not text.strip():
            return Unreadable(f"{path}#{number}", f'field "{self.text}" is empty')
        data = text.encode("utf-8", "replace")
        return row_item(path, number, text, data, id=row.get(self.id), label=row.get(self.label))


def read_json_lines(path: AnyPath, fields: TableFields = TableFields()) -> Iterator[Item | Unreadable]:
    """Yield the items of a JSON Lines file, which holds one JSON object per line. Blank lines are ignored."""
    with _open_text(path) as file:
        for number, line in enumerate(_lines(file, path), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                yield Unreadable(f"{path}#{number}", "the line is not JSON")
                continue
            if isinstance(row, dict):
                yield fields.to_item(row, number, path)
            else:
                yield Unreadable(f"{path}#{number}", "the line is not a JSON object")


def read_csv(path: AnyPath, fields: TableFields = TableFields()) -> Iterator[Item | Unreadable]:
    """Yield the items of a CSV file, or of a TSV file if its name ends in .tsv. The first row names the fields."""
    csv.field_size_limit(MAX_LINE_CHARACTERS)
    with _open_text(path) as file:
        rows = csv.DictReader(_lines(file, path), delimiter="\t" if _has_ending(path, ".tsv") else ",")
        for number in count(1):
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                if "field limit" in str(error):  # an unclosed quote: parsing would resume inside the quoted text
                    raise Unreadable(path, TOO_LONG) from None
                yield Unreadable(f"{path}#{number}", f"the row is not CSV ({error})")
                continue
            yield fields.to_item(row, number, path)


def _open_text(path: AnyPath) -> IO[str]:
    """Open a file, or a gzip archive, as UTF-8 text. Invalid bytes become replacement characters."""
    raw: Any = gzip.open(path, "rb") if _has_ending(path, ".gz") else open(path, "rb")  # noqa: SIM115
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")


def _has_ending(path: AnyPath, ending: str) -> bool:
    """Return whether a file name has an ending, in upper or lower case."""
    return os.fspath(path).lower().endswith(ending)


def _lines(file: IO[str], path: AnyPath) -> Iterator[str]:
    """Yield the lines of a file. Raise Unreadable if a line is too long or the archive is damaged."""
    try:
        for line in iter(partial(file.readline, MAX_LINE_CHARACTERS + 1), ""):
            if len(line) > MAX_LINE_CHARACTERS:
                raise Unreadable(path, TOO_LONG)
            yield line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Unreadable(path, f"the archive is damaged ({error})") from None
