"""Read JSON, XML and Jupyter notebooks: their texts, without the syntax around them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from html import unescape
from typing import Any, NoReturn
from xml.parsers.expat import ExpatError, ParserCreate

from aesearch.errors import Unreadable
from aesearch.items import Item, Section
from aesearch.readers.encodings import decode_text
from aesearch.readers.files import AnyPath
from aesearch.readers.html import declared_encoding
from aesearch.readers.text import document_item, find_headings, read_document_bytes


def read_json(path: AnyPath, encoding: str | None = None) -> Iterator[Item]:
    """Yield all strings and numbers in a JSON file, a line for each, with their keys."""
    content = read_document_bytes(path)
    source, warning = decode_text(content, path, encoding)
    # Pairs instead of dicts keep keys that occur twice. Numbers as strings keep their digits.
    lines = _lines(_parse_json(source, path, object_pairs_hook=tuple, parse_int=str, parse_float=str))
    yield document_item("\n".join(lines), path, content, warning)


def _parse_json(source: str, path: AnyPath, **keywords: Any) -> Any:
    """Return the content of a JSON file. Raise Unreadable if it is not valid."""
    try:
        return json.loads(source, **keywords)
    except RecursionError:
        raise Unreadable(path, "the JSON is nested too deeply") from None
    except ValueError as error:
        raise Unreadable(path, f"the file is not valid JSON ({error})") from None


def _lines(root: object) -> Iterator[str]:
    """Yield a line for each string and each number, after its key, and for each key of an object or a list."""
    stack: list[tuple[str, object]] = [("", root)]  # not a recursive function: the depth of a file has no limit
    while stack:
        key, value = stack.pop()
        if isinstance(value, str):
            if text := " ".join(value.split()):
                yield f"{key}: {text}" if key else text
        elif isinstance(value, tuple):  # the pairs of an object
            if key and value:
                yield key
            stack.extend(reversed(value))
        elif isinstance(value, list):
            stack.extend((key, element) for element in reversed(value))


def read_notebook(path: AnyPath) -> Iterator[Item]:
    """Yield the texts and the source code of a Jupyter notebook, without outputs. Headings in texts are sections."""
    content = read_document_bytes(path)
    source, warning = decode_text(content, path)
    notebook = _parse_json(source, path)
    texts: list[str] = []
    sections: list[Section] = []
    length = 0
    try:
        for cell_type, text in _cells(notebook):
            if text.strip():
                if cell_type != "code":
                    found = find_headings(text)
                    sections += [section._replace(start=section.start + length) for section in found]
                texts.append(f"{text.strip(chr(10))}\n" if cell_type == "code" else f"{text}\n")
                length += len(texts[-1])
    except (TypeError, KeyError, AttributeError):
        raise Unreadable(path, "the file is not a Jupyter notebook") from None
    yield document_item("".join(texts), path, content, warning, tuple(sections))


def _cells(notebook: Any) -> Iterator[tuple[str, str]]:
    """Yield the type and the text of each cell. Raise TypeError, KeyError or AttributeError if it is no notebook."""
    sheets: Iterable[Any] = notebook.get("worksheets", [notebook])  # before version 4, cells were in worksheets
    for sheet in sheets:
        for cell in sheet["cells"]:
            source = cell["input" if cell["cell_type"] == "code" and "input" in cell else "source"]
            text = source if isinstance(source, str) else "".join(source)
            if cell["cell_type"] == "heading":
                text = f"{'#' * int(cell.get('level', 1))} {text}"
            yield cell["cell_type"], text


def read_xml(path: AnyPath, encoding: str | None = None) -> Iterator[Item]:
    """Yield the text of an XML file, a line for the text between two tags. Definitions of entities are refused."""
    content = read_document_bytes(path)
    source, warning = decode_text(content, path, encoding, declared_encoding(content))
    pieces: list[str] = []

    def separate(*ignored: object) -> None:
        pieces.append("\n")

    def refuse(*declaration: object) -> NoReturn:
        raise ExpatError("it defines entities, which are not allowed")

    def add_character(name: str, is_parameter: bool) -> None:
        pieces.append(unescape(f"&{name};"))

    parser = ParserCreate("utf-8")  # despite any other declaration
    parser.StartElementHandler = parser.EndElementHandler = separate
    parser.CharacterDataHandler = pieces.append
    parser.EntityDeclHandler = refuse
    parser.SkippedEntityHandler = add_character  # of a document type that is not read, such as &nbsp; of XHTML
    try:
        parser.Parse(source.encode("utf-8", "replace"), True)
    except ExpatError as error:
        raise Unreadable(path, f"the file is not readable XML ({error})") from None
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    yield document_item("\n".join(filter(None, lines)), path, content, warning)
