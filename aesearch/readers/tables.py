"""Tables of documents: a row of JSON lines or CSV is an item."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.files import AnyPath

MAX_LINE = 16 << 20
"""Characters that a line may hold, or a field of a CSV row: a small archive can unpack to one that fills the memory."""
TOO_LONG = f"a row is longer than {MAX_LINE >> 20} million characters; the rows from there on are not read"


@dataclass(frozen=True)
class TableFields:
    """Which fields of a row hold the text, its id and its label.  Rows need the text; id and label may be missing."""

    text: str = "text"
    id: str = "id"
    label: str = "label"

    def item(self, row: Mapping[str, Any], number: int, path: AnyPath) -> Item | Unreadable:
        """The item in row `number` of `path`, counted from 1; Unreadable where the row has no text."""
        text = row.get(self.text)
        if not isinstance(text, str):
            names = ", ".join(str(name) for name in row if name is not None)
            return Unreadable(f"{path}#{number}", f'no field "{self.text}" (it has {names}); name one by --text-field')
        if not text.strip():
            return Unreadable(f"{path}#{number}", f'its field "{self.text}" is empty')
        own, label = row.get(self.id), row.get(self.label)
        return Item(
            f"#{number}" if own in (None, "") else sound(own),
            text,
            label=None if label in (None, "") else sound(label),
            path=str(path),
            digest=hashlib.sha256(text.encode("utf-8", "replace")).digest(),
        )


def read_json_lines(path: AnyPath, fields: TableFields = TableFields()) -> Iterator[Item | Unreadable]:
    """A JSON object a line."""
    with _open_text(path) as lines:
        for number, line in enumerate(_mended(lines, path), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                yield Unreadable(f"{path}#{number}", "the line is not JSON")
                continue
            if isinstance(row, dict):
                yield fields.item(row, number, path)
            else:
                yield Unreadable(f"{path}#{number}", "the line is not a JSON object")


def read_csv(path: AnyPath, fields: TableFields = TableFields()) -> Iterator[Item | Unreadable]:
    """A row a record, the first row naming the fields; tabs separate them in a .tsv."""
    csv.field_size_limit(MAX_LINE)
    with _open_text(path) as lines:
        rows = csv.DictReader(_mended(lines, path), delimiter="\t" if _ends(path, ".tsv") else ",")
        for number in _count():
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                if "field limit" in str(error):  # a quote that nothing closes: what follows would be read as rows
                    raise Unreadable(path, TOO_LONG) from None
                yield Unreadable(f"{path}#{number}", f"the row is not CSV ({error})")
                continue
            yield fields.item(row, number, path)


def sound(value: Any) -> str:
    """`value` as text that can be stored: half of a surrogate pair, which JSON can hold, becomes a question mark."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _count() -> Iterator[int]:
    number = 0
    while True:
        yield (number := number + 1)


def _open_text(path: AnyPath) -> IO[str]:
    """`path`, unpacked if need be, as UTF-8; a byte that is not UTF-8 becomes a replacement character."""
    raw: Any = gzip.open(path, "rb") if _ends(path, ".gz") else open(path, "rb")  # noqa: SIM115
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")


def _ends(path: AnyPath, ending: str) -> bool:
    return os.fspath(path).lower().endswith(ending)


def _mended(lines: IO[str], path: AnyPath) -> Iterator[str]:
    """`lines`, where a damaged archive, or a line that never ends, ends them as Unreadable."""
    try:
        for line in iter(partial(lines.readline, MAX_LINE + 1), ""):
            if len(line) > MAX_LINE:
                raise Unreadable(path, TOO_LONG)
            yield line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Unreadable(path, f"the archive is damaged ({error})") from None
