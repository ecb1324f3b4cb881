"""Jobs on the folder of an index: lock it, build, sync or edit the index, and save it. The command line calls these."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from aesearch.catalog import create_coder
from aesearch.errors import CorruptIndex, InvalidParameter, MissingExtra, NoIndex, TooManyRemovals, count
from aesearch.index.autosave import Autosave
from aesearch.index.build import build_index
from aesearch.index.edits import batches, insert_items
from aesearch.index.ledger import LedgerRow
from aesearch.index.locking import write_lock
from aesearch.index.manifest import MANIFEST_FILE, check_location, remove_outdated_parts
from aesearch.index.path_edits import add_paths, remove_ids, with_absolute_paths
from aesearch.index.plan import BuildPlan
from aesearch.index.progress import ProgressCallback, ignore_progress
from aesearch.index.query import read_items
from aesearch.index.relocation import relocate
from aesearch.index.removals import check_removals, is_inaccessible
from aesearch.index.reports import IndexReport
from aesearch.index.storage import IndexState, load_state, save_state
from aesearch.index.suggestions import suggest_pretrained
from aesearch.index.sync import Changes, Synchronizer
from aesearch.index.workspace import delete_outdated_workspace, delete_workspace
from aesearch.readers.folder import FileCollection

__all__ = ["Autosave", "add_paths", "index_files", "relocate", "remove_ids"]

MAX_LISTED_IDS = 3
"""Ids listed in a warning about several items."""


def index_files(
    folder: Path,
    files: FileCollection,
    *,
    rebuild: bool = False,
    retrain: bool = False,
    wait_seconds: float = 0.0,
    allow_removals: bool = False,
    on_progress: ProgressCallback = ignore_progress,
    **options: Any,
) -> IndexReport:
    """Create the index of files, or update the index that exists. An interrupted build or update is resumed.

    Parameters
    ----------
    folder, files
        The folder of the index, and what to index.
    rebuild, retrain : bool
        Build an existing index again with the given parameters, or train its coder again on the current items.
    wait_seconds : float
        How long to wait for another process that is writing the index.
    allow_removals : bool
        Whether most items may be removed; see `Retriever.sync`.
    **options
        How to build the index: parameters of `BuildPlan`, None for the default.

    Raises
    ------
    InvalidParameter, TooManyRemovals, Busy
        If an existing index cannot get the parameters or was built from other files, would lose most items, or is locked.
    """
    check_location(folder)
    options = {name: value for name, value in options.items() if value is not None}
    given = [name for name in options if name != "params"] + list(options.get("params", {}))
    is_update = (folder / MANIFEST_FILE).exists() and not rebuild
    if is_update and given:
        raise InvalidParameter(f"cannot set {', '.join(given)}: {folder} is already built; build it again (--rebuild)")
    if is_update and not (retrain or os.access(folder.resolve().parent, os.W_OK)):
        return _report_current(folder, files)
    with write_lock(folder, wait_seconds):
        if is_update:
            return (_retrain if retrain else _sync)(folder, files, allow_removals, on_progress)
        if not allow_removals:
            _check_rebuilding(folder, files)
        return _build(folder, BuildPlan(files, **options), on_progress)


def _build(
    folder: Path, plan: BuildPlan, on_progress: ProgressCallback, added_rows: Sequence[LedgerRow] = ()
) -> IndexReport:
    """Build an index, insert again the items of `added_rows`, which are not in its files, and save it."""
    workspace = _workspace_of(folder)
    index = build_index(plan, workspace, on_progress)
    lost = _restore_items(index, added_rows)
    save_state(index, folder)
    delete_workspace(workspace)
    warnings = list(index.record.warnings)
    if lost:
        listed = ", ".join(lost[:MAX_LISTED_IDS]) + (", ..." if len(lost) > MAX_LISTED_IDS else "")
        verb = "was" if len(lost) == 1 else "were"
        warnings.append(f"{count(len(lost), 'added item')} could not be read again and {verb} removed: {listed}")
    changes = Changes(added=len(index.store), updated=0, removed=0)
    report = _report(folder, index, changes, warnings, index.record.resumed_items)
    return replace(report, suggestion=suggest_pretrained(index))


def _restore_items(index: IndexState, rows: Sequence[LedgerRow]) -> list[str]:
    """Read items that were added from elsewhere again and insert them. Return the ids of those that cannot be inserted."""
    ids = {row.id for row in rows}
    for path in sorted({Path(row.path) for row in rows if row.path}):
        if path.is_file():
            items = with_absolute_paths(path, read_items(index, path))
            for batch in batches(item for item in items if item.id in ids):
                insert_items(index, batch, {})
    inserted = index.ledger.rows_by_id(list(ids))
    return sorted(ids - inserted.keys())


def _workspace_of(folder: Path) -> Path:
    """Return the folder for the intermediate results of a build, which is deleted when the index is saved.

    Raises
    ------
    InvalidParameter
        If it is a symbolic link. This process has not created it, and must not delete what it leads to.
    """
    workspace = folder.parent / f".{folder.name}.workspace"
    if workspace.is_symlink():
        raise InvalidParameter(f"{workspace} is a symbolic link; remove it")
    return workspace


def _retrain(folder: Path, files: FileCollection, allow_removals: bool, on_progress: ProgressCallback) -> IndexReport:
    """Train the coder of an index again on its current files. Added items stay in the index if they can be read."""
    old = load_state(folder)
    files = _matching_files(folder, old, files)
    if not allow_removals:
        _check_retraining(old, files)
    base = old.coder.base
    plan = BuildPlan(
        files,
        features=type(old.features)(**old.features.get_params()),
        coder=create_coder(base.name, **base.get_params()),
        bits=base is not old.coder,
        store=old.store.name,
        passages=old.record.passages,
        keep_content=old.record.keep_content,
    )
    added_rows = [row for row in old.ledger.all_rows() if row.path is None or Path(row.path).is_absolute()]
    return _build(folder, plan, on_progress, added_rows)


def _check_rebuilding(folder: Path, files: FileCollection) -> None:
    """Raise TooManyRemovals if an index of the same files exists, and many of its items would be missing."""
    try:
        old = load_state(folder)
    except (NoIndex, CorruptIndex, MissingExtra):  # a corrupt index is built again, too
        return
    if old.record.source and old.record.source.root == str(files.root.resolve()):
        _check_retraining(old, files)


def _check_retraining(old: IndexState, files: FileCollection) -> None:
    """Raise TooManyRemovals if suspiciously many items are missing, or an indexed file is inaccessible."""
    recorded = old.ledger.files()
    check_removals(old.ledger.all_rows(), recorded, len(old.store), files)
    inaccessible = [path for path in recorded if path not in files.paths and is_inaccessible(path, files.inaccessible)]
    rows = old.ledger.rows_by_path(inaccessible)
    if rows:
        raise TooManyRemovals(len(rows), len(old.store), f"their files cannot be read again ({rows[0].path})")


def _sync(folder: Path, files: FileCollection, allow_removals: bool, on_progress: ProgressCallback) -> IndexReport:
    """Update an existing index to the current state of its files."""
    # A build that was killed after it had saved the index leaves its workspace behind.
    delete_outdated_workspace(_workspace_of(folder), (folder / MANIFEST_FILE).stat().st_mtime)
    remove_outdated_parts(folder)
    index = load_state(folder)
    files = _matching_files(folder, index, files)
    changes = Synchronizer(index, files, allow_removals=allow_removals).run(Autosave(index, folder, on_progress))
    if index.unsaved:
        save_state(index, folder)
    return _report(folder, index, changes)


def _report_current(folder: Path, files: FileCollection) -> IndexReport:
    """Return the report of an index that cannot be written. Raises OSError if it needs an update."""
    index = load_state(folder)
    files = _matching_files(folder, index, files)
    if Synchronizer(index, files).is_needed():
        raise OSError(errno.EROFS, "the files have changed, but the index cannot be written here", str(folder))
    return _report(folder, index, Changes(0, 0, 0))


def _matching_files(folder: Path, index: IndexState, files: FileCollection) -> FileCollection:
    """Return the files with the recorded encoding and patterns, as the index was built from them.

    Raises
    ------
    InvalidParameter
        If the index was not built from these files, or with other options.
    """
    _check_source(folder, index, files)
    source = index.record.source
    encoding = source.encoding if source else None
    if files.encoding not in (None, encoding):
        raise InvalidParameter(f"cannot set encoding: {folder} is already built; build it again (--rebuild)")
    patterns = (source.include, source.exclude) if source else ((), ())
    if (files.include, files.exclude) == patterns:
        return replace(files, encoding=encoding)
    if files.include or files.exclude:
        raise InvalidParameter(
            f"cannot set other patterns to include or exclude: {folder} is already built; build it again (--rebuild)"
        )
    return replace(files, encoding=encoding).with_patterns(*patterns)


def _check_source(folder: Path, index: IndexState, files: FileCollection) -> None:
    """Raise InvalidParameter if an index was not built from these files."""
    root = index.record.source.root if index.record.source else "items in memory"
    if root != str(files.root.resolve()):
        raise InvalidParameter(
            f"{folder} was built from {root}, not from {files.root}; choose another folder (--index), or add --rebuild"
        )


def _report(
    folder: Path, index: IndexState, changes: Changes, warnings: Sequence[str] = (), resumed_items: int = 0
) -> IndexReport:
    return IndexReport(
        folder=folder,
        kind=index.record.kind,
        items=len(index.store),
        added=changes.added,
        updated=changes.updated,
        removed=changes.removed,
        moved=changes.moved,
        skipped=index.ledger.skipped,
        coder=index.coder.base.name,
        code_size=index.coder.code_size,
        bytes_per_item=index.store.bytes_per_item,
        seconds=index.record.seconds,
        warnings=list(warnings),
        resumed_items=resumed_items,
        file_warnings=index.ledger.warnings,
    )
