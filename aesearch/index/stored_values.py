"""Values of the ledger that are stored in another form than they are used in."""

from __future__ import annotations

import json
from collections.abc import Iterator

from aesearch.index.filters import Value, to_stored
from aesearch.items import Item, Label, SkipCategory, as_label, label_names


def encode_label(label: Label | None) -> str | None:
    """Return a label as it is stored: as JSON, a string or a list of strings."""
    return None if label is None else json.dumps(label, ensure_ascii=False)


def decode_label(stored: str | None) -> Label | None:
    """Return a stored label. Raises ValueError if it is malformed."""
    if stored is None:
        return None
    try:
        label = json.loads(stored)
    except (ValueError, TypeError, RecursionError):
        label = None
    names = [label] if isinstance(label, str) else label
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"the label {stored!r:.100} is malformed")
    return as_label(names)


def parse_category(value: str) -> SkipCategory:
    """Return a stored category, or UNREADABLE for one that this version does not know."""
    try:
        return SkipCategory(value)
    except ValueError:
        return SkipCategory.UNREADABLE


def metadata_rows(key: int, item: Item) -> Iterator[tuple[int, str, Value]]:
    """Yield the rows of an item in the table of metadata: a row for each label, and for each value of a field."""
    for label in label_names(item.label):
        yield key, "label", label
    for name, values in item.metadata.items():
        if name != "label":
            for value in values if isinstance(values, list | tuple) else [values]:
                if value is not None:
                    yield key, name, to_stored(value)
