"""Read documents in Rich Text Format."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.archives import remove_blank_lines
from aesearch.readers.files import AnyPath
from aesearch.readers.text import document_item, read_document_bytes

SIGNATURE = b"{\\rtf"

_SEPARATE_TEXT = re.compile(rb"\\(?:footnote|header[lrf]?|footer[lrf]?)(?![a-z0-9-])")
"""Groups with other texts, which striprtf would leave out. As paragraphs, they are read in place."""

_UNREAD = {rb"\shptxt": "text boxes", rb"\annotation": "comments", rb"\objdata": "embedded objects"}
"""Groups that striprtf leaves out."""


def read(path: AnyPath) -> Iterator[Item]:
    """Yield the text of a document, with headers, footers and footnotes."""
    from striprtf.striprtf import rtf_to_text

    content = read_document_bytes(path)
    if not content.lstrip().startswith(SIGNATURE):
        raise Unreadable(path, "the file is not in Rich Text Format")
    problems = [f"{name} were not read" for word, name in _UNREAD.items() if word in content]
    if not content.rstrip(b"\0\r\n\t ").endswith(b"}"):
        problems.append("the end of the file is missing")
    try:
        text = rtf_to_text(_SEPARATE_TEXT.sub(rb"\\par ", content).decode("latin-1"), errors="replace")
    except Exception as error:  # striprtf raises exceptions of several types for damaged files
        raise Unreadable(path, f"the document is damaged ({error or type(error).__name__})") from None
    yield document_item(remove_blank_lines(text), path, content, "; ".join(problems) or None)
