"""Synchronizing an index with its files: which items are new, changed, moved or gone."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from aesearch.errors import WrongKind
from aesearch.index.edits import READ_BATCH, batches, delete_rows, insert_items, make_ledger_writable, move_items
from aesearch.index.ledger import Ledger, LedgerRow
from aesearch.index.progress import Progress, ProgressCallback, ignore_progress
from aesearch.index.storage import IndexState
from aesearch.items import Item, Skip
from aesearch.readers.folder import FileCollection, FileStat

PENDING = FileStat(-1, -1)
"""Recorded for a file that is not processed completely. No file has this size, so the next sync reads it again."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Number of items that a sync added, updated, removed and moved."""

    added: int
    updated: int
    removed: int
    moved: int = 0


class FileTracker:
    """Records in a ledger which files are processed, while their items are iterated in order, and what was skipped.

    For items in memory there is nothing to record.
    """

    def __init__(self, ledger: Ledger, items: Iterable[Item]) -> None:
        self._ledger = ledger
        files = items if isinstance(items, FileCollection) else None
        self._skipped: dict[str, Skip] = files.skipped if files else {}
        self._retry: set[str] = files.retry if files else set()
        self._unfinished = deque(files.paths.items() if files else ())
        self._n_recorded_skips = 0

    def finish_before(self, path: str | None, skips: Mapping[str, Skip] | None = None) -> list[str]:
        """Record all files before `path`, which is being read, as processed; all files if it is None.

        Parameters
        ----------
        path : str or None
        skips : mapping, optional
            Items skipped by the caller, to be recorded with those skipped by the reader.

        Returns
        -------
        list of str
            The processed files, without those that could not be read for a transient reason; the next sync retries these.
        """
        finished: dict[str, FileStat] = {}
        while self._unfinished and self._unfinished[0][0] != path:
            name, stat = self._unfinished.popleft()
            finished[name] = PENDING if name in self._retry else stat
        self._ledger.set_files(finished)
        new_skips = islice(reversed(self._skipped.items()), len(self._skipped) - self._n_recorded_skips)
        self._ledger.add_skips({**(skips or {}), **dict(new_skips)})
        self._n_recorded_skips = len(self._skipped)
        return [name for name in finished if name not in self._retry]


class Comparison(NamedTuple):
    """Items compared with the rows of the index."""

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
        The files that do not exist anymore. Their items may have moved to other files.
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
        self._deleted_by_digest.pop(None, None)  # items without a digest cannot be recognized

    def compare(self, items: Sequence[Item]) -> Comparison:
        """Compare the items of a batch with the known rows, which are removed from the known rows if they match."""
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
        # Rows of a table that the user named have their own ids, which stay the same if the table is renamed.
        row = self._by_file[item.path].get(item.id) or self._deleted_by_id.get(item.id)
        return row if row is not None else self._deleted_by_digest.get(item.digest)

    def _take(self, row: LedgerRow) -> None:
        del self._by_file[row.path][row.id]
        if self._deleted_by_id.get(row.id) is row:
            del self._deleted_by_id[row.id]
        if self._deleted_by_digest.get(row.digest) is row:
            del self._deleted_by_digest[row.digest]

    def take_remaining(self, paths: Iterable[str]) -> list[LedgerRow]:
        """Return the rows of files that no item has matched, once all items of the files are compared."""
        return [row for path in paths for row in self._by_file.pop(path, {}).values()]


class Synchronizer:
    """One sync of an index with its files. The coder stays as it was trained.

    Only files with a different size or modification time are read, and only items with different content are encoded. A
    moved or renamed item keeps its code. The ledger is consistent after each batch, so that a sync interrupted after a save
    resumes there.

    Parameters
    ----------
    index : IndexState
    files : FileCollection
        The files as they are now.
    """

    def __init__(self, index: IndexState, files: FileCollection) -> None:
        if files.kind != index.record.kind:
            raise WrongKind(f"cannot sync: this is an index of {index.record.kind}, but the files are {files.kind}")
        make_ledger_writable(index)
        self._index, ledger = index, index.ledger
        recorded = ledger.files()
        self._changed = [path for path, stat in files.paths.items() if recorded.get(path) != stat]
        self._deleted = recorded.keys() - files.paths.keys()
        affected = [*self._changed, *self._deleted]
        self._known = KnownItems(ledger.rows_by_path(affected), self._deleted)
        # Pending until they are processed, so that the next sync after an interruption reads them again.
        ledger.set_files(dict.fromkeys(affected, PENDING))
        unchanged = files.paths.keys() - set(self._changed)
        ledger.skipped = {name: skip for name, skip in ledger.skipped.items() if files.file_of(name) in unchanged}
        self._files = files.subset(self._changed).with_image_size(index.features.image_size)
        self._tracker = FileTracker(ledger, self._files)
        self._added = self._updated = self._removed = self._moved = 0

    def run(self, on_progress: ProgressCallback = ignore_progress, batch_size: int = READ_BATCH) -> Changes:
        """Process all changed files. `on_progress` is called after each batch, and may save the index."""
        done = 0
        for batch in batches(self._files, batch_size):
            self._process(batch)
            done += len(batch)
            on_progress(Progress("encode", done, len(self._changed)))
        self._delete_remaining([*self._tracker.finish_before(None), *self._deleted])
        self._index.ledger.remove_files(self._deleted)
        self._index.unsaved.add("ledger")
        return Changes(self._added, self._updated, self._removed, self._moved)

    def _process(self, batch: list[Item]) -> None:
        skips: dict[str, Skip] = {}
        to_encode, replaced, moves = self._known.compare(batch)
        self._moved += move_items(self._index, moves, skips)
        delete_rows(self._index, replaced)
        inserted = insert_items(self._index, to_encode, skips)
        n_updated = len({row.id for row in replaced}.intersection(item.id for item in inserted))
        self._updated += n_updated
        self._added += len(inserted) - n_updated
        self._removed += len(replaced) - n_updated
        self._delete_remaining(self._tracker.finish_before(batch[-1].path, skips))
        self._index.unsaved.add("ledger")  # it may have been saved since the last batch

    def _delete_remaining(self, paths: Iterable[str]) -> None:
        self._removed += delete_rows(self._index, self._known.take_remaining(paths))
