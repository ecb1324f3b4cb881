"""Walk a folder: find its regular files, and record why everything else is skipped."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aesearch.errors import InvalidParameter, Unreadable
from aesearch.items import Skip, SkipCategory
from aesearch.readers.files import read_bytes
from aesearch.readers.ignore import IGNORE_FILE, MAX_IGNORE_FILE_BYTES, Globs, Pattern, compile_patterns, find_match

IGNORED_FOLDERS = frozenset(
    {
        "$recycle.bin", "recycler", "#recycle", "@recycle",  # recycle bins of Windows, and of Synology and QNAP servers
        "@eadir", "#snapshot", "@recently-snapshot", "system volume information", "lost+found", "__macosx",
        "node_modules", "bower_components", "__pycache__",
    }
)  # fmt: skip
"""Names, in lower case, of folders that the system or a program fills with files of its own. Names that start with a period
need no entry: they are hidden."""


class FileStat(NamedTuple):
    """Size and modification time of a file. They reveal a changed file without opening it.

    Parameters
    ----------
    size : int
        In bytes.
    mtime_ns : int
        In nanoseconds since 1970.
    """

    size: int
    mtime_ns: int


def walk_folder(
    root: Path, skipped: dict[str, Skip], inaccessible: dict[str, str], globs: Globs | None = None
) -> Iterator[tuple[str, FileStat]]:
    """Yield the regular, visible files below a folder, folder by folder, sorted by name.

    Links are followed, but every folder is walked only once. Folders of aesearch indexes, folders that hold files of the
    system, and what a file `.aesearchignore` excludes are skipped.

    Parameters
    ----------
    root : Path
    skipped : dict of str to Skip
        Collects what is skipped, by its path relative to `root`.
    inaccessible : dict of str to str
        Collects the paths that could not be opened, and the reason. A path is relative to `root`, which itself is ".". It
        may be a file, or a folder with any number of files below it: nothing is known about them.
    globs : Globs, optional
        Patterns of the files to include and to exclude.

    Yields
    ------
    path : str
        Relative to `root`, with forward slashes.
    stat : FileStat
    """
    return _Walk(root, skipped, inaccessible, globs or Globs()).files()


class _Rules(NamedTuple):
    """The patterns of the `.aesearchignore` in a folder, whose path is empty or ends in a slash."""

    folder: str
    patterns: tuple[Pattern, ...]


class _Walk:
    """The state of one walk; see `walk_folder`."""

    def __init__(self, root: Path, skipped: dict[str, Skip], inaccessible: dict[str, str], globs: Globs) -> None:
        self._root, self._skipped, self._inaccessible, self._globs = root, skipped, inaccessible, globs
        self._visited: set[tuple[int, int]] = set()

    def files(self) -> Iterator[tuple[str, FileStat]]:
        """Yield the path and the FileStat of each file."""
        folders: list[tuple[str, tuple[_Rules, ...]]] = [("", ())]
        while folders:
            folder, rules = folders.pop()
            subfolders = []
            entries = self._entries(folder)
            if any(entry.name == IGNORE_FILE for entry in entries):
                own_rules = self._read_rules(folder)
                if own_rules is None:
                    continue
                rules = (own_rules, *rules)
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                found = self._stat(entry, path)
                if found is None or self._is_excluded(path, rules, is_folder=stat.S_ISDIR(found.st_mode)):
                    continue
                if stat.S_ISREG(found.st_mode):
                    yield path, FileStat(found.st_size, found.st_mtime_ns)
                elif not stat.S_ISDIR(found.st_mode):
                    self._skip(path, SkipCategory.SPECIAL_FILE, "neither a file nor a folder")
                elif entry.name.lower() in IGNORED_FOLDERS:
                    self._skip(path, SkipCategory.IGNORED_FOLDER, "a folder of system files or installed packages")
                else:
                    subfolders.append((path, rules))
            folders.extend(reversed(subfolders))

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        """Return the sorted entries of a folder, or none if the folder is skipped."""
        path = self._root / folder
        try:
            identity = path.stat()
            with os.scandir(path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self._skip_inaccessible(folder or ".", f"the folder cannot be opened ({error.strerror or error})")
            return []
        if (identity.st_dev, identity.st_ino) in self._visited:
            self._skip(folder, SkipCategory.REPEATED_LINK, "a link to a folder that was already walked")
            return []
        self._visited.add((identity.st_dev, identity.st_ino))
        if folder and _is_index({entry.name for entry in entries}):
            self._skip(folder, SkipCategory.INDEX_FOLDER, "an aesearch index")
            return []
        return entries

    def _stat(self, entry: os.DirEntry[str], path: str) -> os.stat_result | None:
        """Return the status of an entry, of the target if it is a link; None if the entry is skipped."""
        if not _is_utf8(path):
            printable = os.fsencode(path).decode("utf-8", "backslashreplace")
            self._skip(printable, SkipCategory.UNREADABLE, "the name is not UTF-8; rename it")
            return None
        if entry.name.startswith("."):
            self._skip(path, SkipCategory.HIDDEN, "a hidden file or folder")
            return None
        try:
            return entry.stat()
        except OSError as error:
            self._skip_inaccessible(path, f"the file or folder cannot be opened ({error.strerror or error})")
            return None

    def _read_rules(self, folder: str) -> _Rules | None:
        """Return the patterns in the `.aesearchignore` of a folder. If they cannot be read, skip the folder."""
        try:
            content = read_bytes(self._root / folder / IGNORE_FILE, MAX_IGNORE_FILE_BYTES, "shorten it")
            patterns = compile_patterns(content.decode("utf-8-sig").splitlines())
        except (OSError, UnicodeDecodeError, Unreadable, InvalidParameter) as error:
            reason = error.reason if isinstance(error, Unreadable) else error
            if reason == "the file is empty":
                return _Rules("", ())
            self._skip_inaccessible(folder or ".", f"its {IGNORE_FILE} cannot be read ({reason})")
            return None
        return _Rules(f"{folder}/" if folder else "", patterns)

    def _is_excluded(self, path: str, rules: tuple[_Rules, ...], *, is_folder: bool) -> bool:
        """Return whether patterns exclude a file or folder, and record why. The patterns of the nearest folder decide."""
        reason = self._globs.exclusion_reason(path, is_folder=is_folder)
        for folder, patterns in () if reason else rules:
            if pattern := find_match(patterns, path.removeprefix(folder), is_folder=is_folder):
                if not pattern.is_exception:
                    reason = f'it matches "{pattern.text}" in {folder}{IGNORE_FILE}'
                break
        if reason:
            self._skip(path, SkipCategory.EXCLUDED, reason)
        return reason is not None

    def _skip(self, path: str, category: SkipCategory, reason: str) -> None:
        self._skipped[path] = Skip(category, reason)

    def _skip_inaccessible(self, path: str, reason: str) -> None:
        self._inaccessible[path] = reason
        self._skip(path, SkipCategory.INACCESSIBLE, reason)


def _is_utf8(path: str) -> bool:
    """Return whether a path can be stored as UTF-8."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_index(names: set[str]) -> bool:
    """Return whether a folder with these entries is an aesearch index."""
    return "index.json" in names and any(name.startswith("ledger") and name.endswith(".sqlite") for name in names)
