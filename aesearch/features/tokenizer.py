"""The tokenizer of documents and queries, for every script.

Scripts written with spaces yield words: runs of letters and digits, with their combining marks. Scripts written without
spaces, such as Chinese and Japanese, yield each character with its marks, and each pair of adjacent characters. If they are
alphabets, such as Thai, Lao, Khmer and Burmese, they yield each triple, too. This works for any vocabulary.

Spellings of one word that differ only in form yield the same token:

- Text is normalized by NFKC and case-folded, so ß is ss. The language is unknown, so the Turkish ı and İ are i.
- Invisible characters, such as soft hyphens, joiners and variation selectors, vanish.
- Marks that most texts leave out vanish: the points of Hebrew, Arabic and Syriac, tatweel, accents of Greek, which capitals
  do not have, and stress marks of Cyrillic.
- Digits of all scripts are 0 to 9.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

MIN_TOKEN_LENGTH = 2
MAX_TOKEN_LENGTH = 40
"""Length of a token, in characters. Longer runs are keys, addresses and encoded data."""
MAX_MARKS = 32
"""Marks in a row that are kept. No orthography needs more, and normalization takes quadratic time in their number."""
STRESS_MARK = "\u0301"

# Blocks of the scripts that Unicode's line breaking algorithm (UAX 14) breaks within a run of letters.
_ALPHABETS = (
    "\u0e00-\u0eff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff"  # Thai and Lao, Burmese, Khmer
    "\u1950-\u19df\u1a20-\u1aaf\uaa80-\uaadf\u1b00-\u1b7f\ua980-\ua9df"  # Tai scripts, Balinese, Javanese
)
_UNSPACED = _ALPHABETS + (
    "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u3040-\u30ff\u31f0-\u31ff\U0001aff0-\U0001b16f"  # kana
    "\ua000-\ua4cf\U00017000-\U00018d8f\U0001b170-\U0001b2ff"  # Yi, Tangut and Khitan, Nushu
)
_HAN_SYMBOLS = "\u2e80-\u2fdf\U00020000-\U0003ffff"
"""Radicals, which are no letters, and the planes of Han characters that later versions of Unicode assign."""
_STACKERS = "\u1039\u17d2\u1a60\u1b44\ua9c0"
"""Marks that put the next letter below their own: one character for the reader."""
_FIRST_UNSPACED = "\u0e00"

_ASCII_WORD = re.compile("[a-z0-9]+")
_find_unspaced = re.compile(f"[{_UNSPACED}]").search
_starts_alphabet = re.compile(f"[{_ALPHABETS}]").match
# Folded text consists of letters, digits, marks and spaces, so a character that is neither \w nor a space is a mark.
_RUN = re.compile(f"[{_UNSPACED}]+|\\w[^ {_UNSPACED}]*")
_CHARACTER = re.compile(f"[\\w{_HAN_SYMBOLS}](?:[{_STACKERS}]\\w|[^\\w{_HAN_SYMBOLS}])*")
_LONG_RUN = re.compile(rf"[^\w\x00-\x7f]{{{MAX_MARKS + 1},}}")
"""Run that may consist of marks, or of symbols that are normalized to letters, such as ㎏."""
_STRESSED = re.compile(f"([\u0400-\u052f]){STRESS_MARK}")

_REPLACEMENTS = {
    "ı": "i",
    "\u0307": "",  # İ is folded to i and this dot
    **dict.fromkeys("\u0640\u07fa\u180a", ""),  # tatweel and its like, which stretch a word
    **dict.fromkeys("\u055a\u055b\u055c\u055e\u055f", ""),  # Armenian accents, which are punctuation within a word
    **dict.fromkeys("\u034f\u115f\u1160\u17b4\u17b5\u1806", ""),  # invisible, but not of the category "format"
    # Letters that older texts encode as a consonant, a virama and a joiner: Malayalam chillus, Bengali khanda ta.
    **{"ൺ": "ണ്", "ൻ": "ന്", "ർ": "ര്", "ൽ": "ല്", "ൾ": "ള്", "ൿ": "ക്", "ৎ": "ত্"},
}
_ABJADS = ("HEBREW", "ARABIC", "SYRIAC")
"""Scripts whose marks are optional."""


def tokenize(text: str) -> list[str]:
    """Return the tokens of a text in order. Single letters and digits of spaced scripts are dropped."""
    if text.isascii():
        return [word for word in _ASCII_WORD.findall(text.lower()) if MIN_TOKEN_LENGTH <= len(word) <= MAX_TOKEN_LENGTH]
    text = _fold(text)
    if not _find_unspaced(text):
        return [run for run in _RUN.findall(text) if _is_word(run)]
    tokens: list[str] = []
    for run in _RUN.findall(text):
        if run[0] >= _FIRST_UNSPACED and _find_unspaced(run):
            characters = list(run) if run.isalnum() else _CHARACTER.findall(run)
            tokens += characters
            tokens += map("".join, pairwise(characters))
            if _starts_alphabet(run):  # triples gain 2 points of P@10 on Thai and Khmer
                tokens += map("".join, zip(characters, characters[1:], characters[2:], strict=False))
        elif _is_word(run):
            tokens.append(run)
    return tokens


def is_unspaced(text: str) -> bool:
    """Return whether a text has characters of a script without spaces."""
    return _find_unspaced(text) is not None


def ngram_width(text: str) -> int:
    """Return the number of characters in the longest tokens of a run of a script without spaces."""
    return 3 if _starts_alphabet(text) else 2


def _is_word(run: str) -> bool:
    """Return whether a run of a spaced script is a token. A Hangul syllable is one: it has two or three letters."""
    return MIN_TOKEN_LENGTH <= len(run) <= MAX_TOKEN_LENGTH or (len(run) == 1 and "가" <= run <= "힣")


def _fold(text: str) -> str:
    """Return text in one spelling, with a space in place of each character that is neither a letter, a digit nor a mark."""
    # The only two marks that are letters to Unicode become the marks that they are normalized to.
    text = text.replace("\uff9e", "\u3099").replace("\uff9f", "\u309a")
    text = _LONG_RUN.sub(_drop_excess_marks, text)
    text = unicodedata.normalize("NFKC", text).casefold()
    text = unicodedata.normalize("NFKC", text)  # case folding decomposes a few letters
    if STRESS_MARK in text:
        text = _STRESSED.sub(r"\1", text)
    return text.translate(_folded_characters)


def _drop_excess_marks(run: re.Match[str]) -> str:
    """Return a run of characters without the marks that follow MAX_MARKS others."""
    kept: list[str] = []
    n_marks = 0
    for character in run[0]:
        is_mark = unicodedata.combining(unicodedata.normalize("NFKD", character)[0]) != 0
        n_marks = n_marks + 1 if is_mark else 0
        if n_marks <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)


class _FoldedCharacters(dict[int, str]):
    """A table for `str.translate`, filled as characters occur."""

    def __missing__(self, code_point: int) -> str:
        folded = self[code_point] = _fold_character(chr(code_point))
        return folded


_folded_characters = _FoldedCharacters()


def _fold_character(character: str) -> str:
    """Return what replaces a normalized character: itself, another one, nothing, or a space between words."""
    if character in _REPLACEMENTS:
        return _REPLACEMENTS[character]
    category = unicodedata.category(character)
    name = unicodedata.name(character, "")
    if category in ("Cf", "Me") or "VARIATION SELECTOR" in name or (category == "Mn" and name.startswith(_ABJADS)):
        return ""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if name.startswith("GREEK"):
        character = unicodedata.normalize("NFD", character)[0]
    is_part_of_word = character.isalnum() or category[0] == "M" or re.match(f"[{_HAN_SYMBOLS}]", character)
    return character if is_part_of_word else " "
