"""Recording of the files that are processed, while their items are read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import islice

from aesearch.index.ledger import Ledger
from aesearch.index.removals import PENDING
from aesearch.items import Item, Skip
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
        self._unfinished = deque(files.paths.items() if files else ())
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
            finished[name] = PENDING if name in self._retry else stat
        self._ledger.set_files(finished)
        new_skips = islice(reversed(self._skipped.items()), len(self._skipped) - self._n_recorded_skips)
        self._ledger.add_skips({**(skips or {}), **dict(new_skips)})
        self._n_recorded_skips = len(self._skipped)
        self._record_warnings(warnings or {})
        return [name for name in finished if name not in self._retry]

    def _record_warnings(self, warnings: Mapping[str, str]) -> None:
        """Record warnings of the caller, and those of the reader since the last call. An item may have both."""
        n_new = len(self._file_warnings) - self._n_recorded_warnings
        merged = dict(islice(reversed(self._file_warnings.items()), n_new))
        self._n_recorded_warnings = len(self._file_warnings)
        for id, reason in warnings.items():
            merged[id] = f"{merged[id]}; {reason}" if id in merged else reason
        self._ledger.add_warnings(merged)
