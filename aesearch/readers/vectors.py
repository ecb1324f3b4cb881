"""Vectors that somebody else's model made: the rows of a NumPy file, or of a Parquet table with a column of lists.

NumPy's format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html; what it pickles is never read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from tokenize import TokenError
from typing import Any

import numpy as np

from aesearch.errors import MissingExtra, Unreadable
from aesearch.items import Item
from aesearch.readers.files import AnyPath
from aesearch.readers.tables import TableFields, sound

ROWS = 1024
"""Rows of a Parquet table read at a time."""


def read_npy(path: AnyPath) -> Iterator[Item | Unreadable]:
    """The rows of an array [N, D] of numbers, or the one vector of an array [D]."""
    try:
        array = np.lib.format.open_memmap(path, mode="r")  # which refuses what is pickled
    except (ValueError, EOFError, SyntaxError, TokenError, MemoryError, OverflowError) as error:
        raise Unreadable(path, f"it is not a NumPy array of numbers ({str(error).splitlines()[0][:120]})") from None
    if array.dtype.kind not in "fiub" or array.ndim not in (1, 2) or not array.shape[-1]:
        raise Unreadable(path, f"it holds {array.dtype} {list(array.shape)}; vectors are numbers [N, D]")
    for number, row in enumerate(np.atleast_2d(array)):
        yield _vector(path, number, row)


def read_parquet(path: AnyPath, fields: TableFields = TableFields()) -> Iterator[Item | Unreadable]:
    """The rows of a table: its one column of lists of numbers, beside it an id and a label if it has them."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingExtra("pyarrow", "parquet") from None
    try:
        table = parquet.ParquetFile(path)
        lists = [field.name for field in table.schema_arrow if _is_list(field.type)]
        if len(lists) != 1:
            named = ", ".join(lists) or "none"
            raise Unreadable(path, f"one column of lists of numbers is needed, and it has {len(lists)} ({named})")
        names = [*lists, *({fields.id, fields.label} & set(table.schema_arrow.names))]
        number = 0
        for batch in table.iter_batches(ROWS, columns=names):
            for row in batch.to_pylist():
                yield _vector(path, number, row[lists[0]], row.get(fields.id), row.get(fields.label))
                number += 1
    except (arrow.ArrowException, OSError) as error:
        raise Unreadable(path, f"the table is damaged ({str(error).splitlines()[0][:120]})") from None


def _is_list(kind: Any) -> bool:
    import pyarrow.types as types

    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return lists and (types.is_floating(kind.value_type) or types.is_integer(kind.value_type))


def _vector(path: AnyPath, number: int, row: Any, id: Any = None, label: Any = None) -> Item | Unreadable:
    """The item of row `number`, counted from 0; Unreadable where the row is no vector of finite numbers."""
    try:
        with np.errstate(over="ignore"):  # what becomes infinite is refused below
            vector = np.array(row, np.float32)
    except (TypeError, ValueError):
        return Unreadable(f"{path}#{number}", "it is not a list of numbers")
    if vector.ndim != 1 or not vector.size:
        return Unreadable(f"{path}#{number}", "it is not a list of numbers")
    if not np.isfinite(vector).all():
        return Unreadable(f"{path}#{number}", "not all of its numbers are finite")
    return Item(
        f"#{number}" if id in (None, "") else sound(id),
        vector,
        label=None if label in (None, "") else sound(label),
        path=str(path),
        digest=hashlib.sha256(vector.tobytes()).digest(),
    )
