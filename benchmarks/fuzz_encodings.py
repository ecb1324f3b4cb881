"""Read paragraphs in many languages, encodings and formats.

    python benchmarks/fuzz_encodings.py [--keep FOLDER]

A paragraph in each of 47 languages is written in six forms of Unicode, as UTF-8 with one invalid byte, and in the legacy
encodings that its language uses; each as plain text, as a web page with and without a declared encoding, as a table with
semicolons or tabs, and as JSON lines; and 60 characters of it as plain text. All files are read as one folder.

Target: at least 99 % of the letters are recovered, or the loss is named by a warning or a skip.
"""

import codecs
import csv
import io
import json
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

from fuzz_paragraphs import LEGACY_ENCODINGS, PARAGRAPHS
from harness import create_parser, print_table

from aesearch.readers.folder import read_files

MIN_RECOVERED = 0.99
SHORT_CHARACTERS = 60
"""Length of a short text. The less text there is, the less certain is its encoding."""
INVALID_BYTE = b"\xff"
"""It occurs nowhere in UTF-8."""
UNICODE_FORMS: dict[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "utf-8 with mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "utf-16-le with mark": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "utf-16-be with mark": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
}
DAMAGED_UTF_8 = "utf-8, one invalid byte"
COLUMNS = ("encoding", "files", "recovered", "also with a warning", "loss named", "silently lost")


class Case(NamedTuple):
    """A file to read.

    Attributes
    ----------
    encoding : str
        Name for the table of results.
    name : str
        Name of the file.
    content : bytes
    text : str
        The text that the file holds.
    """

    encoding: str
    name: str
    content: bytes
    text: str


class Outcome(NamedTuple):
    """The share of the letters of a case that was recovered, and the reader's warnings and reasons of skips."""

    case: Case
    recovered: float
    notes: str

    @property
    def is_failure(self) -> bool:
        """Whether a part of the text is silently lost."""
        return self.recovered < MIN_RECOVERED and not self.notes


def main() -> None:
    parser = create_parser(__doc__, needs_data=False)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="write the files here, and keep them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        outcomes = read_cases(options.keep or Path(temporary))
    for outcome in outcomes:
        if outcome.recovered < MIN_RECOVERED:
            notes = outcome.notes or "SILENTLY LOST"
            print(f"{outcome.case.name}: {outcome.recovered:.0%} recovered: {notes}")
    print()
    print_table(COLUMNS, count_by_encoding(outcomes))
    n_failures = sum(outcome.is_failure for outcome in outcomes)
    print(f"\n{len(outcomes) - n_failures} of {len(outcomes)} files passed")
    raise SystemExit(n_failures > 0)


def read_cases(folder: Path) -> list[Outcome]:
    """Write the files of all cases to a folder, read them, and return the outcomes."""
    cases = list(create_cases())
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases:
        (folder / case.name).write_bytes(case.content)
    files = read_files(folder, kind="documents")
    found: dict[str, list[str]] = defaultdict(list)
    for item in files:
        found[files.file_of(item.id)].append(str(item.content))
    notes: dict[str, list[str]] = defaultdict(list)
    for name, note in [*files.warnings.items(), *((name, skip.reason) for name, skip in files.skipped.items())]:
        notes[files.file_of(name)].append(note)
    return [
        Outcome(case, measure_recovered(case.text, "\n".join(found[case.name])), "; ".join(notes[case.name]))
        for case in cases
    ]


def create_cases() -> Iterator[Case]:
    """Yield a case for each language, encoding and format."""
    for language, text in PARAGRAPHS.items():
        encoders = dict(UNICODE_FORMS)
        for encoding in LEGACY_ENCODINGS.get(language, ()):
            encoders[encoding] = legacy_encoder(encoding)
        for encoding, encode in encoders.items():
            for ending, content in create_files(text, encoding, encode):
                yield Case(encoding, f"{language}, {encoding}{ending}", content, text)
            start = text[:SHORT_CHARACTERS].rpartition(" ")[0] or text[:SHORT_CHARACTERS]
            yield Case(encoding, f"{language}, {encoding}-short.txt", encode(start), start)
        for ending, content in create_files(text, "utf-8", str.encode):
            damaged = insert_invalid_byte(content, text)
            yield Case(DAMAGED_UTF_8, f"{language}, {DAMAGED_UTF_8}{ending}", damaged, text)


def insert_invalid_byte(content: bytes, text: str) -> bytes:
    """Return a file with an invalid byte between two characters in the middle of its text."""
    middle = content.index(text[:5].encode()) + len(text.encode()) // 2
    while content[middle] & 0xC0 == 0x80:  # within a character
        middle += 1
    return content[:middle] + INVALID_BYTE + content[middle:]


def legacy_encoder(encoding: str) -> Callable[[str], bytes]:
    """Return a function that encodes a text. Punctuation that the encoding lacks becomes ASCII."""

    def encode(text: str) -> bytes:
        return decomposed_for(encoding, text).replace("’", "'").encode(encoding)

    return encode


def decomposed_for(encoding: str, text: str) -> str:
    """Return a text as an encoding needs it: that of Vietnamese has combining tone marks."""
    if encoding != "cp1258":
        return text
    return "".join(_with_tone_mark(character) for character in text)


def _with_tone_mark(character: str) -> str:
    """Return a letter in cp1258: itself if it has a code, otherwise the letter without its tone, and the tone."""
    try:
        character.encode("cp1258")
        return character
    except UnicodeEncodeError:
        decomposed = unicodedata.normalize("NFD", character)
        letter, marks = decomposed[0], decomposed[1:]
        tone = next(mark for mark in marks if mark in "\u0300\u0301\u0303\u0309\u0323")
        return unicodedata.normalize("NFC", letter + "".join(mark for mark in marks if mark != tone)) + tone


def create_files(text: str, encoding: str, encode: Callable[[str], bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the endings and contents of the files with a text."""
    sentences = [sentence.strip() for sentence in text.replace("。", "。\n").replace(". ", ".\n").splitlines()]
    yield ".txt", encode(text)
    yield ".html", encode(f"<!doctype html><html><head></head><body><p>{text}</p></body></html>")
    yield "-declared.html", encode(f'<!doctype html><meta charset="{encoding.split()[0]}"><p>{text}</p>')
    for ending, delimiter in (("-semicolon.csv", ";"), ("-tab.csv", "\t")):
        table = io.StringIO()
        csv.writer(table, delimiter=delimiter).writerows([("id", "text"), *enumerate(sentences)])
        yield ending, encode(table.getvalue())
    yield ".jsonl", encode("".join(json.dumps({"text": line}, ensure_ascii=False) + "\n" for line in sentences))


def measure_recovered(expected: str, found: str) -> float:
    """Return the share of the letters, marks and digits of a text that were found in their order."""
    letters, found_letters = extract_letters(expected), extract_letters(found)
    if letters in found_letters:
        return 1.0
    blocks = SequenceMatcher(None, letters, found_letters, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(letters)


def extract_letters(text: str) -> str:
    """Return the letters, marks and digits of a text in canonical composition."""
    return "".join(each for each in unicodedata.normalize("NFC", text) if unicodedata.category(each)[0] in "LMN")


def count_by_encoding(outcomes: list[Outcome]) -> Iterator[tuple[object, ...]]:
    """Yield the rows of the table, one for each encoding."""
    for encoding in dict.fromkeys(outcome.case.encoding for outcome in outcomes):
        group = [outcome for outcome in outcomes if outcome.case.encoding == encoding]
        recovered = [outcome for outcome in group if outcome.recovered >= MIN_RECOVERED]
        n_failures = sum(outcome.is_failure for outcome in group)
        n_warned = sum(bool(outcome.notes) for outcome in recovered)
        yield encoding, len(group), len(recovered), n_warned, len(group) - len(recovered) - n_failures, n_failures


if __name__ == "__main__":
    main()
