"""Read Word documents: every text that Word shows, once and in order.

A document is a ZIP archive of XML parts (ECMA-376). Its text is in the `t` elements of the main part and of the parts that
belong to it: headers, footers, notes, comments, diagrams and charts.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn
from xml.parsers.expat import ExpatError, ParserCreate

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.files import AnyPath
from aesearch.readers.text import HEADING_MARK, document_item, read_document_bytes, take_heading_marks

MAX_UNPACKED_BYTES = 512 << 20
"""A document whose parts unpack to more is refused before it is unpacked (a zip bomb)."""

OLE_SIGNATURE = b"\xd0\xcf\x11\xe0"
"""Beginning of a document with a password, and of one in the format before Word 2007."""

_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError, ExpatError, NotImplementedError, RuntimeError, ValueError
)  # fmt: skip
"""Exceptions of zipfile and expat for damaged parts."""

_WORD = ("http://schemas.openxmlformats.org/wordprocessingml/2006/main", "http://purl.oclc.org/ooxml/wordprocessingml/main")
_DRAWING = ("http://schemas.openxmlformats.org/drawingml/2006/main", "http://purl.oclc.org/ooxml/drawingml/main")
_MATH = ("http://schemas.openxmlformats.org/officeDocument/2006/math", "http://purl.oclc.org/ooxml/officeDocument/math")
_COMPATIBILITY = ("http://schemas.openxmlformats.org/markup-compatibility/2006",)
_RELATIONSHIPS = ("http://schemas.openxmlformats.org/package/2006/relationships",)


def _names(namespaces: tuple[str, ...], *names: str) -> frozenset[str]:
    """Return the names of elements in each of the namespaces, as the parser reports them."""
    return frozenset(f"{namespace} {name}" for namespace in namespaces for name in names)


_RELATIONSHIP = _names(_RELATIONSHIPS, "Relationship")
_TEXT = _names((*_WORD, *_DRAWING, *_MATH), "t")
_PARAGRAPH = _names((*_WORD, *_DRAWING), "p")
_EXCLUDED = _names(_WORD, "del", "moveFrom", "tabs") | _names(_COMPATIBILITY, "Fallback")
"""Deleted text, text that was moved to another place, definitions of tab stops, and copies for old versions of Word."""

_CHARACTERS = {
    **dict.fromkeys(_names(_WORD, "tab", "ptab"), "\t"),
    **dict.fromkeys(_names(_WORD, "br", "cr") | _names(_DRAWING, "br"), "\n"),
    **dict.fromkeys(_names(_WORD, "noBreakHyphen"), "-"),
}
"""Characters that are elements of their own."""

_STYLE = _names(_WORD, "pStyle")
_HEADING_STYLES = ("heading", "title", "berschrift", "titel", "titre", "titolo", "titulo", "ttulo", "rubrik", "overskrift")

_OTHER_DOCUMENT = _names(_WORD, "altChunk", "subDoc")
"""References to another document, in HTML for example, which Word shows in this place."""


class _Part(NamedTuple):
    """A part of the archive: its role in the document, such as "footnotes", and its name."""

    role: str
    name: str


def read(path: AnyPath) -> Iterator[Item]:
    """Yield the text of a Word document: headers, body, footers, notes, comments, diagrams and charts."""
    content = read_document_bytes(path)
    if content.startswith(OLE_SIGNATURE):
        raise Unreadable(path, "the document has a password or an old format; save it as .docx without a password")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise Unreadable(path, f"the document unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB")
            text, warning = _read_document(archive)
    except _DAMAGED as error:
        raise Unreadable(path, f"the file is not a readable Word document ({error})") from None
    text, sections = take_heading_marks(text)
    yield document_item(text, path, content, warning, sections)


def _read_document(archive: zipfile.ZipFile) -> tuple[str, str | None]:
    """Return the text of all parts of a document, and which of them could not be read."""
    main = next((part.name for part in _related_parts(archive, "") if part.role == "officeDocument"), "word/document.xml")
    body, has_other_document = _read_text(archive, main)
    texts: dict[str, list[str]] = {
        role: [] for role in ("header", "footer", "footnotes", "endnotes", "comments", "diagramData", "chart")
    }
    missing = ["another document that is embedded in it"] if has_other_document else []
    for part in _related_parts(archive, main):
        if part.role in texts:
            try:
                texts[part.role].append(_read_text(archive, part.name)[0])
            except _DAMAGED:
                missing.append(part.name)
    headers, *others = (dict.fromkeys(parts) for parts in texts.values())  # the pages of a section may repeat a header
    text = "\n".join([*headers, body, *(part for parts in others for part in parts)])
    lines = (line for line in text.splitlines() if line.strip())
    return "\n".join(lines), f"{', '.join(missing)} could not be read" if missing else None


def _related_parts(archive: zipfile.ZipFile, name: str) -> list[_Part]:
    """Return the parts to which a part refers, or the archive itself if the name is empty."""
    folder, base = posixpath.split(name)
    relationships = f"{folder}/_rels/{base}.rels".lstrip("/")
    parts: list[_Part] = []
    if relationships not in archive.namelist():
        return parts

    def start(element: str, attributes: dict[str, str]) -> None:
        if element in _RELATIONSHIP and attributes.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, attributes["Target"])).lstrip("/")
            parts.append(_Part(attributes["Type"].rpartition("/")[2], target))

    _parse(archive, relationships, StartElementHandler=start)
    return parts


def _read_text(archive: zipfile.ZipFile, name: str) -> tuple[str, bool]:
    """Return the text of a part, with a line end at the borders of paragraphs, and whether it refers to other documents."""
    pieces: list[str] = []
    excluded_depth = text_depth = 0
    has_other_document = False

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal excluded_depth, text_depth, has_other_document
        if element in _EXCLUDED:
            excluded_depth += 1
        elif element in _TEXT:
            text_depth += 1
        elif element in _PARAGRAPH:
            pieces.append("\n")
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
        elif element in _TEXT:
            text_depth -= 1
        elif element in _PARAGRAPH:
            pieces.append("\n")

    def characters(text: str) -> None:
        if text_depth and not excluded_depth:
            pieces.append(text)

    _parse(archive, name, StartElementHandler=start, EndElementHandler=end, CharacterDataHandler=characters)
    return "".join(pieces), has_other_document


def _names_heading(attributes: dict[str, str]) -> bool:
    """Return whether the attributes of a paragraph's style name a heading. Word translates the names of its styles."""
    return any(value.lower().startswith(_HEADING_STYLES) for value in attributes.values())


def _parse(archive: zipfile.ZipFile, name: str, **handlers: Any) -> None:
    """Parse a part. Each handler is a function that expat calls; names are reported as `namespace name`."""
    parser = ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    for handler, function in handlers.items():
        setattr(parser, handler, function)
    with archive.open(name) as file:
        parser.ParseFile(file)


def _refuse_doctype(*declaration: object) -> NoReturn:
    """Refuse definitions of entities, which could expand to any size. Word writes none."""
    raise ExpatError("the document type declaration is not allowed")
