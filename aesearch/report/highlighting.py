"""Mark the terms of a query in a text, as the tokenizer finds them."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from html import escape
from itertools import groupby

from aesearch.features.tokenizer import is_unspaced, ngram_width, tokenize

_MARKS = ("Mn", "Mc", "Me", "Cf")
"""Categories of characters that belong to the letter before them."""


def mark_terms(text: str, terms: Collection[str]) -> str:
    """Return HTML of a text in which the terms are marked.

    Parameters
    ----------
    text : str
    terms : collection of str
        Tokens of the tokenizer. In scripts without spaces, only the longest tokens of a query are marked: its single
        characters occur almost everywhere.
    """
    longest = _longest_terms(terms)
    pieces = (piece for kind, run in _split(text) for piece in _mark_run(kind, run, terms, longest))
    parts = []
    for is_marked, group in groupby(pieces, key=lambda piece: piece[1]):
        html = escape("".join(piece for piece, _ in group))
        parts.append(f"<mark>{html}</mark>" if is_marked else html)
    return "".join(parts)


def _longest_terms(terms: Collection[str]) -> set[str]:
    """Return the terms of scripts without spaces that are no part of another term."""
    unspaced = {term for term in terms if is_unspaced(term)}
    shorter = {
        term[start : start + n] for term in unspaced for n in range(1, len(term)) for start in range(len(term) - n + 1)
    }
    return unspaced - shorter


def _split(text: str) -> Iterator[tuple[str, str]]:
    """Yield the runs of a text, and before each its kind: "word", "unspaced", or "" for all other characters."""
    kind, run = "", ""
    for character in text:
        is_mark = run and unicodedata.category(character) in _MARKS
        new_kind = kind if is_mark else "unspaced" if is_unspaced(character) else "word" if character.isalnum() else ""
        if new_kind != kind and run:
            yield kind, run
            run = ""
        kind, run = new_kind, run + character
    if run:
        yield kind, run


def _mark_run(kind: str, run: str, terms: Collection[str], longest: Collection[str]) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a run, and whether each is marked."""
    if kind != "unspaced":
        yield run, kind == "word" and any(token in terms for token in tokenize(run))
        return
    characters = _split_characters(run)
    is_marked = [False] * len(characters)
    for width in range(1, ngram_width(run) + 1):
        for start in range(len(characters) - width + 1):
            tokens = tokenize("".join(characters[start : start + width]))
            if tokens and tokens[-1] in longest:
                is_marked[start : start + width] = [True] * width
    yield from zip(characters, is_marked, strict=True)


def _split_characters(run: str) -> list[str]:
    """Return the letters of a run, each with its marks."""
    characters: list[str] = []
    for character in run:
        if characters and unicodedata.category(character) in _MARKS:
            characters[-1] += character
        else:
            characters.append(character)
    return characters
