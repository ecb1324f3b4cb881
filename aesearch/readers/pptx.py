"""Read PowerPoint presentations, slide by slide, with their notes, diagrams, charts and comments."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator

from aesearch.items import Item, Section
from aesearch.readers.archives import DAMAGED, describe_missing, open_archive, parse_part, remove_blank_lines
from aesearch.readers.files import AnyPath
from aesearch.readers.ooxml import (
    PRESENTATION,
    main_part,
    qualified_names,
    read_part_text,
    read_properties,
    related_parts,
    relationship_id,
)
from aesearch.readers.text import HEADING_MARK, document_item, read_document_bytes

_SLIDE = qualified_names(PRESENTATION, "sldId")
_ROLES_OF_A_SLIDE = ("diagramData", "chart", "notesSlide", "comments")
"""Parts that belong to a slide, in the order in which they are read."""


def read(path: AnyPath) -> Iterator[Item]:
    """Yield the text of a presentation. Each slide is a section, and its number is the page."""
    content = read_document_bytes(path)
    missing: list[str] = []
    with open_archive(path, content, "PowerPoint presentation", ".pptx") as archive:
        slides, properties = _read_slides(archive, missing), read_properties(archive)
    texts, sections, length = [], [], 0
    for number, text in slides:
        texts.append(f"{text}\n")
        sections.append(Section(length, page=number))
        length += len(texts[-1])
    yield document_item("".join(texts), path, content, describe_missing(missing), tuple(sections), properties)


def _read_slides(archive: zipfile.ZipFile, missing: list[str]) -> list[tuple[int, str]]:
    """Return the number and the text of each slide that has text. Append the parts that cannot be read to `missing`."""
    main = main_part(archive, "ppt/presentation.xml")
    names = {part.id: part.name for part in related_parts(archive, main)}
    ids: list[str] = []

    def start(element: str, attributes: dict[str, str]) -> None:
        if element in _SLIDE:
            ids.append(relationship_id(attributes))

    parse_part(archive, main, StartElementHandler=start)
    slides = []
    for number, id in enumerate(ids, 1):
        try:
            text = _read_slide(archive, names[id], missing)
        except DAMAGED:
            missing.append(f"slide {number}")
            continue
        if text:
            slides.append((number, text))
    return slides


def _read_slide(archive: zipfile.ZipFile, name: str, missing: list[str]) -> str:
    """Return the text of a slide and of the parts that belong to it."""
    texts = [read_part_text(archive, name).text]
    parts = [part for part in related_parts(archive, name) if part.role in _ROLES_OF_A_SLIDE]
    for part in sorted(parts, key=lambda part: _ROLES_OF_A_SLIDE.index(part.role)):
        try:
            texts.append(read_part_text(archive, part.name).text)
        except DAMAGED:
            missing.append(part.name)
    return remove_blank_lines("\n".join(texts)).replace(HEADING_MARK, "")
