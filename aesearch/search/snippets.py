"""Snippets: the sentence of a passage that matches a query best, with the places of the matching words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aesearch.items import Snippet
from aesearch.search.term_matching import find_terms

MAX_CHARACTERS = 240
"""Length of a snippet."""
MIN_CHARACTERS = 60
"""A shorter sentence is shown with the next one."""

_SENTENCE_END = re.compile(r"(?<=[.!?\u2026])['\")\]\u201d\u2019]*\s+|(?<=[\u3002\uff01\uff1f])|\n\s*\n")
_HEADER = re.compile(r"(?:[A-Za-z][\w-]*:[ \t].*\n(?:[ \t]+\S.*\n)*){2,}\s*")
"""Header lines of a mail or a similar file, which say little about its text."""


def make_snippet(text: str, weights: Mapping[str, float]) -> Snippet:
    """Return the part of a passage that shows best why it matches a query.

    Parameters
    ----------
    text : str
    weights : mapping of str to float
        Weight of each token of the query. A token that ends with "*" is the beginning of tokens. If none occurs in the
        text, the snippet is its beginning, without the header lines of a mail.
    """
    best, best_score, best_matches = 0, 0.0, list[tuple[int, int, str]]()
    sentences = _split_sentences(text)
    for position, (start, end) in enumerate(sentences):
        matches = find_terms(text[start:end], weights)
        score = sum({term: weights[term] for _, _, term in matches}.values())
        if score > best_score:
            best, best_score, best_matches = position, score, matches
    if not best_matches:
        header = _HEADER.match(text)
        start = header.end() if header and header.end() < len(text) else 0
        return _shorten(text[start:], 0)._replace(start=start)
    start, end = sentences[best]
    while end - start < MIN_CHARACTERS and best + 1 < len(sentences):
        best += 1
        end = sentences[best][1]
    snippet = _shorten(text[start:end], best_matches[0][0])
    highlights = tuple((first, last) for first, last, _ in find_terms(snippet.text, weights))
    return Snippet(snippet.text, highlights, start + best_matches[0][0])


def _split_sentences(text: str) -> list[tuple[int, int]]:
    """Return the start and the end of the sentences of a text, and of its paragraphs without a full stop."""
    starts = [0, *(match.end() for match in _SENTENCE_END.finditer(text))]
    ends = [*starts[1:], len(text)]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if text[start:end].strip()] or [(0, len(text))]


def _shorten(text: str, position: int) -> Snippet:
    """Return a text on one line, cut to MAX_CHARACTERS around a position."""
    start = max(0, position - MAX_CHARACTERS // 3) if len(text) > MAX_CHARACTERS else 0
    if start:
        space = text.find(" ", start, position)
        start = start if space < 0 else space + 1
    shortened = " ".join(text[start : start + 2 * MAX_CHARACTERS].split())
    prefix = "\N{HORIZONTAL ELLIPSIS} " if start else ""
    if len(shortened) > MAX_CHARACTERS:
        cut = shortened.rfind(" ", MAX_CHARACTERS // 2, MAX_CHARACTERS)
        shortened = shortened[: cut if cut > 0 else MAX_CHARACTERS] + " \N{HORIZONTAL ELLIPSIS}"
    return Snippet(prefix + shortened)
