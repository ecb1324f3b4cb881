"""Read tables of documents, in which each row is one item: JSON Lines, CSV and TSV."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aesearch.errors import Unreadable, count
from aesearch.items import Item, Label, as_label, label_names
from aesearch.readers.csv_rows import Row, UnclosedQuote, declared_delimiter, detect_delimiter, split_line, split_rows
from aesearch.readers.files import AnyPath
from aesearch.readers.lines import TOO_LONG, TextLines
from aesearch.readers.rows import as_metadata, row_item

MAX_NAMES_CHARACTERS = 200
"""Length to which the names of fields are cut in a message."""

_JSON_TYPES = {bool: "a truth value", int: "a number", float: "a number", list: "a list", dict: "an object"}


@dataclass(frozen=True)
class TableFields:
    """Names of the fields of a row that hold the text, its id and its label.

    Every row needs the text. The id and the label are optional.

    Parameters
    ----------
    text, id : str
    label : str or sequence of str
        One field, or several, whose values together are the labels of a row. A value may be a list.
    label_separator : str, optional
        Separates several labels in one value, such as ";".
    metadata : sequence of str
        Fields that are the metadata of a row. Texts that are numbers become numbers.
    """

    text: str = "text"
    id: str = "id"
    label: Label = "label"
    label_separator: str | None = None
    metadata: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.label, str):
            object.__setattr__(self, "label", as_label(self.label) or "label")
        object.__setattr__(self, "metadata", tuple(self.metadata))

    def labels_of(self, row: Mapping[str, Any]) -> list[Any]:
        """Return the labels of a row."""
        labels: list[Any] = []
        for name in label_names(self.label):
            value = row.get(name)
            if isinstance(value, str) and self.label_separator:
                value = [part.strip() for part in value.split(self.label_separator)]
            labels += value if isinstance(value, list) else [value]
        return labels

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
            return Unreadable(f"{path}#{number}", self._missing_text(row))
        if not text.strip():
            return Unreadable(f"{path}#{number}", f'field "{self.text}" is empty')
        data = text.encode("utf-8", "replace")
        metadata = {name: value for name in self.metadata if (value := as_metadata(row.get(name))) is not None}
        signature = data + json.dumps(metadata).encode() if metadata else data
        item = row_item(path, number, data.decode("utf-8"), signature, id=row.get(self.id), label=self.labels_of(row))
        item = replace(item, metadata=metadata) if metadata else item
        is_changed = item.content != text
        return replace(item, warning="halves of surrogate pairs were replaced") if is_changed else item

    def _missing_text(self, row: Mapping[str, Any]) -> str:
        """Return why a row has no text."""
        if self.text not in row:
            names = ", ".join(row).encode("utf-8", "replace").decode("utf-8")
            if len(names) > MAX_NAMES_CHARACTERS:
                names = f"{names[:MAX_NAMES_CHARACTERS]} ..."
            return f'no field "{self.text}" (its fields are {names}); choose the field with --text-field'
        if row[self.text] is None:
            return f'field "{self.text}" is empty'
        return f'field "{self.text}" is {_JSON_TYPES[type(row[self.text])]}, not a text; choose the field with --text-field'


def read_json_lines(
    path: AnyPath, fields: TableFields = TableFields(), encoding: str | None = None
) -> Iterator[Item | Unreadable]:
    """Yield the items of a JSON Lines file, which holds one JSON object per line. Blank lines are ignored."""
    with TextLines(path, encoding) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _add_warning(_read_json(line, number, path, fields), lines.take_warning())


def _read_json(line: str, number: int, path: AnyPath, fields: TableFields) -> Item | Unreadable:
    """Return the item of a line of JSON."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return Unreadable(f"{path}#{number}", "the line is not JSON")
    if not isinstance(row, dict):
        return Unreadable(f"{path}#{number}", "the line is not a JSON object")
    return fields.to_item(row, number, path)


def read_csv(
    path: AnyPath, fields: TableFields = TableFields(), encoding: str | None = None
) -> Iterator[Item | Unreadable]:
    """Yield the items of a table. The first row names the fields.

    Fields are separated by commas, semicolons, tabs or vertical bars: the first row shows by which. If the name of the file
    ends in .tsv, they are separated by tabs.
    """
    with TextLines(path, encoding) as text_lines:
        lines = iter(text_lines)
        header = _next_line(lines)
        delimiter = declared_delimiter(header)
        if delimiter:
            header = _next_line(lines)
        elif os.fspath(path).lower().endswith(".tsv"):
            delimiter = "\t"
        else:
            delimiter = detect_delimiter(header, fields.text)
        columns = split_line(header, delimiter)
        rows = split_rows(lines, delimiter, len(columns), is_archive=os.fspath(path).lower().endswith(".gz"))
        try:
            for number, row in enumerate(rows, 1):
                yield _add_warning(_read_row(row, columns, number, path, fields), text_lines.take_warning())
        except UnclosedQuote:
            raise Unreadable(path, TOO_LONG) from None


def _next_line(lines: Iterator[str]) -> str:
    """Return the next line that is not blank, or "" if there is none."""
    return next((line for line in lines if line.strip()), "")


def _read_row(row: Row, columns: Sequence[str], number: int, path: AnyPath, fields: TableFields) -> Item | Unreadable:
    """Return the item of a row of a table with these columns."""
    n_fields, n_columns = len(row.fields), len(columns)
    if n_fields == n_columns and not row.has_stray_quote:
        return fields.to_item(dict(zip(columns, row.fields, strict=True)), number, path)
    if row.has_stray_quote and n_fields != n_columns:
        reason = f"a quotation mark is out of place, and the row has {count(n_fields, 'field')} instead of {n_columns}"
        return Unreadable(f"{path}#{number}", reason)
    if fields.text in columns[n_fields:]:
        return Unreadable(f"{path}#{number}", f"the row has only {n_fields} of {count(n_columns, 'field')}")
    item = fields.to_item(dict(zip(columns, row.fields, strict=False)), number, path)
    if row.has_stray_quote:
        return _add_warning(item, "a quotation mark is out of place, so the line was read without regard to quotes")
    if any(row.fields[n_columns:]):
        return _add_warning(item, f"the row has {count(n_fields, 'field')}; it was read up to field {n_columns}")
    return item


def _add_warning(result: Item | Unreadable, warning: str | None) -> Item | Unreadable:
    """Return an item with a warning added. An Unreadable is returned unchanged."""
    if warning is None or isinstance(result, Unreadable):
        return result
    return replace(result, warning=f"{result.warning}; {warning}" if result.warning else warning)
