"""Passages of documents: the units of a search by words, and the places of its hits.

A document is split where its sections begin: the pages of a PDF, the headings of other formats. Long sections, and
documents without sections, are split again at the end of a paragraph, a sentence or a word. Adjacent parts of a section
overlap, so that a sentence at a boundary is complete in one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from aesearch.items import Section

PassageMode = Literal["auto", "on", "off"]
PASSAGE_MODES: tuple[PassageMode, ...] = ("auto", "on", "off")

PASSAGE_CHARACTERS = 1800
"""Length of a passage: about 300 English words."""
UNSPACED_CHARACTERS = 600
"""Length of a passage in a script without spaces, whose words are shorter: about 300 Chinese words."""
OVERLAP = 0.15
"""Share of a passage that is repeated in the next one."""
MIN_SPLIT_RATIO = 1.5
"""In mode "auto", documents up to this multiple of a passage are not split."""
MIN_SECTION_CHARACTERS = 200
"""Shorter sections without pages are joined with the next one."""

_ENDS = tuple(map(re.compile, (r"\n\s*\n", r"[.!?]['\")\]]*\s|[\u3002\uff01\uff1f]|\n", r"\s")))
"""Possible ends of a passage, the best first: paragraphs, sentences, words."""


class Passage(NamedTuple):
    """A part of a document.

    Attributes
    ----------
    text : str
    page : int or None
        Number of the page, from 1, if the document has pages.
    heading : str or None
        The last heading before the passage, or at its beginning.
    line : int
        Number of the line of the text in which the passage begins, from 1.
    start : int
        Position of its first character in the text.
    """

    text: str
    page: int | None = None
    heading: str | None = None
    line: int = 1
    start: int = 0


class FoundPassage(NamedTuple):
    """A passage that matches an expression.

    Attributes
    ----------
    id : int
        Id of the passage.
    item : int
        Key of its item.
    score : float
        BM25 with k1 = 1.2 and b = 0.75, over passages. Larger is better.
    """

    id: int
    item: int
    score: float


def split_passages(text: str, sections: Sequence[Section] = (), mode: PassageMode = "auto") -> list[Passage]:
    """Split a document into passages.

    Parameters
    ----------
    text : str
    sections : sequence of Section
        In the order of the text.
    mode : {"auto", "on", "off"}
        "auto" splits documents longer than 1.5 passages, "off" none.

    Returns
    -------
    list of Passage
        At least one. Passages without any letter or digit are left out if there are others.
    """
    from aesearch.features.tokenizer import is_unspaced  # imported here because queries of images start faster without it

    size = UNSPACED_CHARACTERS if is_unspaced(text[:2000]) else PASSAGE_CHARACTERS
    if mode == "off" or (mode == "auto" and len(text) <= MIN_SPLIT_RATIO * size):
        return [Passage(text, *_location(sections))]
    passages, line, counted = [], 1, 0
    for section, end in _join_short(text, sections):
        for first, last in _split(text, section.start, end, size):
            line += text.count("\n", counted, first) if first >= counted else -text.count("\n", first, counted)
            counted = first
            passages.append(Passage(text[first:last], section.page, section.heading, line, first))
    return [passage for passage in passages if any(map(str.isalnum, passage.text))] or [Passage(text)]


def _location(sections: Sequence[Section]) -> tuple[int | None, str | None]:
    """Return the page and the heading of a document that is one passage."""
    return (sections[0].page, sections[0].heading) if len(sections) == 1 else (None, None)


def _join_short(text: str, sections: Sequence[Section]) -> Iterator[tuple[Section, int]]:
    """Yield sections that cover a text, and where each ends. Short ones without pages are joined with the next."""
    starts = [*sections] if sections and sections[0].start == 0 else [Section(0), *sections]
    ends = [*(section.start for section in starts[1:]), len(text)]
    opened: Section | None = None
    for section, end in zip(starts, ends, strict=True):
        if opened is None:
            opened = section
        elif not text[opened.start : section.start].partition("\n")[2].strip():  # a heading without text
            opened = section._replace(start=opened.start)
        if section.page is None and end - opened.start < MIN_SECTION_CHARACTERS and end < len(text):
            continue
        if end > opened.start:
            yield opened, end
        opened = None


def _split(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of the parts of a section, each of about `size` characters."""
    while end - start > MIN_SPLIT_RATIO * size:
        last = _find_end(text, start + size // 2, start + size)
        yield start, last
        start = max(start + 1, _find_end(text, last - int(OVERLAP * size) - size // 20, last - int(OVERLAP * size)))
    yield start, end


def _find_end(text: str, first: int, last: int) -> int:
    """Return the best place to end a passage between two positions."""
    for pattern in _ENDS:
        ends = [match.end() for match in pattern.finditer(text, first, last)]
        if ends:
            return ends[-1]
    return last


def join_passages(passages: Iterable[Passage]) -> str:
    """Return the document that was split into passages. Parts that were left out, without any letter, become spaces."""
    text = ""
    for passage in sorted(passages, key=lambda passage: passage.start):
        text += " " * (passage.start - len(text)) + passage.text[max(0, len(text) - passage.start) :]
    return text
