"""Decoding of texts in the encodings that were usual before Unicode.

    python benchmarks/encoding_detection.py --texts FOLDER [--samples 30]

FOLDER holds one file for each language, LANGUAGE.txt, with a paragraph per line in UTF-8; the languages are named as in
ENCODINGS. The figures in docs/files.md are of the paragraphs in Debian's packages gnome-user-docs and
installation-guide-amd64, and of Django's translations.

Random texts of 60 to 5,000 characters are cut from consecutive paragraphs and encoded. A text counts as correct if it is
decoded without a single wrong character. It should be correct, or have a warning.

Target: at most 0.5 % of the texts are wrong without a warning.
"""

import random
import unicodedata
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harness import create_parser, print_table

from aesearch.errors import Unreadable
from aesearch.readers.encodings import decode_text

LENGTHS = (60, 150, 400, 1000, 5000)
ENCODINGS = {
    "ar": ["cp1256"], "be": ["cp1251"], "bg": ["cp1251"], "ca": ["cp1252"], "cs": ["cp1250", "iso8859-2"], "da": ["cp1252"],
    "de": ["cp1252"], "el": ["cp1253", "iso8859-7"], "es": ["cp1252"], "et": ["cp1257"], "fa": ["cp1256"], "fi": ["cp1252"],
    "fr": ["cp1252"], "he": ["cp1255"], "hr": ["cp1250"], "hu": ["cp1250", "iso8859-2"], "it": ["cp1252"],
    "ja": ["cp932", "euc_jp"], "ko": ["cp949"], "lt": ["cp1257"], "lv": ["cp1257"], "nl": ["cp1252"],
    "pl": ["cp1250", "iso8859-2"], "pt": ["cp1252"], "ro": ["cp1250"], "ru": ["cp1251", "koi8-r", "iso8859-5", "cp866"],
    "sl": ["cp1250"], "sr": ["cp1251"], "sv": ["cp1252"], "th": ["cp874"], "tr": ["cp1254", "iso8859-9"],
    "uk": ["cp1251", "koi8-u"], "vi": ["cp1258"], "zh_CN": ["gb18030"], "zh_Hans": ["gb18030"], "zh_Hant": ["big5"],
}  # fmt: skip
UNSUPPORTED = {
    "cs": ["cp852"], "de": ["cp850", "mac_roman"], "el": ["cp737"], "es": ["cp850"], "fr": ["cp850", "mac_roman"],
    "he": ["cp862"], "pl": ["cp852"], "ru": ["mac_cyrillic"], "tr": ["cp857"],
}  # fmt: skip
"""Encodings that are not detected. Texts in them should have a warning."""
UNICODE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
MIN_NON_ASCII = 2
OLD_CHARACTERS = {0x219: 0x15F, 0x21B: 0x163, 0x218: 0x15E, 0x21A: 0x162, 0x6CC: 0x64A}
"""Characters that Romanian and Persian texts used before their own were in Unicode."""


class Outcome(NamedTuple):
    """What became of one text.

    Attributes
    ----------
    group : str
        The encoding, or the language and its encoding.
    length : int
        Number of characters.
    is_correct, has_warning, is_refused : bool
    """

    group: str
    length: int
    is_correct: bool
    has_warning: bool
    is_refused: bool = False


def main() -> None:
    parser = create_parser(__doc__, needs_data=False)
    parser.add_argument("--texts", type=Path, required=True, metavar="FOLDER", help="folder of LANGUAGE.txt")
    parser.add_argument("--samples", type=int, default=30, help="texts of each language, encoding and length")
    options = parser.parse_args()
    legacy = list(decode_all(options, ENCODINGS))
    print_outcomes("characters", [(f"{length:,}", [o for o in legacy if o.length == length]) for length in LENGTHS])
    print()
    by_group = [(group, [o for o in legacy if o.group == group]) for group in sorted({o.group for o in legacy})]
    imperfect = [(group, found) for group, found in by_group if not all(o.is_correct for o in found)]
    print_outcomes("language and encoding, if any text is wrong", imperfect)
    print()
    unsupported = list(decode_all(options, UNSUPPORTED))
    unicode = list(decode_all(options, {path.stem: list(UNICODE) for path in sorted(options.texts.glob("*.txt"))}))
    print_outcomes("encodings", [("not supported", unsupported), ("UTF-16 and UTF-32 without a mark", unicode)])


def decode_all(options: Namespace, encodings: dict[str, list[str]]) -> Iterator[Outcome]:
    """Yield the outcomes of random texts of each language in each of its encodings."""
    for language, names in encodings.items():
        path = options.texts / f"{language}.txt"
        paragraphs = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        paragraphs = [paragraph for paragraph in paragraphs if count_non_ascii(paragraph) >= MIN_NON_ASCII]
        if not paragraphs:
            print(f"no texts of {language}")
            continue
        for name in names:
            rng = random.Random(f"{language} {name}")
            for length in LENGTHS:
                for _ in range(options.samples):
                    content = encode(draw_text(paragraphs, length, rng), name)
                    if name in UNICODE or count_non_ascii(content.decode(name, "replace")) >= MIN_NON_ASCII:
                        yield decode(content, name, f"{language} {name}", length)


def draw_text(paragraphs: list[str], length: int, rng: random.Random) -> str:
    """Return a text of random paragraphs."""
    text = ""
    while len(text) < length:
        text += rng.choice(paragraphs) + "\n"
    return text[:length]


def encode(text: str, encoding: str) -> bytes:
    """Encode a text as it was written in an encoding. Characters that the encoding lacks are left out."""
    if encoding == "cp1258":  # accents of tones are characters of their own
        text = "".join(map(split_tone, text))
    return (text if encoding in UNICODE else text.translate(OLD_CHARACTERS)).encode(encoding, "ignore")


def split_tone(character: str) -> str:
    """Return a Vietnamese letter as the letter without its tone, and the tone."""
    try:
        character.encode("cp1258")
    except UnicodeEncodeError:
        decomposed = unicodedata.normalize("NFD", character)
        return unicodedata.normalize("NFC", decomposed[:-1]) + decomposed[-1]
    return character


def count_non_ascii(text: str) -> int:
    """Return the number of characters that are not ASCII."""
    return len(text) - len(text.encode("ascii", "ignore"))


def decode(content: bytes, encoding: str, group: str, length: int) -> Outcome:
    """Decode a text without knowing its encoding."""
    try:
        found = decode_text(content, "text")
    except Unreadable:
        return Outcome(group, length, is_correct=False, has_warning=False, is_refused=True)
    return Outcome(group, length, found.text == content.decode(encoding, "replace"), found.warning is not None)


def print_outcomes(title: str, groups: list[tuple[str, list[Outcome]]]) -> None:
    """Print the shares of correct texts and warnings for each group of texts."""
    rows = []
    for name, outcomes in groups:
        n_silent = sum(not o.is_correct and not o.has_warning and not o.is_refused for o in outcomes)
        counts = (sum(o.is_correct for o in outcomes), sum(o.has_warning for o in outcomes), n_silent)
        rows.append((name, len(outcomes), *(f"{count / len(outcomes):.1%}" for count in counts)))
    print_table((title, "texts", "correct", "with a warning", "wrong without a warning"), rows)


if __name__ == "__main__":
    main()
