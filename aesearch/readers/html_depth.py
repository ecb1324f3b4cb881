"""Limit how deeply the elements of a web page are nested.

The parsing rules of HTML search the open elements for every new one, so that the time grows with the square of the depth:
40,000 nested `<div>` take 8 seconds, and a million would never end. Browsers flatten pages at a depth of 512.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container

MAX_DEPTH = 1000
"""Nested elements above which a page is flattened. Pages with many elements and less depth take milliseconds."""

_IMPLIED_END = "p, li, dt, dd, tr, td, th, tbody, thead, tfoot, caption, colgroup, option, optgroup, rp, rt"
"""Elements that end where the next one begins. Only elements of other names nest them deeply."""

_VOID = "area, base, br, col, embed, hr, img, input, link, meta, source, track, wbr"
_NOT_NESTED = frozenset(f"{_IMPLIED_END}, {_VOID}".split(", "))

_TAG = re.compile(r"<(/?)([a-z][^\s/<>]*)[^<>]*>?", re.IGNORECASE)
"""A tag. A search takes time linear in the length of the page, for any page."""


def flatten_deep_page(source: str, separate: Container[str], kept: Container[str]) -> str:
    """Return the source of a page, without its tags if the elements are nested too deeply. The visible text is the same.

    Parameters
    ----------
    source : str
    separate : container of str
        Elements that separate words. Their tags become line breaks.
    kept : container of str
        Elements whose tags stay.
    """
    if source.count("<") <= MAX_DEPTH or _max_depth(source, separate) <= MAX_DEPTH:
        return source

    def replace(tag: re.Match[str]) -> str:
        name = tag[2].lower()
        if name in kept:
            return tag[0]
        is_next_link = name == "a" and source.endswith("</a>", 0, tag.start())  # an entry of a menu
        return "\n" if name in separate or is_next_link else ""

    return _TAG.sub(replace, source)


def _max_depth(source: str, separate: Container[str]) -> int:
    """Return about how deeply the elements of a page are nested."""
    open_elements: Counter[str] = Counter()
    depth = largest = 0
    for tag in _TAG.finditer(source):
        is_end, name = tag[1], tag[2].lower()
        # Only elements that are not of HTML, as in drawings, end with "/>". Those that separate words are of HTML.
        is_complete = not is_end and tag[0].endswith("/>") and name not in separate
        if name in _NOT_NESTED or is_complete:
            continue
        if not is_end:
            open_elements[name] += 1
            depth += 1
            largest = max(largest, depth)
        elif open_elements[name]:
            open_elements[name] -= 1
            depth -= 1
    return largest
