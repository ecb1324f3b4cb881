"""Detect the encodings that were usual before Unicode, with chardetng, and whether the result is plausible."""

from __future__ import annotations

import re
import unicodedata

MIN_EVIDENCE = 10
"""The encoding of a text with fewer characters that are not ASCII is uncertain: the detector is wrong for 7 % of them."""

MAX_MISPLACED_SHARE = 0.01
"""Share of the characters that are not ASCII above which misplaced ones make the encoding uncertain. A Russian text for
Macintosh has 2 % if it is taken for Windows."""

_PYTHON_NAMES = {  # if Python has the encoding under another name, or a larger variant of it
    "windows-874": "cp874",
    "Shift_JIS": "cp932",
    "EUC-KR": "cp949",
    "Big5": "big5hkscs",
    "GBK": "gb18030",
}

_INSIDE_WORDS = frozenset("’‘´`·-‐‑–—…״׳־\xad\xa0")
"""Punctuation that may stand between two letters."""

_AT_WORD_ENDS = frozenset("ךםןףץةى")
"""Hebrew and Arabic letters that no other letter follows."""


def detect_legacy_encoding(sample: bytes) -> tuple[str, bool]:
    """Return the most likely encoding of a text that is not Unicode, as Python names it, and whether it is certain.

    It is certain if there is enough evidence, if both halves of the words lead to it, and if the text is plausible.
    """
    encoding = guess = _guess(sample)
    # The Greek encodings of Windows and ISO differ in few characters. In ISO, 0xB6 is a capital and 0xA2 an apostrophe.
    if encoding == "windows-1253" and re.search(rb"\xb6[\xdc-\xfe]|\xa2(?![\xc1-\xfe])", sample):
        encoding = "iso-8859-7"
    text = sample.decode(encoding, "replace")
    n_non_ascii = count_non_ascii(text)
    words = [word for word in sample.split() if not word.isascii()]
    halves = [b" ".join(words[start::2]) for start in range(min(2, len(words)))]
    is_certain = (
        n_non_ascii >= MIN_EVIDENCE
        and all(_guess(half) == guess for half in halves)
        and _count_misplaced(text) <= MAX_MISPLACED_SHARE * n_non_ascii
    )
    return encoding, is_certain


def count_non_ascii(text: str) -> int:
    """Return the number of characters that are not ASCII."""
    return 0 if text.isascii() else len(text) - len(text.encode("ascii", "ignore"))


def _guess(sample: bytes) -> str:
    """Return the Python name of the encoding that chardetng detects."""
    from chardetng_py import EncodingDetector  # imported here because most texts do not need it

    detector = EncodingDetector()
    detector.feed(sample, last=True)
    encoding = detector.guess(tld=None, allow_utf8=False)
    return _PYTHON_NAMES.get(encoding, encoding)


def _count_misplaced(text: str) -> int:
    """Return the number of non-ASCII characters that are unlikely where they are. If all letters are capitals, all are."""
    cased = [character for character in text if character > "\x7f" and character.lower() != character.upper()]
    if cased and all(map(str.isupper, cased)):
        return len(cased)
    neighbors = zip(f" {text}", text, f"{text[1:]} ", strict=False)
    return sum(character > "\x7f" and _is_misplaced(before, character, after) for before, character, after in neighbors)


def _is_misplaced(before: str, character: str, after: str) -> bool:
    """Return whether a non-ASCII character is unlikely between two others."""
    if character in _INSIDE_WORDS:
        return False
    if not character.isalpha():  # a symbol inside a word, or no character at all
        is_inside = before.isalpha() and after.isalpha() and max(before, after) < "\u2e80"  # Chinese has no spaces
        is_mark = unicodedata.category(character)[0] == "M"
        return (is_inside and not is_mark) or character == "\ufffd" or not character.isprintable()
    if character.lower() != character.upper():
        return character.isupper() and before.islower()
    if character in _AT_WORD_ENDS:
        return after.isalpha()
    return before.isascii() and after.isascii() and before.isalpha() and after.isalpha()  # a Chinese one in a Latin word
