"""Text into words: one small tokenizer, used both for fitting and for asking.

A run of letters and digits is a word, in lower case and with its compatibility forms folded (NFKC: full-width letters,
ligatures).  Scripts that are written without spaces (Chinese, Japanese kana, Thai, Lao, Khmer, Burmese) give every
character and every pair of neighboring characters instead: no dictionary, any jargon.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

# Han with its extensions and marks, kana, Thai, Lao, Burmese, Khmer: written without spaces between words.
_UNSPACED = (
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED += "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_RUN = re.compile(f"[{_UNSPACED}]+|[^\\W_{_UNSPACED}]+")
_is_unspaced = re.compile(f"[{_UNSPACED}]").match

MAX_LETTERS = 40
"""Longer runs are keys, addresses and encoded data, not words."""


def tokens(text: str) -> list[str]:
    """The words of `text` in their order; a word of one letter or digit is left out."""
    text = text.lower()
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    found: list[str] = []
    for run in _RUN.findall(text):
        if run[0] > "\u0dff" and _is_unspaced(run):
            found += run
            found += map("".join, pairwise(run))
        elif 1 < len(run) <= MAX_LETTERS:
            found.append(run)
    return found
