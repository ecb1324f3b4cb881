"""A guard against a sync that removes many items because their files are only out of reach.

A disk that is not mounted, a network share that is down, and a folder that was moved by mistake look like deleted files. To
encode them again could take hours, and items that are removed are no longer found, so the user confirms such a sync.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath

from aesearch.errors import TooManyRemovals
from aesearch.index.ledger import LedgerRow
from aesearch.index.pending import PENDING, is_pending
from aesearch.readers.folder import FileCollection

MIN_ITEMS = 20
"""A sync that removes fewer items is never refused; nor is one of an index with fewer items."""

MAX_REMOVED_SHARE = 1 / 2
"""A sync that removes a larger share of the items is refused."""

MAX_LISTED_PATHS = 3
"""Paths listed in the message."""


def is_inaccessible(path: str, inaccessible: Collection[str]) -> bool:
    """Return whether a path is one of the inaccessible paths, or lies below one of them; "." contains all paths."""
    if not inaccessible or Path(path).is_absolute():  # an item that was added from elsewhere
        return False
    return path in inaccessible or any(str(parent) in inaccessible for parent in PurePosixPath(path).parents)


def check_removals(
    rows: Iterable[LedgerRow], recorded: Mapping[str, tuple[int, int]], n_items: int, files: FileCollection
) -> None:
    """Raise TooManyRemovals if a sync would remove suspiciously many items.

    It would if it removed more than half of all items, or all items below a folder that still exists but is empty: this is
    how the mount point of a disk that is not mounted looks. Fewer than 20 items are never suspicious. The check needs only
    the list of files. It counts an item as removed if its file is gone or has become empty, unless a new file of the same
    size makes it likely that the file was moved.

    Parameters
    ----------
    rows : iterable of LedgerRow
        Items of changed and deleted files.
    recorded : mapping of str to (int, int)
        Size and modification time of every file when it was read.
    n_items : int
        Number of items in the index.
    files : FileCollection
        The files as they are now.
    """
    items_in = Counter(row.path for row in rows if row.path is not None and row.path in recorded)
    missing = _missing_files(items_in, recorded, files)
    counts = {path: items_in[path] for path in missing}
    n_removed = sum(counts.values())
    if n_removed < MIN_ITEMS:
        return
    if n_removed > MAX_REMOVED_SHARE * n_items:
        listed = ", ".join(sorted(counts)[:MAX_LISTED_PATHS]) + (", ..." if len(counts) > MAX_LISTED_PATHS else "")
        raise TooManyRemovals(n_removed, n_items, f"their files are gone or empty ({listed})")
    if files.is_single_file:
        return
    for folder, count in _count_by_folder(counts).items():
        if count >= MIN_ITEMS and _is_empty_folder(files.root / folder):
            raise TooManyRemovals(count, n_items, f"their folder is empty, like a disk that is not mounted ({folder})")


def _missing_files(
    items_in: Mapping[str, int], recorded: Mapping[str, tuple[int, int]], files: FileCollection
) -> list[str]:
    """Return the files that are empty now, or are gone and were probably not moved. Inaccessible files are not gone.

    A file was probably moved if a new file has its size. A table was probably moved if there is a new table of its type: it
    may have been changed as well, and the rows that did not change are recognized by their content.
    """
    new = [path for path in files.paths if is_pending(recorded.get(path, PENDING))]
    new_sizes = Counter(files.paths[path].size for path in new)
    new_types = {PurePosixPath(path).suffix for path in new}
    missing = []
    for path, n_items in items_in.items():
        size = recorded[path][0]
        if path in files.paths:
            if size and not files.paths[path].size:
                missing.append(path)
        elif is_inaccessible(path, files.inaccessible) or (n_items > 1 and PurePosixPath(path).suffix in new_types):
            continue
        elif new_sizes[size]:
            new_sizes[size] -= 1
        else:
            missing.append(path)
    return missing


def _count_by_folder(counts: Mapping[str, int]) -> Counter[str]:
    """Return the number of items below each folder, for the number of items in each file."""
    below: Counter[str] = Counter()
    for path, count in counts.items():
        for parent in PurePosixPath(path).parents[:-1]:
            below[str(parent)] += count
    return below


def _is_empty_folder(folder: Path) -> bool:
    """Return whether a folder exists and has no entries."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False
