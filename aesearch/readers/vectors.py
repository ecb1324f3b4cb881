"""Read vectors that another model computed: the rows of a NumPy file, or of a Parquet table with a column of lists.

NumPy format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Pickled objects are never loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from tokenize import TokenError
from typing import Any

import numpy as np

from aesearch.errors import MissingExtra, Unreadable
from aesearch.items import Item, label_names
from aesearch.readers.files import AnyPath, check_regular
from aesearch.readers.rows import row_item
from aesearch.readers.tables import TableFields

PARQUET_BATCH_ROWS = 1024
"""Rows of a Parquet table that are in memory at a time."""

MAX_MESSAGE_CHARACTERS = 120
"""Length to which a library's error message is cut."""


def read_npy(path: AnyPath) -> Iterator[Item | Unreadable]:
    """Yield the vectors of a NumPy file: the rows of an array [N, D] of numbers, or the one vector of an array [D]."""
    check_regular(path)
    try:
        array = np.lib.format.open_memmap(path, mode="r")  # refuses pickled objects
    except (ValueError, EOFError, SyntaxError, TokenError, MemoryError, OverflowError) as error:
        raise Unreadable(path, f"the file is not a NumPy array of numbers ({_first_line(error)})") from None
    if array.dtype.kind not in "fiub" or array.ndim not in (1, 2) or not array.shape[-1]:
        raise Unreadable(path, f"the array is {array.dtype} {list(array.shape)}; vectors are numbers [N, D]")
    for number, row in enumerate(np.atleast_2d(array)):
        yield _to_item(path, number, row)
    if os.path.getsize(path) > array.offset + array.nbytes:  # noqa: PTH202
        yield Unreadable(path, "the file is longer than its first array; the rest is not read")


def read_parquet(path: AnyPath, fields: TableFields = TableFields()) -> Iterator[Item | Unreadable]:
    """Yield the vectors of a Parquet table: the rows of its only column of lists, with their ids and labels if present."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingExtra("pyarrow", "parquet") from None

    check_regular(path)
    file = arrow.OSFile(os.fspath(path))  # an OSError here is about opening the file; later ones are about its content
    try:
        table = parquet.ParquetFile(file)
        labels = label_names(fields.label)
        lists = [field.name for field in table.schema_arrow if _is_vector_type(field.type) and field.name not in labels]
        if len(lists) != 1:
            names = ", ".join(lists) or "none"
            raise Unreadable(path, f"{len(lists)} columns hold lists of numbers ({names}); a table needs exactly one")
        columns = [*lists, *({fields.id, *labels} & set(table.schema_arrow.names))]
        number = 0
        for batch in table.iter_batches(PARQUET_BATCH_ROWS, columns=columns):
            for row in batch.to_pylist():
                yield _to_item(path, number, row[lists[0]], row.get(fields.id), fields.labels_of(row))
                number += 1
    except (arrow.ArrowException, OSError) as error:
        raise Unreadable(path, f"the table is damaged ({_first_line(error)})") from None
    finally:
        file.close()


def _is_vector_type(column_type: Any) -> bool:
    """Return whether the values of an Arrow column are lists of numbers."""
    import pyarrow.types as types

    is_list = types.is_list(column_type) or types.is_large_list(column_type) or types.is_fixed_size_list(column_type)
    return is_list and (types.is_floating(column_type.value_type) or types.is_integer(column_type.value_type))


def _first_line(error: Exception) -> str:
    """Return the start of an error message."""
    return str(error).splitlines()[0][:MAX_MESSAGE_CHARACTERS]


def _to_item(path: AnyPath, number: int, row: Any, id: Any = None, label: Any = None) -> Item | Unreadable:
    """Return the item of a row, counted from 0, or Unreadable if the row is not a vector of finite numbers."""
    try:
        with np.errstate(over="ignore"):  # overflow becomes infinite, which is rejected below
            vector = np.array(row, np.float32)
    except (TypeError, ValueError):
        return Unreadable(f"{path}#{number}", "the row is not a list of numbers")
    if vector.ndim != 1 or not vector.size:
        return Unreadable(f"{path}#{number}", "the row is not a list of numbers")
    if not np.isfinite(vector).all():
        return Unreadable(f"{path}#{number}", "not all numbers are finite, or some are too large for 32 bits")
    return row_item(path, number, vector, vector.tobytes(), id=id, label=label)
