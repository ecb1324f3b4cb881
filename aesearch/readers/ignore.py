"""Patterns that include or exclude files, in the syntax of `.gitignore` (https://git-scm.com/docs/gitignore).

A pattern without a slash matches names at any depth; one with a slash is relative to its folder. `*` and `?` match no
slash, `**` matches any number of folders, a pattern that ends in a slash matches folders only, and `!` makes an exception
to the patterns before it. Everything in an excluded folder is excluded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from aesearch.errors import InvalidParameter

IGNORE_FILE = ".aesearchignore"
"""Name of a file with patterns for its folder and the folders below it."""

MAX_IGNORE_FILE_BYTES = 1 << 20

MAX_ANY_FOLDERS = 3
"""Number of `**` in a pattern. The time of a match grows with the length of a path to this power."""


class Pattern(NamedTuple):
    """A pattern: its text, the regular expression, and its options."""

    text: str
    regex: re.Pattern[str]
    is_exception: bool
    is_for_folders: bool


def compile_patterns(lines: Iterable[str]) -> tuple[Pattern, ...]:
    """Return the patterns in lines. Blank lines and comments (`#`) are ignored.

    Raises
    ------
    InvalidParameter
        If a pattern has more than MAX_ANY_FOLDERS `**`.
    """
    patterns = []
    for line in lines:
        text = line.rstrip("\r\n")
        stripped = text.rstrip(" ")
        text = stripped + " " if stripped.endswith("\\") and len(stripped) < len(text) else stripped
        if not text or text.startswith("#"):
            continue
        is_exception = text.startswith("!")
        glob = text.removeprefix("!") if is_exception else text
        is_for_folders = glob.endswith("/")
        glob = glob.rstrip("/")
        if glob:
            patterns.append(Pattern(text, re.compile(_translate(glob)), is_exception, is_for_folders))
    return tuple(patterns)


def find_match(patterns: Iterable[Pattern], path: str, *, is_folder: bool) -> Pattern | None:
    """Return the last pattern that matches a path relative to the folder of the patterns, or None if there is none."""
    found = None
    for pattern in patterns:
        if (is_folder or not pattern.is_for_folders) and pattern.regex.fullmatch(path):
            found = pattern
    return found


def _translate(glob: str) -> str:
    """Return the regular expression for a pattern without its exclamation mark and its last slash."""
    parts = glob.removeprefix("/").split("/")
    if parts.count("**") > MAX_ANY_FOLDERS:
        raise InvalidParameter(f'the pattern "{glob}" has more than {MAX_ANY_FOLDERS} "**"; use a simpler one')
    if "/" not in glob:
        parts.insert(0, "**")  # at any depth
    regex = ""
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        if part == "**":
            regex += ".+" if is_last else "(?:.*/)?"
        else:
            regex += _translate_name(part) + ("" if is_last else "/")
    return f"(?s:{regex})"


def _translate_name(part: str) -> str:
    """Return the regular expression for the pattern of one name.

    The texts between two `*` are atomic groups, which match at the first place where they can. This finds every match, and
    the time does not grow with the number of `*`.
    """
    pieces = [""]
    position = 0
    while position < len(part):
        character = part[position]
        position += 1
        if character == "*":
            pieces.append("")
        elif character == "?":
            pieces[-1] += "[^/]"
        elif character == "[":
            found = _CHARACTER_SET.match(part, position)
            if found is None:  # a bracket that is never closed matches nothing
                return "(?!)"
            position = found.end()
            pieces[-1] += _translate_set(found["negation"], found["characters"])
        else:
            if character == "\\" and position < len(part):
                character = part[position]
                position += 1
            pieces[-1] += re.escape(character)
    first, *rest = pieces
    if not rest:
        return first
    *middle, last = rest
    return first + "".join(f"(?>[^/]*?{piece})" for piece in middle if piece) + f"[^/]*{last}"


_CHARACTER_SET = re.compile(r"(?P<negation>[!^]?)(?P<characters>\]?(?:\\.|[^\]\\])*)\]")
"""The rest of a set such as `[a-z]` after its first bracket."""


def _translate_set(negation: str, characters: str) -> str:
    """Return the regular expression for a set of characters, which never contains a slash."""
    ranges = []
    for found in re.finditer(r"\\?(?P<first>.)(?:-\\?(?P<last>[^\]]))?", characters, re.DOTALL):
        first, last = found["first"], found["last"] or found["first"]
        if first <= last:
            ranges.append(f"{re.escape(first)}-{re.escape(last)}")
    if not ranges:
        return "[^/]" if negation else "(?!)"
    return f"(?!/)[{'^' if negation else ''}{''.join(ranges)}]"


class Globs:
    """The patterns that a user gave for a folder.

    Parameters
    ----------
    include : iterable of str
        If there are any, only files that match one, or that are in a folder that matches one, are read.
    exclude : iterable of str
        Files and folders that match one are skipped.

    Raises
    ------
    InvalidParameter
        If a pattern has more than MAX_ANY_FOLDERS `**`.
    """

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self._include, self._exclude = compile_patterns(include), compile_patterns(exclude)

    def exclusion_reason(self, path: str, *, is_folder: bool) -> str | None:
        """Return why a file or folder is skipped, or None if it is read. Nothing is known about the folders above it."""
        pattern = find_match(self._exclude, path, is_folder=is_folder)
        if pattern and not pattern.is_exception:
            return f'it matches "{pattern.text}" (--exclude)'
        if self._include and not is_folder and not self._is_included(path):
            return "it matches none of the patterns of --include"
        return None

    def reason_in_tree(self, path: str) -> str | None:
        """Return why a file is skipped because of itself or a folder above it, or None if it is read."""
        ends = [position for position, character in enumerate(path) if character == "/"]
        reasons = (self.exclusion_reason(path[:end], is_folder=True) for end in ends)
        return next(filter(None, reasons), None) or self.exclusion_reason(path, is_folder=False)

    def _is_included(self, path: str) -> bool:
        """Return whether a file, or the nearest folder above it that matches a pattern, is included."""
        is_folder = False
        while path:
            if pattern := find_match(self._include, path, is_folder=is_folder):
                return not pattern.is_exception
            path, is_folder = path.rpartition("/")[0], True
        return False
