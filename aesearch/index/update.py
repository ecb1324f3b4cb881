"""Complete jobs on the folder of an index: lock it, build, sync or edit, and save. The command line calls these."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aesearch.catalog import create_coder
from aesearch.errors import InvalidParameter, NoItems
from aesearch.features.base import Features
from aesearch.index.build import build_index
from aesearch.index.edits import add_items, remove_items
from aesearch.index.locking import write_lock
from aesearch.index.manifest import MANIFEST_FILE, check_location
from aesearch.index.plan import BuildPlan
from aesearch.index.progress import Progress, ProgressCallback, ignore_progress
from aesearch.index.query import read_items
from aesearch.index.storage import IndexState, load_state, save_state
from aesearch.index.sync import Changes, Synchronizer
from aesearch.index.workspace import last_used
from aesearch.items import Item, ItemKind, Skip
from aesearch.readers.folder import FileCollection

SAVE_INTERVAL_SECONDS = 10.0
"""A sync saves the index this often, so that an interrupted sync repeats little."""

MAX_SAVE_SHARE = 1 / 20
"""Saving takes at most this share of the time of a sync."""

MAX_LISTED_IDS = 3


@dataclass(frozen=True)
class IndexReport:
    """Result of `index_files`. `resumed_items` is the number of items that an interrupted build had read before."""

    folder: Path
    kind: ItemKind
    items: int
    added: int
    updated: int
    removed: int
    moved: int
    skipped: dict[str, Skip]
    coder: str
    code_size: int
    bytes_per_item: float
    seconds: dict[str, float]
    warnings: list[str]
    resumed_items: int

    def as_dict(self) -> dict[str, Any]:
        """Return what `aesearch index --json` prints."""
        return {
            "index": str(self.folder),
            "kind": self.kind,
            "items": self.items,
            "added": self.added,
            "updated": self.updated,
            "removed": self.removed,
            "moved": self.moved,
            "skipped": [
                {"path": path, "category": skip.category.value, "reason": skip.reason}
                for path, skip in self.skipped.items()
            ],
            "coder": self.coder,
            "code_size": self.code_size,
            "bytes_per_item": self.bytes_per_item,
            "seconds": {stage: round(seconds, 3) for stage, seconds in self.seconds.items()},
            "warnings": self.warnings,
            "resumed_items": self.resumed_items,
        }


@dataclass(frozen=True)
class EditReport:
    """Result of `add_paths` and `remove_ids`: items added or removed, items now in the index, and what was skipped."""

    changed: int
    items: int
    kind: ItemKind
    skipped: dict[str, Skip]


def index_files(
    folder: Path,
    files: FileCollection,
    *,
    rebuild: bool = False,
    retrain: bool = False,
    features: Features | None = None,
    coder: str | None = None,
    code_size: int | None = None,
    bits: bool | None = None,
    store: str | None = None,
    params: dict[str, Any] | None = None,
    wait_seconds: float = 0.0,
    on_progress: ProgressCallback = ignore_progress,
) -> IndexReport:
    """Create the index of files in a folder, or update the one that exists.

    An interrupted build or update is resumed. The parameters from `features` to `params` are those of `Retriever.build`.

    Parameters
    ----------
    folder : Path
        Folder of the index.
    files : FileCollection
        What to index.
    rebuild : bool
        Replace an existing index by one built with the given parameters.
    retrain : bool
        Train the coder of an existing index again on the current items.
    wait_seconds : float
        How long to wait for another process that is writing the index.
    on_progress : callable, optional

    Raises
    ------
    InvalidParameter
        If training parameters are given for an existing index without `rebuild`, or the index was built from other files.
    Busy
        If another process is writing the index.
    """
    check_location(folder)
    given = {"features": features, "coder": coder, "code_size": code_size, "bits": bits, "store": store, **(params or {})}
    given = {name: value for name, value in given.items() if value is not None}
    with write_lock(folder, wait_seconds):
        exists = (folder / MANIFEST_FILE).exists()
        if given and exists and not rebuild:
            raise InvalidParameter(
                f"cannot set {', '.join(given)}: {folder} is built already; add --rebuild to replace it by a new index"
            )
        if exists and retrain and not rebuild:
            return _retrain(folder, files, on_progress)
        if exists and not rebuild:
            return _sync(folder, files, on_progress)
        plan = BuildPlan(files, features, coder, code_size, bool(bits), store, params=params or {})
        return _build(folder, plan, [], on_progress)


def _build(folder: Path, plan: BuildPlan, extra: Sequence[Path], on_progress: ProgressCallback) -> IndexReport:
    """Build an index, and add the items of extra files outside of its source."""
    workspace = _workspace_of(folder)
    index = build_index(plan, workspace, on_progress)
    for path in extra:
        add_items(index, _with_absolute_paths(path, read_items(index, path)))
    save_state(index, folder)
    shutil.rmtree(workspace)
    return _report(index, Changes(len(index.store), 0, 0))


def _workspace_of(folder: Path) -> Path:
    """Return where the intermediate results of a build are kept until it is complete."""
    return folder.parent / f".{folder.name}.workspace"


def _retrain(folder: Path, files: FileCollection, on_progress: ProgressCallback) -> IndexReport:
    """Build an index again with its features and its coder. Items added from elsewhere stay in it if they can be read."""
    old = load_state(folder)
    _check_source(folder, old, files)
    extra: set[Path] = set()
    lost: list[str] = []
    for row in old.ledger.all_rows():
        path = Path(row.path or "")
        if row.path is None or (path.is_absolute() and not path.is_file()):
            lost.append(row.id)
        elif path.is_absolute():
            extra.add(path)
    features = type(old.features)(**old.features.get_params())
    base = old.coder.base
    bits = base is not old.coder
    plan = BuildPlan(files, features, create_coder(base.name, **base.get_params()), bits=bits, store=old.store.name)
    report = _build(folder, plan, sorted(extra), on_progress)
    if lost:
        listed = ", ".join(lost[:MAX_LISTED_IDS]) + (" ..." if len(lost) > MAX_LISTED_IDS else "")
        report.warnings.append(f"{len(lost):,} added items could not be read again and were removed: {listed}")
    return report


def _sync(folder: Path, files: FileCollection, on_progress: ProgressCallback) -> IndexReport:
    """Update an existing index to the current state of its files."""
    workspace = _workspace_of(folder)
    if 0 < last_used(workspace) < (folder / MANIFEST_FILE).stat().st_mtime:
        shutil.rmtree(workspace)  # left behind by a build that was killed after it had saved the index
    index = load_state(folder)
    _check_source(folder, index, files)
    changes = Synchronizer(index, files).run(_Autosave(index, folder, on_progress))
    save_state(index, folder)
    return _report(index, changes)


def _check_source(folder: Path, index: IndexState, files: FileCollection) -> None:
    root = index.record.source.root if index.record.source else "items in memory"
    if root != str(files.root.resolve()):
        raise InvalidParameter(
            f"{folder} was built from {root}, not from {files.root}; choose another folder (--index), or add --rebuild"
        )


class _Autosave:
    """Progress callback that saves the index now and then, so that an interrupted sync resumes from there."""

    def __init__(self, index: IndexState, folder: Path, on_progress: ProgressCallback) -> None:
        self._index, self._folder, self._on_progress = index, folder, on_progress
        self._last_save = time.monotonic()
        self._save_seconds = 0.0

    def __call__(self, progress: Progress) -> None:
        self._on_progress(progress)
        start = time.monotonic()
        if start - self._last_save >= max(SAVE_INTERVAL_SECONDS, self._save_seconds / MAX_SAVE_SHARE):
            save_state(self._index, self._folder)
            self._last_save = time.monotonic()
            self._save_seconds = self._last_save - start


def _report(index: IndexState, changes: Changes) -> IndexReport:
    return IndexReport(
        folder=index.require_folder(),
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
        warnings=list(index.record.warnings),
        resumed_items=index.record.resumed_items,
    )


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
        count, skipped = 0, dict[str, Skip]()
        for path in paths:
            files = read_items(index, path)
            count += add_items(index, _with_absolute_paths(path, files))
            skipped |= files.skipped
        if not count:
            raise NoItems(f"no item can be read in {', '.join(map(str, paths))}")
        save_state(index, folder)
    return EditReport(count, len(index.store), index.record.kind, skipped)


def _with_absolute_paths(path: Path, files: FileCollection) -> Iterator[Item]:
    root = path.resolve() if path.is_dir() else path.resolve().parent
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
