"""Read the visible text of web pages."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aesearch.items import Item
from aesearch.readers.encodings import decode_text
from aesearch.readers.files import AnyPath
from aesearch.readers.html_depth import flatten_deep_page
from aesearch.readers.text import HEADING_MARK, document_item, read_document_bytes, take_heading_marks

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

DECLARATION_BYTES = 4096
"""Length of the beginning of a page in which its encoding is declared. The standard says 1,024; many pages need more."""

_DECLARATIONS = re.compile(
    rb"""<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)|<meta[^>]*\scharset\s*=\s*["']?\s*([\w.:-]+)|"""
    rb"""<meta[^>]*\scontent\s*=\s*["'][^"'>]*charset\s*=\s*([\w.:-]+)""",
    re.IGNORECASE,
)

_LARGER_ENCODINGS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-16": "utf-8",
    "utf-16-le": "utf-8",
    "utf-16-be": "utf-8",
}
"""What browsers use instead of a declared encoding, by the name of the Python codec (https://encoding.spec.whatwg.org).
Pages that declare UTF-16 without a byte order mark are UTF-8: otherwise, the declaration could not be read."""

INVISIBLE_TAGS = ("script", "style", "noscript", "template")
_STRUCTURE_TAGS = frozenset((*INVISIBLE_TAGS, "html", "head", "title", "body"))

SEPARATE_TAGS = (
    "address, article, aside, blockquote, body, br, button, canvas, caption, center, dd, details, dialog, dir, div, dl, "
    "dt, fieldset, figcaption, figure, footer, form, frameset, h1, h2, h3, h4, h5, h6, header, hgroup, hr, iframe, img, "
    "input, legend, li, main, menu, meter, nav, object, ol, optgroup, option, p, picture, pre, progress, rp, rt, search, "
    "section, select, summary, svg, table, tbody, td, text, textarea, tfoot, th, thead, tr, ul, video"
)
"""Elements that separate the words before, in and after them. Others, such as <b> and <wbr>, may stand within a word."""
_SEPARATE_NAMES = frozenset(SEPARATE_TAGS.split(", "))


def read(path: AnyPath, encoding: str | None = None) -> Iterator[Item]:
    """Yield the title and the visible text of a web page, without scripts and styles."""
    content = read_document_bytes(path)
    source, warning = decode_text(content, path, encoding, declared_encoding(content))
    text, sections = take_heading_marks(extract_text(source))
    yield document_item(text, path, content, warning, sections)


def extract_text(source: str, *, with_title: bool = True) -> str:
    """Return the title and the visible text of a page. HEADING_MARK precedes each heading."""
    from selectolax.lexbor import LexborHTMLParser

    page = LexborHTMLParser(flatten_deep_page(source, _SEPARATE_NAMES, _STRUCTURE_TAGS))
    return _visible_text(page, with_title)


def declared_encoding(content: bytes) -> str | None:
    """Return the Python name of the encoding that a page declares, or None if there is none or Python does not know it."""
    declaration = _DECLARATIONS.search(content[:DECLARATION_BYTES])
    if declaration is None:
        return None
    label = next(filter(None, declaration.groups())).decode("ascii", "replace")
    try:
        name = codecs.lookup(label.removeprefix("x-")).name
        name = _LARGER_ENCODINGS.get(name, name)
        " ".encode(name)  # fails if the codec is not one of texts
    except (LookupError, ValueError):
        return None
    return name


def _visible_text(page: LexborHTMLParser, with_title: bool) -> str:
    """Return the title, if it is wanted, and the text of a page, without blank lines."""
    page.strip_tags(list(INVISIBLE_TAGS))
    title, body = page.css_first("title") if with_title else None, page.body
    parts = [title.text()] if title else []
    if body is not None:
        for element in body.css(SEPARATE_TAGS):
            element.insert_before("\n")
            element.insert_child("\n")
            element.insert_after("\n")
        for heading in body.css("h1, h2, h3, h4, h5, h6"):
            heading.insert_before(HEADING_MARK)
        for link in body.css("a + a"):  # the entries of a menu, if there is no text between them
            if link.prev is not None and link.prev.tag == "a":
                link.insert_before("\n")
        parts.append(body.text())
    lines = "\n".join(parts).splitlines()
    return "\n".join(line for line in lines if line.strip())
