"""Detect encodings that consist of ASCII bytes only: ISO 2022, HZ, and UTF-7.

Such a text is valid ASCII, and would be read as it stands, without its words: "~{VPND~}" for two Chinese characters.
"""

from __future__ import annotations

import codecs
import re

from aesearch.errors import Unreadable

MIN_CERTAIN_CHARACTERS = 10
"""Fewer characters that are not ASCII may be a coincidence."""

MIN_ALPHABETIC_CHARACTERS = 2
"""The same for letters with accents, Greek and Cyrillic in UTF-7, which do not look like words of ASCII letters."""

LAST_ALPHABETIC = 0x05FF

MAX_ERROR_SHARE = 0.1
"""A text with more characters that cannot be decoded, as a share of those that are not ASCII, has another encoding."""

_DESIGNATORS = re.compile(rb"\x1b(?:\$[@AB]|\$\([CDOPQ@AB]|\$\)C|\([IJ]|\.[AF])")
"""Escape sequences of ISO 2022 that select a character set other than ASCII. Terminals use others."""

_ISO_2022 = ("iso2022_jp_ext", "iso2022_jp_2", "iso2022_jp_2004")
"""Codecs for Japanese. All decode the common characters; each has some that the others lack."""

_CHINESE_DESIGNATORS = (b"\x1b$)A", b"\x1b$)G", b"\x1b$)E", b"\x1b$*H")
_HZ_RUN = re.compile(rb"~\{((?:[\x21-\x77][\x21-\x7e])+)~\}")
_UTF_7_RUN = re.compile(rb"\+[A-Za-z0-9+/]{2,}")

_CODE_RANGES = (  # of characters that occur together in a text
    ((0x80, 0x2FFF), (0xFB00, 0xFEFF)),
    ((0x2000, 0x206F), (0x3000, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF), (0x20000, 0x3FFFF)),
    ((0x2000, 0x206F), (0x3000, 0x318F), (0xAC00, 0xD7A3), (0xFF00, 0xFFEF)),
)


def has_seven_bit_marks(content: bytes) -> bool:
    """Return whether a text may have one of these encodings. This is a fast check, and true for some other texts."""
    return b"~{" in content or b"\x1b" in content or (b"+" in content and content.isascii())


def detect_seven_bit(start: bytes, name: object) -> tuple[str, bool] | None:
    """Return the encoding, as Python names it, and whether it is certain; None for a text of another encoding.

    Parameters
    ----------
    start : bytes
        The beginning of the text, or all of it.
    name : object
        The file, for error messages.

    Raises
    ------
    Unreadable
        If the encoding is one that Python cannot decode.
    """
    if any(sequence in start for sequence in _CHINESE_DESIGNATORS) and b"\x0e" in start and start.isascii():
        raise Unreadable(name, "the encoding ISO-2022-CN is not supported; convert the file to UTF-8")
    return _detect_iso_2022(start) or _detect_hz(start) or _detect_utf_7(start)


def fits(sample: bytes, encoding: str) -> bool:
    """Return whether bytes can be decoded. A character at the end may be incomplete."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _detect_iso_2022(start: bytes) -> tuple[str, bool] | None:
    """Return the variant of ISO 2022 that decodes a text with the fewest errors."""
    designators = _DESIGNATORS.findall(start)
    n_bytes_above = 0 if start.isascii() else len(start.translate(None, bytes(range(128))))
    if not designators or n_bytes_above > len(designators):
        return None
    candidates = ("iso2022_kr",) if b"\x1b$)C" in designators else _ISO_2022
    for encoding in candidates:
        if fits(start, encoding):
            return encoding, True
    shares = {encoding: _error_share(start, encoding) for encoding in candidates}
    best = min(candidates, key=shares.__getitem__)
    return (best, True) if shares[best] <= MAX_ERROR_SHARE else None


def _detect_hz(start: bytes) -> tuple[str, bool] | None:
    """Return HZ if a text has runs of Chinese characters between "~{" and "~}"."""
    if b"~{" not in start or not start.isascii():
        return None
    runs = _HZ_RUN.findall(start)
    valid = [run for run in runs if fits(b"~{" + run + b"~}", "hz")]
    n_characters = sum(map(len, valid)) // 2
    if not valid or start.count(b"~{") - len(valid) > len(valid) * MAX_ERROR_SHARE:
        return None
    return "hz", n_characters >= MIN_CERTAIN_CHARACTERS


def _detect_utf_7(start: bytes) -> tuple[str, bool] | None:
    """Return UTF-7 if all "+" of a text begin characters of one script. It is never certain: such files are very rare."""
    if b"+" not in start or not start.isascii() or not _UTF_7_RUN.search(start) or not fits(start, "utf-7"):
        return None
    text = codecs.getincrementaldecoder("utf-7")().decode(start)
    codes = [ord(character) for character in text if not character.isascii()]
    is_alphabetic = max(codes, default=0) <= LAST_ALPHABETIC
    if len(codes) < (MIN_ALPHABETIC_CHARACTERS if is_alphabetic else MIN_CERTAIN_CHARACTERS):
        return None
    n_fitting = max(sum(_is_in(code, ranges) for code in codes) for ranges in _CODE_RANGES)
    return ("utf-7", False) if n_fitting >= (1 - MAX_ERROR_SHARE) * len(codes) else None


def _is_in(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    """Return whether a code point is in one of the ranges."""
    return any(first <= code <= last for first, last in ranges)


def _error_share(sample: bytes, encoding: str) -> float:
    """Return the number of errors as a share of the characters that are not ASCII."""
    text = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
    n_non_ascii = sum(not character.isascii() for character in text)
    return text.count("\ufffd") / max(1, n_non_ascii)
