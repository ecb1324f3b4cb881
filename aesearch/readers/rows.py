"""Items of files with many rows."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from aesearch.items import Item, as_label
from aesearch.readers.files import AnyPath

_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")
"""Numbers that are no codes such as 007, and that lose no digit."""


def row_item(path: AnyPath, number: int, content: Any, data: bytes, *, id: Any = None, label: Any = None) -> Item:
    """Return the item of a row.

    Parameters
    ----------
    path : path-like
        The file.
    number : int
        The row's number, which is its id if it has none of its own.
    content : PIL.Image.Image or str or numpy.ndarray
    data : bytes
        The content as bytes, for the digest.
    id : object, optional
        The row's own id; None or an empty string if it has none.
    label : object, optional
        The row's label, or a list of labels; None or an empty string if it has none.
    """
    labels = label if isinstance(label, list | tuple) else [label]
    return Item(
        f"#{number}" if id in (None, "") else _to_text(id),
        content,
        label=as_label(_to_text(name) for name in labels if name not in (None, "")),
        path=str(path),
        digest=hashlib.sha256(data).digest(),
    )


def _to_text(value: Any) -> str:
    """Return a value as text that can be stored. JSON may contain half of a surrogate pair, which becomes "?"."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def as_metadata(value: Any) -> Any:
    """Return a value of a table as metadata: texts that are numbers as numbers, lists of values, None for anything else."""
    if isinstance(value, list):
        return [part for part in map(as_metadata, value) if part is not None and not isinstance(part, list)] or None
    if isinstance(value, bool | int | float):
        return value
    if not isinstance(value, str) or not value.strip():
        return None
    text = _to_text(value.strip())
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return text
