"""Values of the ledger that are stored in another form than they are used in."""

from __future__ import annotations

import json

from aesearch.items import Label, SkipCategory, as_label


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
