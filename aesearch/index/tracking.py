"""Recording of the files that are processed, while their items are read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import islice

from aesearch.index.ledger import Ledger
from aesearch.index.pending import MAX_TIMEOUTS, PENDING, count_timeouts, pending_after
from aesearch.items import Item, Skip, SkipCategory
from aesearch.readers.folder import FileCollection, FileStat


class FileTracker:
    """Records in a ledger which files are processed and what was skipped, while items are iterated in order.

    For items in memory there is nothing to record.

    Parameters
    ----------
    ledger : Ledger
    items : iterable of Item
        The collection that is iterated. The tracker does not iterate it.
    """

    def __init__(self, ledger: Ledger, items: Iterable[Item]) -> None:
        self._ledger = ledger
        files = items if isinstance(items, FileCollection) else None
        self._skipped: dict[str, Skip] = files.skipped if files else {}
        self._retry: set[str] = files.retry if files else set()
        self._timeouts: set[str] = files.timeouts if files else set()
        self._stats: dict[str, FileStat] = files.paths if files else {}
        self._unfinished = deque(self._stats.items())
        self._recorded: dict[str, tuple[int, int]] | None = None
        self._file_warnings: dict[str, str] = files.warnings if files else {}
        self._n_recorded_skips = self._n_recorded_warnings = 0

    def finish_before(
        self, path: str | None, skips: Mapping[str, Skip] | None = None, warnings: Mapping[str, str] | None = None
    ) -> list[str]:
        """Record the files before `path` as processed, and what was skipped or read in part since the last call.

        Parameters
        ----------
        path : str or None
            The file that is being read; None if all files are processed.
        skips : mapping, optional
            Items skipped by the caller. They are recorded with those skipped by the reader.
        warnings : mapping, optional
            Warnings of the caller about items. They are recorded with those of the reader.

        Returns
        -------
        list of str
            The files processed since the last call, without those that could not be read for a transient reason. The next
            sync reads these again.
        """
        finished: dict[str, FileStat] = {}
        while self._unfinished and self._unfinished[0][0] != path:
            name, stat = self._unfinished.popleft()
            finished[name] = self._pending_record(name) if name in self._retry else stat
        self._ledger.set_files(finished)
        new_skips = islice(reversed(self._skipped.items()), len(self._skipped) - self._n_recorded_skips)
        self._ledger.add_skips({**(skips or {}), **{name: self._with_remedy(name, skip) for name, skip in new_skips}})
        self._n_recorded_skips = len(self._skipped)
        self._record_warnings(warnings or {})
        return [name for name in finished if name not in self._retry]

    def _pending_record(self, name: str) -> FileStat:
        """Return the record of a file that could not be read for a transient reason. After many timeouts, it is final."""
        n_timeouts = self._count_timeouts(name) if name in self._timeouts else 0
        return self._stats[name] if n_timeouts >= MAX_TIMEOUTS else pending_after(n_timeouts, self._stats[name])

    def _with_remedy(self, name: str, skip: Skip) -> Skip:
        """Return a skip that says when a file is tried again, if it was not read in time."""
        if name not in self._timeouts:
            return skip
        n_timeouts = self._count_timeouts(name)
        if n_timeouts < MAX_TIMEOUTS:
            return skip._replace(reason=f"{skip.reason}; it is tried again at the next run")
        remedy = "it is tried again only if the file changes, or with --rebuild"
        return Skip(SkipCategory.UNREADABLE, f"{skip.reason}, in each of {n_timeouts} runs; {remedy}")

    def _count_timeouts(self, name: str) -> int:
        """Return in how many runs a file was not read in time, with this one."""
        if self._recorded is None:  # as the files were recorded before this run
            self._recorded = self._ledger.files()
        return count_timeouts(self._recorded.get(name, PENDING), self._stats[name]) + 1

    def _record_warnings(self, warnings: Mapping[str, str]) -> None:
        """Record warnings of the caller, and those of the reader since the last call. An item may have both."""
        n_new = len(self._file_warnings) - self._n_recorded_warnings
        merged = dict(islice(reversed(self._file_warnings.items()), n_new))
        self._n_recorded_warnings = len(self._file_warnings)
        for id, reason in warnings.items():
            merged[id] = f"{merged[id]}; {reason}" if id in merged else reason
        self._ledger.add_warnings(merged)
