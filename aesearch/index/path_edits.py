"""Add and remove single items of the index in a folder: lock it, edit it, and save it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from aesearch.errors import InvalidParameter, NoItems
from aesearch.index.edits import add_items, remove_items
from aesearch.index.locking import write_lock
from aesearch.index.query import read_items
from aesearch.index.reports import EditReport
from aesearch.index.storage import load_state, save_state
from aesearch.items import Item, Skip
from aesearch.readers.folder import FileCollection


def add_paths(folder: Path, paths: Sequence[Path]) -> EditReport:
    """Add the items of files or folders, from anywhere, to an index. They keep absolute paths as ids.

    Raises
    ------
    NoItems
        If no item can be read.
    WrongKind
        If the files are of another kind than the index.
    Busy
        If another process is writing the index.
    """
    with write_lock(folder):
        index = load_state(folder)
        count, skipped, warnings = 0, dict[str, Skip](), dict[str, str]()
        for path in paths:
            files = read_items(index, path)
            count += add_items(index, with_absolute_paths(path, files))
            skipped |= files.skipped
            warnings |= files.warnings
        if not count:
            raise NoItems(f"no item can be read in {', '.join(map(str, paths))}")
        save_state(index, folder)
    return EditReport(count, len(index.store), index.record.kind, skipped, warnings)


def with_absolute_paths(path: Path, files: FileCollection) -> Iterator[Item]:
    """Yield the items of a file or folder with absolute paths, which are also their ids; see `add_paths`."""
    root = (path if path.is_dir() else path.parent).resolve()
    for item in files:
        file = item.path or ""
        # Rows of a table that the user named have their own ids, which may occur in another table, too.
        id = item.id if item.id == file or item.id.startswith(f"{file}#") else f"{file}#{item.id}"
        yield replace(item, id=str(root / id), path=str(root / file))


def remove_ids(folder: Path, ids: Sequence[str]) -> EditReport:
    """Remove items from an index.

    Raises
    ------
    InvalidParameter
        If an id does not exist. Nothing is removed then.
    Busy
        If another process is writing the index.
    """
    with write_lock(folder):
        index = load_state(folder)
        known = index.ledger.rows_by_id(ids)
        missing = [id for id in ids if id not in known]
        if missing:
            raise InvalidParameter(
                f'no item was removed: there is no "{missing[0]}" in {folder}; use ids as aesearch query prints them'
            )
        count = remove_items(index, ids)
        save_state(index, folder)
    return EditReport(count, len(index.store), index.record.kind, {})
