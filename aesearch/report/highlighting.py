"""Mark the terms of a query in a text as HTML."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from html import escape

from aesearch.search.term_matching import find_terms


def mark_terms(text: str, terms: Collection[str]) -> str:
    """Return HTML of a text in which the terms are marked; see `find_terms`."""
    return mark_spans(text, ((start, end) for start, end, _ in find_terms(text, terms)))


def mark_spans(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return HTML of a text in which parts, given by their starts and ends in order, are marked."""
    parts, position = [], 0
    for start, end in spans:
        parts += [escape(text[position:start]), f"<mark>{escape(text[start:end])}</mark>"]
        position = end
    return "".join([*parts, escape(text[position:])])
