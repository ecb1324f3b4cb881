"""Walk a folder: find its regular files, and record why everything else is skipped."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aesearch.items import Skip, SkipCategory


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


def walk_folder(root: Path, skipped: dict[str, Skip]) -> Iterator[tuple[str, FileStat]]:
    """Yield the regular, visible files below a folder, folder by folder, sorted by name.

    Links are followed, but every folder is walked only once. Folders of aesearch indexes are skipped.

    Parameters
    ----------
    root : Path
    skipped : dict of str to Skip
        Collects what is skipped, by its path relative to `root`.

    Yields
    ------
    path : str
        Relative to `root`, with forward slashes.
    stat : FileStat
    """
    visited: set[tuple[int, int]] = set()
    folders = [""]
    while folders:
        folder = folders.pop()
        subfolders = []
        for entry in _list_folder(root, folder, visited, skipped):
            path = f"{folder}/{entry.name}" if folder else entry.name
            if not _is_utf8(path):
                printable = os.fsencode(path).decode("utf-8", "backslashreplace")
                skipped[printable] = Skip(SkipCategory.UNREADABLE, "the name is not UTF-8; rename it")
                continue
            if entry.name.startswith("."):
                skipped[path] = Skip(SkipCategory.HIDDEN, "a hidden file or folder")
                continue
            try:
                found = entry.stat()
            except OSError as error:
                skipped[path] = Skip(SkipCategory.INACCESSIBLE, f"the file cannot be opened ({error.strerror})")
                continue
            if stat.S_ISDIR(found.st_mode):
                subfolders.append(path)
            elif stat.S_ISREG(found.st_mode):
                yield path, FileStat(found.st_size, found.st_mtime_ns)
            else:
                skipped[path] = Skip(SkipCategory.SPECIAL_FILE, "neither a file nor a folder")
        folders.extend(reversed(subfolders))


def _list_folder(
    root: Path, folder: str, visited: set[tuple[int, int]], skipped: dict[str, Skip]
) -> list[os.DirEntry[str]]:
    """Return the sorted entries of a folder, or none if the folder is skipped. Its device and inode go to `visited`."""
    try:
        identity = (root / folder).stat()
        entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
    except OSError as error:
        skipped[folder or "."] = Skip(SkipCategory.INACCESSIBLE, f"the folder cannot be opened ({error.strerror})")
        return []
    if (identity.st_dev, identity.st_ino) in visited:
        skipped[folder] = Skip(SkipCategory.REPEATED_LINK, "a link to a folder that was already walked")
        return []
    visited.add((identity.st_dev, identity.st_ino))
    if folder and _is_index({entry.name for entry in entries}):
        skipped[folder] = Skip(SkipCategory.INDEX_FOLDER, "an aesearch index")
        return []
    return entries


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
