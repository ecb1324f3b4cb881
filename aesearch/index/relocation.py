"""Tell an index that its files were moved to another folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from aesearch.errors import InvalidParameter
from aesearch.index.edits import delete_rows, make_ledger_writable
from aesearch.index.ledger import LedgerRow
from aesearch.index.locking import write_lock
from aesearch.index.reports import RelocateReport
from aesearch.index.storage import IndexState, load_state, save_state
from aesearch.items import Item


def relocate(folder: Path, old_root: Path, new_root: Path) -> RelocateReport:
    """Record that files were moved from one folder to another. Nothing is read or encoded again.

    Parameters
    ----------
    folder : Path
        Folder of the index.
    old_root : Path
        Old location of the files: the folder that the index was built from, or one above it, or a folder of added items.
    new_root : Path
        Their new location.

    Raises
    ------
    InvalidParameter
        If the index has no files in the old folder, or none of them is in the new one. Nothing is changed then.
    Busy
        If another process is writing the index.
    """
    old, new = Path(old_root).absolute(), Path(new_root).resolve()
    with write_lock(folder):
        index = load_state(folder)
        source = index.record.source
        root = _moved(source.root, old, new) if source else None
        added = [row for row in index.ledger.all_rows() if row.path and _moved(row.path, old, new)]
        files = [Path(root, path) for path in index.ledger.files()] if root else []
        files += [Path(str(path)) for path in {_moved(row.path, old, new) for row in added}]
        _check_files(index, files, old, new)
        if source and root:
            index.record.source = replace(source, root=root)
        n_relocated = len(index.store) - _count_added(index) if root else 0
        _move_added(index, added, old, new)
        save_state(index, folder)
    missing = sum(not path.exists() for path in files)
    return RelocateReport(root or (source.root if source else None), n_relocated + len(added), missing)


def _moved(path: str | None, old: Path, new: Path) -> str | None:
    """Return the new path of a file in the old folder; None if the path is relative or outside this folder."""
    if path is None or not Path(path).is_relative_to(old):
        return None
    return str(new / Path(path).relative_to(old))


def _check_files(index: IndexState, files: Iterable[Path], old: Path, new: Path) -> None:
    """Raise InvalidParameter if there are no files to relocate, or none of them exists."""
    files = list(files)
    if not files:
        source = index.record.source
        origin = f"it was built from {source.root}" if source else "its items were created in memory"
        raise InvalidParameter(f"the index has no files in {old}: {origin}; name the folder in which they were")
    if not any(path.exists() for path in files):
        raise InvalidParameter(f"no file of the index is in {new}: {files[0]} does not exist; check the new folder")


def _count_added(index: IndexState) -> int:
    """Return the number of items that were added from elsewhere, or created in memory."""
    return sum(row.path is None or Path(row.path).is_absolute() for row in index.ledger.all_rows())


def _move_added(index: IndexState, rows: list[LedgerRow], old: Path, new: Path) -> None:
    """Change the paths of added items, and their ids, which begin with the path. The codes get the keys of the new ids."""
    if not rows:
        return
    make_ledger_writable(index)
    items = []
    metadata = index.ledger.metadata_of([row.key for row in rows])
    for row in rows:
        content = np.zeros(0) if row.excerpt is None else row.excerpt
        id = _moved(row.id, old, new) or row.id
        fields = metadata.get(row.key, {})
        items.append(Item(id, content, row.label, _moved(row.path, old, new), row.digest, metadata=fields))
    moved_keys = range(-len(rows), 0)  # texts have these until the new keys are known
    with index.store.lock.write():
        warnings = index.ledger.warnings
        old_keys = [row.key for row in rows]
        codes = index.store.codes(np.array(old_keys, np.int64))
        index.ledger.texts.move(old_keys, moved_keys)
        delete_rows(index, rows)
        keys = index.ledger.add(items)
        is_new = np.array([key is not None for key in keys])
        index.store.add(np.array([key for key in keys if key is not None], np.int64), codes[np.flatnonzero(is_new)])
        removed = index.ledger.texts.remove([moved for moved, key in zip(moved_keys, keys, strict=True) if key is None])
        index.passages.remove(np.array(removed, np.int64))
        index.ledger.texts.move(moved_keys, [key or 0 for key in keys])
        pairs = zip(rows, items, strict=True)
        index.ledger.add_warnings({item.id: warnings[row.id] for row, item in pairs if row.id in warnings})
