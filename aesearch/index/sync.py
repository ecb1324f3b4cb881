"""Synchronization of an index with its files: find new, changed, moved and deleted items, and update the index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aesearch.errors import WrongKind
from aesearch.index.edits import (
    READ_BATCH,
    batches,
    delete_rows,
    make_ledger_writable,
    move_items,
    prepare_codes,
    replace_items,
)
from aesearch.index.ledger import LedgerRow
from aesearch.index.pending import PENDING, count_timeouts, pending_after
from aesearch.index.progress import Progress, ProgressCallback, ignore_progress
from aesearch.index.removals import check_removals, is_inaccessible
from aesearch.index.storage import IndexState
from aesearch.index.tracking import FileTracker
from aesearch.items import Item, Skip, SkipCategory
from aesearch.readers.folder import FileCollection, FileStat


@dataclass(frozen=True, slots=True)
class Changes:
    """Number of items that a sync added, updated, removed and moved."""

    added: int
    updated: int
    removed: int
    moved: int = 0


class Comparison(NamedTuple):
    """What to do with the items of a batch. Items that have not changed are in none of the lists.

    Attributes
    ----------
    to_encode : list of Item
        New items, and items with another content or label.
    replaced : list of LedgerRow
        Rows of the index that items in `to_encode` replace.
    moves : list of (LedgerRow, Item)
        Rows whose content is now in another file, and the item there.
    """

    to_encode: list[Item]
    replaced: list[LedgerRow]
    moves: list[tuple[LedgerRow, Item]]


class KnownItems:
    """The indexed items of changed and deleted files, to be compared with the items that are there now.

    Parameters
    ----------
    rows : iterable of LedgerRow
        The items of these files.
    deleted : container of str
        The files that no longer exist. Their items may have moved to other files.
    """

    def __init__(self, rows: Iterable[LedgerRow], deleted: Container[str]) -> None:
        self._by_file: dict[str | None, dict[str, LedgerRow]] = defaultdict(dict)
        self._deleted_by_id: dict[str, LedgerRow] = {}
        self._deleted_by_digest: dict[bytes | None, LedgerRow] = {}
        for row in rows:
            self._by_file[row.path][row.id] = row
            if row.path in deleted:
                self._deleted_by_id[row.id] = row
                self._deleted_by_digest[row.digest] = row
        self._deleted_by_digest.pop(None, None)  # an item without a digest cannot be recognized

    def compare(self, items: Sequence[Item]) -> Comparison:
        """Compare a batch of items with the known rows. A row that matches an item is not known anymore."""
        result = Comparison([], [], [])
        for item in items:
            row = self._find(item)
            if row is None:
                result.to_encode.append(item)
                continue
            self._take(row)
            is_same = row.digest == item.digest
            if is_same and row.path != item.path:
                result.moves.append((row, item))
            elif not is_same or row.label != item.label:
                result.to_encode.append(item)
                result.replaced.append(row)
        return result

    def _find(self, item: Item) -> LedgerRow | None:
        """Return the row of an item, or the row of a deleted file with the same id or content."""
        # If the user named one table, its rows have their own ids, which stay the same if the table is renamed.
        row = self._by_file[item.path].get(item.id) or self._deleted_by_id.get(item.id)
        return row if row is not None else self._deleted_by_digest.get(item.digest)

    def _take(self, row: LedgerRow) -> None:
        """Remove a row from the known rows."""
        del self._by_file[row.path][row.id]
        if self._deleted_by_id.get(row.id) is row:
            del self._deleted_by_id[row.id]
        if self._deleted_by_digest.get(row.digest) is row:
            del self._deleted_by_digest[row.digest]

    def take_remaining(self, paths: Iterable[str]) -> list[LedgerRow]:
        """Remove and return the rows of files that matched no item. Call it once all items of the files are compared."""
        return [row for path in paths for row in self._by_file.pop(path, {}).values()]


class FileChanges(NamedTuple):
    """How the files differ from those that an index was built from.

    Attributes
    ----------
    recorded : dict of str to (int, int)
        Size and modification time of each file when it was read.
    changed : list of str
        New and changed files.
    deleted : set of str
        Files that no longer exist.
    rows : list of LedgerRow
        The indexed items of changed and deleted files.
    skips : dict of str to Skip
        What is skipped, apart from these files.
    """

    recorded: dict[str, tuple[int, int]]
    changed: list[str]
    deleted: set[str]
    rows: list[LedgerRow]
    skips: dict[str, Skip]


class Synchronizer:
    """Updates an index to the current state of its files. The coder stays as it was trained.

    Only files with a different size or modification time are read, and only items with different content are encoded. A
    moved or renamed item keeps its code. Items whose files cannot be accessed at the moment stay in the index.

    The index is consistent after each batch: if it is saved then, and the sync is interrupted later, the next sync resumes
    from there.

    Parameters
    ----------
    index : IndexState
    files : FileCollection
        The files as they are now.
    allow_removals : bool
        Whether to remove any number of items; see `aesearch.index.removals`.

    Raises
    ------
    WrongKind
        If the files are of another kind than the index.
    """

    def __init__(self, index: IndexState, files: FileCollection, *, allow_removals: bool = False) -> None:
        kind = index.record.kind
        if files.kind != kind:
            raise WrongKind(f"cannot sync an index of {kind} with {files.kind}; use another index (--index)")
        self._index, self._files, self._allow_removals = index, files, allow_removals
        self._added = self._updated = self._removed = self._moved = 0

    def run(self, on_progress: ProgressCallback = ignore_progress, batch_size: int = READ_BATCH) -> Changes:
        """Process all changed files. `on_progress` is called after each batch, and may save the index.

        Raises
        ------
        TooManyRemovals
            If suspiciously many items would be removed. Nothing is changed then.
        """
        changes = self._compare_files()
        if not self._allow_removals:
            check_removals(changes.rows, changes.recorded, len(self._index.store), self._files)
        if self._differs(changes):
            make_ledger_writable(self._index)
            self._mark_pending(changes)
            self._index.ledger.skipped = changes.skips
            self._process(changes, on_progress, batch_size)
        return Changes(self._added, self._updated, self._removed, self._moved)

    def is_needed(self) -> bool:
        """Return whether any file has changed, or another file was skipped."""
        return self._differs(self._compare_files())

    def _compare_files(self) -> FileChanges:
        """Compare the files with their recorded sizes and modification times."""
        recorded = self._index.ledger.files()
        changed = [path for path, stat in self._files.paths.items() if recorded.get(path) != stat]
        gone = recorded.keys() - self._files.paths.keys()
        deleted = {path for path in gone if not is_inaccessible(path, self._files.inaccessible)}
        rows = self._index.ledger.rows_by_path([*changed, *deleted])
        return FileChanges(recorded, changed, deleted, rows, self._current_skips(set(changed) | deleted))

    def _differs(self, changes: FileChanges) -> bool:
        """Return whether there is anything to do."""
        return bool(changes.changed or changes.deleted) or changes.skips != self._index.ledger.skipped

    def _current_skips(self, pending: Container[str]) -> dict[str, Skip]:
        """Return the skips of the walk, and those in files that are not read now."""
        known = {}
        for name, skip in self._index.ledger.skipped.items():
            path = self._files.file_of(name)
            is_accessible_again = skip.category is SkipCategory.INACCESSIBLE and path in self._files.paths
            if self._is_known(path, pending) and not is_accessible_again:
                known[name] = skip
        return known | self._files.skipped

    def _is_known(self, path: str, pending: Container[str]) -> bool:
        """Return whether the items of a file stay as they are."""
        is_present = path in self._files.paths or is_inaccessible(path, self._files.inaccessible)
        return is_present and path not in pending

    def _mark_pending(self, changes: FileChanges) -> None:
        """Record that these files are not processed yet, so that the next sync after an interruption reads them again.

        The size of a deleted file stays, because it helps to recognize a moved file. So does the number of timeouts.
        """
        recorded, stats = changes.recorded, self._files.paths
        deleted = {path: FileStat(recorded[path][0], -1) for path in changes.deleted}
        pending = {
            path: pending_after(count_timeouts(recorded.get(path, PENDING), stats[path]), stats[path])
            for path in changes.changed
        }
        self._index.ledger.set_files(pending | deleted)

    def _process(self, changes: FileChanges, on_progress: ProgressCallback, batch_size: int) -> None:
        """Read the changed files, and apply the differences to the known items batch by batch."""
        changed, deleted = changes.changed, changes.deleted
        known = KnownItems(changes.rows, deleted)
        ledger = self._index.ledger
        files = self._files.subset(changed).with_image_size(self._index.features.image_size)
        tracker = FileTracker(ledger, files)
        done = 0
        for batch in batches(files, batch_size):
            skips: dict[str, Skip] = {}
            warnings = self._apply(known.compare(batch), skips)
            self._delete(known.take_remaining(tracker.finish_before(batch[-1].path, skips, warnings)))
            self._index.unsaved.add("ledger")  # on_progress may have saved it since the last batch
            done += len(batch)
            on_progress(Progress("encode", done, len(changed)))
        self._delete(known.take_remaining([*tracker.finish_before(None), *deleted]))
        ledger.remove_files(deleted)
        self._index.unsaved.add("ledger")

    def _apply(self, comparison: Comparison, skips: dict[str, Skip]) -> dict[str, str]:
        """Move, delete and insert items, and count them. Return warnings about items.

        Items that cannot be inserted are added to `skips`.
        """
        to_encode, replaced, moves = comparison
        prepared = prepare_codes(self._index, to_encode, skips)
        with self._index.store.lock.write():
            self._moved += move_items(self._index, moves, skips)
            inserted = replace_items(self._index, replaced, prepared, skips)
        n_updated = len({row.id for row in replaced}.intersection(item.id for item in inserted))
        self._updated += n_updated
        self._added += len(inserted) - n_updated
        self._removed += len(replaced) - n_updated
        return prepared.warnings

    def _delete(self, rows: Iterable[LedgerRow]) -> None:
        self._removed += delete_rows(self._index, rows)
