"""How an index follows its files: which are known, and which items are new, have changed, moved, or are there no more."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from aesearch.index.ledger import Ledger, Row
from aesearch.items import Item
from aesearch.readers.folder import FileCollection, FileStat

UNSETTLED = FileStat(-1, -1)
"""Stands in the ledger for a file of which not all is known: no file is like it, so the next update reads it again."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What an update did, in items."""

    added: int
    updated: int
    removed: int
    moved: int = 0


class Settled:
    """Enters in the ledger, as items are gone through in their order, the files that are done with and what was left out.

    Of items made in memory there are neither.
    """

    def __init__(self, ledger: Ledger, items: Iterable[Item]) -> None:
        self._ledger = ledger
        self._skipped: dict[str, str] = items.skipped if isinstance(items, FileCollection) else {}
        self._again: set[str] = items.retry if isinstance(items, FileCollection) else set()
        self._waiting = deque(items.paths.items() if isinstance(items, FileCollection) else ())
        self._told = 0

    def up_to(self, path: str | None, left_out: Mapping[str, str] | None = None) -> list[str]:
        """Settles the files before `path`, which is being read, or all of them, and what was left out meanwhile: by the
        reading, and for the reasons in `left_out`.  Returns the files that are known now; those that could not be read for
        a reason that may pass are not, and stay to be read again."""
        done: dict[str, FileStat] = {}
        while self._waiting and self._waiting[0][0] != path:
            name, stat = self._waiting.popleft()
            done[name] = UNSETTLED if name in self._again else stat
        self._ledger.set_files(done)
        newly = islice(reversed(self._skipped.items()), len(self._skipped) - self._told)
        self._ledger.skip({**(left_out or {}), **dict(newly)})
        self._told = len(self._skipped)
        return [name for name in done if name not in self._again]


class Before:
    """The items that were in the files that have changed or are `gone`, to be compared with those that are there now."""

    def __init__(self, rows: Iterable[Row], gone: Container[str]) -> None:
        self._by_file: dict[str | None, dict[str, Row]] = defaultdict(dict)
        self._gone_by_id: dict[str, Row] = {}
        self._gone_by_digest: dict[bytes | None, Row] = {}
        for row in rows:
            self._by_file[row.path][row.id] = row
            if row.path in gone:
                self._gone_by_id[row.id] = row
                self._gone_by_digest[row.digest] = row
        self._gone_by_digest.pop(None, None)  # of nothing it is known that it is the same

    def compared(self, items: Sequence[Item]) -> tuple[list[Item], list[Row], list[tuple[Row, Item]]]:
        """The items that are to be encoded; what these were before, as far as they were there; and those whose content was
        in a file that is gone, with what they were there."""
        fresh: list[Item] = []
        stale: list[Row] = []
        moved: list[tuple[Row, Item]] = []
        for item in items:
            # Rows of a table that the user named go by ids of their own, which outlive the table's name.
            old = self._by_file[item.path].get(item.id) or self._gone_by_id.get(item.id)
            if old is None:
                old = self._gone_by_digest.get(item.digest)
            if old is None:
                fresh.append(item)
                continue
            self._take(old)
            same = old.digest == item.digest
            if same and old.path != item.path:
                moved.append((old, item))
            elif not same or old.label != item.label:
                fresh.append(item)
                stale.append(old)
        return fresh, stale, moved

    def _take(self, row: Row) -> None:
        del self._by_file[row.path][row.id]
        if self._gone_by_id.get(row.id) is row:
            del self._gone_by_id[row.id]
        if self._gone_by_digest.get(row.digest) is row:
            del self._gone_by_digest[row.digest]

    def left_in(self, paths: Iterable[str]) -> list[Row]:
        """What was in those files and is there no more, once all of their items were compared."""
        return [row for path in paths for row in self._by_file.pop(path, {}).values()]
