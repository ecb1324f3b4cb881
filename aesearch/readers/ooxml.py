"""The parts of Office documents (ECMA-376): how they refer to each other, and their text."""

from __future__ import annotations

import posixpath
import zipfile
from typing import NamedTuple

from aesearch.readers.archives import DAMAGED, parse_part
from aesearch.readers.text import HEADING_MARK

_SCHEMAS = ("http://schemas.openxmlformats.org", "http://purl.oclc.org/ooxml")
"""Beginnings of the namespaces: those of the usual documents, and of strict ones."""

WORD = (f"{_SCHEMAS[0]}/wordprocessingml/2006/main", f"{_SCHEMAS[1]}/wordprocessingml/main")
DRAWING = (f"{_SCHEMAS[0]}/drawingml/2006/main", f"{_SCHEMAS[1]}/drawingml/main")
PRESENTATION = (f"{_SCHEMAS[0]}/presentationml/2006/main", f"{_SCHEMAS[1]}/presentationml/main")
SPREADSHEET = (f"{_SCHEMAS[0]}/spreadsheetml/2006/main", f"{_SCHEMAS[1]}/spreadsheetml/main")
RELATIONSHIP_IDS = (f"{_SCHEMAS[0]}/officeDocument/2006/relationships", f"{_SCHEMAS[1]}/officeDocument/relationships")
_MATH = (f"{_SCHEMAS[0]}/officeDocument/2006/math", f"{_SCHEMAS[1]}/officeDocument/math")
_COMPATIBILITY = (f"{_SCHEMAS[0]}/markup-compatibility/2006",)
_RELATIONSHIPS = (f"{_SCHEMAS[0]}/package/2006/relationships",)


def qualified_names(namespaces: tuple[str, ...], *names: str) -> frozenset[str]:
    """Return the names of elements in each of the namespaces, as the parser reports them."""
    return frozenset(f"{namespace} {name}" for namespace in namespaces for name in names)


_RELATIONSHIP = qualified_names(_RELATIONSHIPS, "Relationship")
_TEXT = qualified_names((*WORD, *DRAWING, *SPREADSHEET, *_MATH), "t") | qualified_names(PRESENTATION, "text")
_PARAGRAPH = (
    qualified_names((*WORD, *DRAWING), "p")
    | qualified_names(SPREADSHEET, "comment")
    | qualified_names(PRESENTATION, "text")
)
_EXCLUDED = (
    qualified_names(WORD, "del", "moveFrom", "tabs")
    | qualified_names(_COMPATIBILITY, "Fallback")
    | qualified_names(DRAWING, "fld")
    | qualified_names(SPREADSHEET, "rPh")
)
"""Deleted text, text that was moved to another place, definitions of tab stops, copies for old versions of Word, the number
of a slide and the date of its display, and the pronunciation of Japanese texts."""

_CHARACTERS = {
    **dict.fromkeys(qualified_names(WORD, "tab", "ptab"), "\t"),
    **dict.fromkeys(qualified_names(WORD, "br", "cr") | qualified_names(DRAWING, "br"), "\n"),
    **dict.fromkeys(qualified_names(WORD, "noBreakHyphen"), "-"),
}
"""Characters that are elements of their own."""

_STYLE = qualified_names(WORD, "pStyle")
_HEADING_STYLES = ("heading", "title", "berschrift", "titel", "titre", "titolo", "titulo", "ttulo", "rubrik", "overskrift")

_OTHER_DOCUMENT = qualified_names(WORD, "altChunk", "subDoc")
"""References to another document, in HTML for example, which Word shows in this place."""

_PROPERTIES = {"http://purl.org/dc/elements/1.1/ title": "title", "http://purl.org/dc/elements/1.1/ creator": "author"}


class Part(NamedTuple):
    """A part of the archive: its role in the document, such as "footnotes", its name, and its id in the part before it."""

    role: str
    name: str
    id: str


class PartText(NamedTuple):
    """The text of a part, with a line end at the borders of paragraphs, and whether it refers to other documents."""

    text: str
    has_other_document: bool


def related_parts(archive: zipfile.ZipFile, name: str) -> list[Part]:
    """Return the parts to which a part refers, or the archive itself if the name is empty."""
    folder, base = posixpath.split(name)
    relationships = f"{folder}/_rels/{base}.rels".lstrip("/")
    parts: list[Part] = []
    if relationships not in archive.namelist():
        return parts

    def start(element: str, attributes: dict[str, str]) -> None:
        if element in _RELATIONSHIP and attributes.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, attributes["Target"])).lstrip("/")
            parts.append(Part(attributes["Type"].rpartition("/")[2], target, attributes.get("Id", "")))

    parse_part(archive, relationships, StartElementHandler=start)
    return parts


def main_part(archive: zipfile.ZipFile, default: str) -> str:
    """Return the name of the part with the document itself."""
    return next((part.name for part in related_parts(archive, "") if part.role == "officeDocument"), default)


def read_properties(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the title and the author that a document states, and no others; {} if they cannot be read."""
    found: dict[str, str] = {}
    current = ""

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal current
        current = _PROPERTIES.get(element, "")

    def end(element: str) -> None:
        nonlocal current
        current = ""

    def characters(text: str) -> None:
        if current:
            found[current] = found.get(current, "") + text

    part = next((part.name for part in related_parts(archive, "") if part.role == "core-properties"), "")
    try:
        parse_part(archive, part, StartElementHandler=start, EndElementHandler=end, CharacterDataHandler=characters)
    except DAMAGED:
        return {}
    return {name: text.strip() for name, text in found.items() if text.strip()}


def relationship_id(attributes: dict[str, str]) -> str:
    """Return the id of the part to which an element refers, or ""."""
    return next((attributes[name] for name in qualified_names(RELATIONSHIP_IDS, "id") if name in attributes), "")


def read_part_text(archive: zipfile.ZipFile, name: str) -> PartText:
    """Return the text of a part. HEADING_MARK precedes the paragraphs in the style of a heading."""
    pieces: list[str] = []
    excluded_depth = text_depth = 0
    has_other_document = False

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal excluded_depth, text_depth, has_other_document
        if element in _EXCLUDED:
            excluded_depth += 1
        elif element in _PARAGRAPH or element in _TEXT:
            text_depth += element in _TEXT
            pieces.append("\n" if element in _PARAGRAPH else "")
        elif element in _OTHER_DOCUMENT:
            has_other_document = True
        elif element in _STYLE and _names_heading(attributes):
            pieces.append(HEADING_MARK)
        elif not excluded_depth:
            pieces.append(_CHARACTERS.get(element, ""))

    def end(element: str) -> None:
        nonlocal excluded_depth, text_depth
        if element in _EXCLUDED:
            excluded_depth -= 1
        elif element in _PARAGRAPH or element in _TEXT:
            text_depth -= element in _TEXT
            pieces.append("\n" if element in _PARAGRAPH else "")

    def characters(text: str) -> None:
        if text_depth and not excluded_depth:
            pieces.append(text)

    parse_part(archive, name, StartElementHandler=start, EndElementHandler=end, CharacterDataHandler=characters)
    return PartText("".join(pieces), has_other_document)


def _names_heading(attributes: dict[str, str]) -> bool:
    """Return whether the attributes of a paragraph's style name a heading. Word translates the names of its styles."""
    return any(value.lower().startswith(_HEADING_STYLES) for value in attributes.values())
