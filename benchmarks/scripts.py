"""Retrieval in other scripts: the same texts in Hindi, Khmer and Thai, and in English.

    python benchmarks/scripts.py --root ROOT

ROOT holds help pages and messages of LibreOffice from Debian packages, which need not be installed:

    apt-get download libreoffice-help-en-us libreoffice-help-hi libreoffice-help-km libreoffice-l10n-th
    for package in *.deb; do dpkg-deb -x $package ROOT; done

Only letters of the script are indexed, because the pages contain English names of commands. A help page is labeled with its
folder, a message with its part of the program. Every fifth text is a query, the other texts are the database.

Claim: no text is without a term. Thai and Khmer are retrieved about as well as English, although they have no spaces. (Many
of the pages are translated into Hindi only in part, and are therefore shorter than the English ones.)
"""

import gettext
import html
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from harness import create_parser, print_table

from aesearch import Item, Retriever
from aesearch.analysis.evaluation import evaluate

HELP_FOLDER = "usr/share/libreoffice/help"
MESSAGE_FOLDER = "usr/lib/libreoffice/program/resource/th/LC_MESSAGES"
SCRIPTS = {"English": "A-Za-z", "Hindi": "\u0900-\u097f", "Khmer": "\u1780-\u17ff", "Thai": "\u0e00-\u0e7f"}
"""Letters and marks of each language, as in a regular expression."""
MIN_LETTERS = 60
"""Letters that a text has in both languages."""
QUERY_STEP = 5
"""Every fifth text is a query."""


class Translation(NamedTuple):
    """An English text and its translation."""

    label: str
    english: str
    translated: str


def main() -> None:
    parser = create_parser(__doc__, needs_data=False)
    parser.add_argument("--root", type=Path, required=True, help="folder that the packages are unpacked to")
    root = parser.parse_args().root
    collections = {"Hindi": read_help(root, "hi"), "Khmer": read_help(root, "km"), "Thai": read_messages(root)}
    results: list[tuple[object, ...]] = []
    for language, translations in collections.items():
        pairs = [
            (label, extract(english, "English"), extract(translated, language))
            for label, english, translated in translations
        ]
        long_pairs = [pair for pair in pairs if count_letters(pair[1]) >= MIN_LETTERS <= count_letters(pair[2])]
        for name, column in ((f"{language}: English", 1), (f"{language}: translations", 2)):
            items = [Item(str(number), pair[column], pair[0]) for number, pair in enumerate(long_pairs)]
            results.append((name, *score(items)))
    print_table(("texts", "items", "terms", "items without a term", "P@10, raw", "P@10, lsa"), results)


def read_help(root: Path, language: str) -> Iterator[Translation]:
    """Yield the help pages, labeled with the first two folders of their paths."""
    pages = root / HELP_FOLDER / "en-US" / "text"
    for page in sorted(pages.rglob("*.html")):
        path = page.relative_to(pages)
        translated = root / HELP_FOLDER / language / "text" / path
        if translated.exists():
            yield Translation("/".join(path.parts[:2]), read_page(page), read_page(translated))


def read_page(path: Path) -> str:
    """Return the text of an HTML page."""
    return html.unescape(re.sub("<[^>]+>", " ", path.read_text(encoding="utf-8")))


def read_messages(root: Path) -> Iterator[Translation]:
    """Yield the Thai messages, labeled with the names of their catalogs."""
    seen: set[str] = set()
    for path in sorted((root / MESSAGE_FOLDER).glob("*.mo")):
        with path.open("rb") as file:
            catalog = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # there is no public access
        for key, translated in catalog.items():
            english = str(key).split("\x04")[-1]  # after the context of the message
            if english not in seen:
                seen.add(english)
                yield Translation(path.stem, english, translated)


def long_texts(translations: Iterable[Translation], language: str) -> Iterator[Translation]:
    """Yield the translations that have MIN_LETTERS letters in both languages, without all other characters."""
    for label, english, translated in translations:
        extracted = Translation(label, extract(english, "English"), extract(translated, language))
        if count_letters(extracted.english) >= MIN_LETTERS <= count_letters(extracted.translated):
            yield extracted


def extract(text: str, language: str) -> str:
    """Return the runs of letters and marks of a language, separated by spaces."""
    return " ".join(re.findall(f"[{SCRIPTS[language]}\u200b-\u200d]+", text))


def count_letters(text: str) -> int:
    """Return the number of letters, without marks."""
    return sum(character.isalpha() for character in text)


def score(items: list[Item]) -> tuple[int, int, int, float, float]:
    """Return the number of items of the database, of terms and of empty items, and P@10 of the rows and of LSA codes."""
    queries = items[::QUERY_STEP]
    database = [item for position, item in enumerate(items) if position % QUERY_STEP]
    indexes = [Retriever.build(database, coder=coder) for coder in ("raw", "lsa")]
    X = indexes[0].features.transform(database)
    n_empty = int((np.diff(X.indptr) == 0).sum())
    precisions = [evaluate(index, queries, ks=(10,)).precision[10] for index in indexes]
    return len(database), X.shape[1], n_empty, *precisions


if __name__ == "__main__":
    main()
