"""Read Word documents: every text that Word shows, once and in order.

A document is a ZIP archive of XML parts (ECMA-376). Its text is in the `t` elements of the main part and of the parts that
belong to it: headers, footers, notes, comments, diagrams and charts.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator

from aesearch.items import Item
from aesearch.readers.archives import DAMAGED, describe_missing, open_archive, remove_blank_lines
from aesearch.readers.files import AnyPath
from aesearch.readers.ooxml import main_part, read_part_text, read_properties, related_parts
from aesearch.readers.text import document_item, read_document_bytes, take_heading_marks


def read(path: AnyPath) -> Iterator[Item]:
    """Yield the text of a Word document: headers, body, footers, notes, comments, diagrams and charts."""
    content = read_document_bytes(path)
    with open_archive(path, content, "Word document", ".docx") as archive:
        text, warning = _read_document(archive)
        properties = read_properties(archive)
    text, sections = take_heading_marks(text)
    yield document_item(text, path, content, warning, sections, properties)


def _read_document(archive: zipfile.ZipFile) -> tuple[str, str | None]:
    """Return the text of all parts of a document, and which of them could not be read."""
    main = main_part(archive, "word/document.xml")
    body, has_other_document = read_part_text(archive, main)
    texts: dict[str, list[str]] = {
        role: [] for role in ("header", "footer", "footnotes", "endnotes", "comments", "diagramData", "chart")
    }
    missing = ["another document that is embedded in it"] if has_other_document else []
    for part in related_parts(archive, main):
        if part.role in texts:
            try:
                texts[part.role].append(read_part_text(archive, part.name).text)
            except DAMAGED:
                missing.append(part.name)
    headers, *others = (dict.fromkeys(parts) for parts in texts.values())  # the pages of a section may repeat a header
    text = "\n".join([*headers, body, *(part for parts in others for part in parts)])
    return remove_blank_lines(text), describe_missing(missing)
