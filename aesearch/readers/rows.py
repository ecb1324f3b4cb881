"""Items of files with many rows."""

from __future__ import annotations

import hashlib
from typing import Any

from aesearch.items import Item, as_label
from aesearch.readers.files import AnyPath


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
