"""Recognize UTF-16 and UTF-32 without a byte order mark."""

from __future__ import annotations

import codecs
import unicodedata
from collections import Counter

MIN_SCRIPT_SHARE = 0.9
"""Share of the characters of such a text that belong to its main script, or are Latin or punctuation."""

MIN_ZEROS = 8
"""Zero bytes that suffice to show that they are at regular positions."""

MIN_PARITY_SHARE = 0.9
"""Share of the zero bytes of a UTF-16 text that are at even positions, or at odd ones."""

MIN_ZERO_SHARE = 0.25
"""Share of zero bytes in a UTF-16 text of ASCII characters. Half of its bytes are zero, apart from a few characters."""

MAX_ASCII_SHARE = 0.65
"""Share of the other bytes of a UTF-16 text that are printable ASCII, without "0", which is half of all bytes in Japanese.
Chinese reaches 0.5 by chance."""

_PRINTABLE = bytes(set(range(0x20, 0x7F)) - {ord("0")})
_ENCODINGS = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


def detect_unicode_form(sample: bytes) -> str | None:
    """Return the encoding of a UTF-16 or UTF-32 text, or None if the sample is not such a text.

    Parameters
    ----------
    sample : bytes
        The beginning of a file. It may end within a character.
    """
    if _is_ascii_with_zeros(sample):
        return None
    ascii_shares = {}
    for encoding in _ENCODINGS:
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(sample)
        except UnicodeDecodeError:
            continue
        if text and _script_share(text) >= MIN_SCRIPT_SHARE:
            ascii_shares[encoding] = len(text.encode("ascii", "ignore")) / len(text)
    # In the wrong byte order, Latin letters become Chinese characters, so the order with more ASCII is the right one.
    return max(ascii_shares, key=ascii_shares.__getitem__, default=None)


def _is_ascii_with_zeros(sample: bytes) -> bool:
    """Return whether bytes are ASCII with few zeros, such as strings of a program. Pairs of letters would look Chinese."""
    n_zeros = sample.count(0)
    if n_zeros >= MIN_ZEROS and max(sample[::2].count(0), sample[1::2].count(0)) >= MIN_PARITY_SHARE * n_zeros:
        return False  # the zeros are the first bytes of pairs, or the second ones
    n_ascii = len(sample) - len(sample.translate(None, _PRINTABLE))
    return n_zeros < MIN_ZERO_SHARE * len(sample) and n_ascii > MAX_ASCII_SHARE * (len(sample) - n_zeros)


def _script_share(text: str) -> float:
    """Return the share of the characters that belong to the main script of a text, or are Latin or punctuation."""
    n_characters = Counter(map(_script, text))
    n_common, _ = n_characters.pop("common", 0), n_characters.pop("invalid", 0)
    return (n_common + max(n_characters.values(), default=0)) / len(text)


def _script(character: str) -> str:
    """Return the approximate script of a character: "common", "invalid", or the first word of its name in Unicode."""
    code = ord(character)
    if unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs") and character not in "\t\n\r\f":
        return "invalid"
    if code < 0x250 or 0x2000 <= code < 0x2E80 or 0x3000 <= code < 0x3040 or 0xFF00 <= code < 0xFFF0:
        return "common"  # Latin, punctuation and symbols
    if 0x2E80 <= code < 0xA000 or 0xF900 <= code < 0xFB00 or 0x20000 <= code < 0x33480:
        return "Chinese and Japanese"
    return unicodedata.name(character, "invalid").partition(" ")[0]
