"""Read electronic books (EPUB 2 and 3), chapter by chapter."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.archives import DAMAGED, describe_missing, open_archive, parse_part
from aesearch.readers.encodings import decode_text
from aesearch.readers.files import AnyPath
from aesearch.readers.html import declared_encoding, extract_text
from aesearch.readers.text import document_item, read_document_bytes, take_heading_marks

_CONTAINER = "META-INF/container.xml"
_METADATA = ("http://purl.org/dc/elements/1.1/ title", "http://purl.org/dc/elements/1.1/ creator")
_PAGE_TYPES = ("application/xhtml+xml", "text/html", "text/x-oeb1-document")

_EMPTY_ELEMENT = re.compile(
    r"<(?!(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)[\s/])([a-zA-Z][^\s<>/]*)([^<>]*)/>"
)
"""An element without an end tag, such as `<title/>`. A parser of HTML would look for its end in the rest of the chapter."""


class _Book(NamedTuple):
    """Title and authors, and the names and types of the chapters in reading order."""

    metadata: str
    chapters: list[tuple[str, str]]


def read(path: AnyPath) -> Iterator[Item]:
    """Yield the title, the authors and the chapters of a book. Headings are sections."""
    content = read_document_bytes(path)
    missing: list[str] = []
    with open_archive(path, content, "EPUB book", ".epub") as archive:
        book = _read_package(archive)
        chapters = [_read_chapter(archive, path, name, kind, missing) for name, kind in book.chapters]
    if not any(chapters):
        reason = "its chapters cannot be read; they may be encrypted" if missing else "the file contains no text"
        raise Unreadable(path, reason)
    text, sections = take_heading_marks("\n".join(filter(None, [book.metadata, *chapters])))
    yield document_item(text, path, content, describe_missing(missing), sections)


def _read_package(archive: zipfile.ZipFile) -> _Book:
    """Return the entries of the package of a book. Raise KeyError if a part of it is missing."""
    packages: list[str] = []
    files: dict[str, tuple[str, str]] = {}
    order: list[str] = []
    metadata: list[str] = []
    element_now = ""

    def start_container(element: str, attributes: dict[str, str]) -> None:
        if _local_name(element) == "rootfile":
            packages.append(attributes["full-path"])

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal element_now
        element_now = element
        if _local_name(element) == "item":
            name = posixpath.normpath(posixpath.join(folder, unquote(attributes["href"])))
            files[attributes["id"]] = name, attributes.get("media-type", "")
        elif _local_name(element) == "itemref":
            order.append(attributes["idref"])

    def end(element: str) -> None:
        nonlocal element_now
        element_now = ""
        if element in _METADATA:
            metadata.append("\n")

    def characters(text: str) -> None:
        if element_now in _METADATA:
            metadata.append(text)

    parse_part(archive, _CONTAINER, StartElementHandler=start_container)
    if not packages:
        raise KeyError("META-INF/container.xml names no package")
    folder = posixpath.dirname(packages[0])
    parse_part(archive, packages[0], StartElementHandler=start, EndElementHandler=end, CharacterDataHandler=characters)
    return _Book("".join(metadata).strip(), [files[id] for id in order])


def _local_name(element: str) -> str:
    """Return the name of an element without its namespace, which differs between versions."""
    return element.rpartition(" ")[2]


def _read_chapter(archive: zipfile.ZipFile, path: AnyPath, name: str, kind: str, missing: list[str]) -> str:
    """Return the text of a chapter. If it cannot be read, append its name to `missing`."""
    if kind not in _PAGE_TYPES:
        missing.append(name)
        return ""
    try:
        content = archive.read(name)
        source, _ = decode_text(content, path, None, declared_encoding(content))
    except (*DAMAGED, Unreadable):
        missing.append(name)
        return ""
    return extract_text(_EMPTY_ELEMENT.sub(r"<\1\2></\1>", source), with_title=False)
