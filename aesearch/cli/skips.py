"""Summary of the files that are skipped by design."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

from aesearch.items import Skip, SkipCategory

MAX_LISTED_NAMES = 5
"""Suffixes of unsupported files, and names of ignored folders, that a summary lists; the remaining ones are counted."""


def describe_expected_skips(skipped: Mapping[str, Skip]) -> str:
    """Return how many files of each category are skipped by design, or "" if there are none.

    Unsupported files are counted by suffix, and ignored folders by name: "12 unsupported (7 .mp4, 3 .zip, 2 .exe)".
    """
    expected = {path: skip.category for path, skip in skipped.items() if skip.category.is_expected}
    counts = Counter(expected.values())
    listed = ", ".join(
        f"{number:,} {category.value}{_details(category, expected)}" for category, number in counts.most_common()
    )
    return f"{listed} (choose what to read with --kind)" if SkipCategory.OTHER_KIND in counts else listed


def _details(category: SkipCategory, skipped: Mapping[str, SkipCategory]) -> str:
    """Return the suffixes of the unsupported files, or the names of the ignored folders, in parentheses."""
    if category not in (SkipCategory.UNSUPPORTED, SkipCategory.IGNORED_FOLDER):
        return ""
    paths = [PurePosixPath(path) for path, other in skipped.items() if other is category]
    if category is SkipCategory.UNSUPPORTED:
        counts = Counter(path.suffix.lower() or "without suffix" for path in paths)
    else:
        counts = Counter(path.name for path in paths)
    return f" ({_list_counts(counts)})"


def _list_counts(counts: Counter[str]) -> str:
    """Return the most frequent names with their numbers."""
    most_common = counts.most_common(MAX_LISTED_NAMES)
    n_others = counts.total() - sum(number for _, number in most_common)
    listed = [f"{number:,} {name}" for name, number in most_common]
    return ", ".join([*listed, f"{n_others:,} other"] if n_others else listed)
