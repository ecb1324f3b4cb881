"""The tokenizer of documents and queries.

A run of letters and digits is one token, in lower case and with compatibility characters (full-width letters, ligatures)
normalized by NFKC. Scripts written without spaces (Chinese, Japanese kana, Thai, Lao, Khmer, Burmese) yield each character
and each pair of adjacent characters instead, which needs no dictionary and works for any vocabulary.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

# Han with its extensions and marks, and kana.
_UNSPACED = (
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED += "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai and Lao, Burmese, Khmer
_FIRST_UNSPACED = "\u0e00"
_RUN = re.compile(f"[{_UNSPACED}]+|[^\\W_{_UNSPACED}]+")
_is_unspaced = re.compile(f"[{_UNSPACED}]").match

MIN_TOKEN_LENGTH = 2
MAX_TOKEN_LENGTH = 40
"""Length of a token, in characters. Longer runs are keys, addresses and encoded data."""


def tokenize(text: str) -> list[str]:
    """Return the tokens of a text in order. Single letters and digits of spaced scripts are dropped."""
    text = text.lower()
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    tokens: list[str] = []
    for run in _RUN.findall(text):
        # The comparison is cheaper than the regular expression, and decides for nearly all runs of spaced scripts.
        if run[0] >= _FIRST_UNSPACED and _is_unspaced(run):
            tokens += run
            tokens += map("".join, pairwise(run))
        elif MIN_TOKEN_LENGTH <= len(run) <= MAX_TOKEN_LENGTH:
            tokens.append(run)
    return tokens
