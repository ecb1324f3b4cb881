"""Counts of the values of each field of metadata."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

MAX_VALUES = 20
"""Most frequent values that are listed for a field."""


@dataclass(frozen=True)
class FieldCounts:
    """Values of a field.

    Attributes
    ----------
    name : str
    n_items : int
        Items with this field; an item with several values counts once for each.
    n_values : int
        Different values.
    frequent : list of (value, int)
        The most frequent values, and the number of items that have each.
    range : (number, number) or None
        Smallest and largest value if all are numbers.
    """

    name: str
    n_items: int
    n_values: int
    frequent: list[tuple[Any, int]]
    range: tuple[float, float] | None


def summarize_fields(counts: Iterable[tuple[str, Any, int]]) -> list[FieldCounts]:
    """Return the counts of each field, from rows of field, value and number of items, the most frequent values first."""
    fields = []
    for name, rows in groupby(counts, key=lambda row: row[0]):
        values = [(value, number) for _, value, number in rows]
        numbers = [value for value, _ in values if isinstance(value, int | float)]
        limits = (min(numbers), max(numbers)) if len(numbers) == len(values) else None
        n_items = sum(number for _, number in values)
        fields.append(FieldCounts(name, n_items, len(values), values[:MAX_VALUES], limits))
    return fields
