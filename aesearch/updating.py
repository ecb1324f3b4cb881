"""What an update finds: which items are new, which have changed, moved, or are there no more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from aesearch.items import Item
from aesearch.ledger import Row


@dataclass(frozen=True, slots=True)
class Changes:
    """What an update did, in items."""

    added: int
    updated: int
    removed: int
    moved: int = 0


class Before:
    """The items that were in the files that have changed or are `gone`, to be compared with those that are there now."""

    def __init__(self, rows: Iterable[Row], gone: Container[str]) -> None:
        self._by_file: dict[str | None, dict[str, Row]] = defaultdict(dict)
        self._gone: dict[bytes, Row] = {}
        for row in rows:
            self._by_file[row.path][row.id] = row
            if row.path in gone and row.digest:
                self._gone[row.digest] = row

    def compared(self, items: Sequence[Item]) -> tuple[list[Item], list[Row], list[tuple[Row, Item]]]:
        """The items that are to be encoded; what these were before, as far as they were there; and those whose content was
        in a file that is gone, with what they were there."""
        fresh: list[Item] = []
        stale: list[Row] = []
        moved: list[tuple[Row, Item]] = []
        for item in items:
            old = self._by_file[item.path].pop(item.id, None)
            elsewhere = self._gone.pop(item.digest or b"", None) if old is None else None
            if elsewhere is not None:
                del self._by_file[elsewhere.path][elsewhere.id]
                moved.append((elsewhere, item))
            elif old is None:
                fresh.append(item)
            elif (old.digest, old.label) != (item.digest, item.label):
                fresh.append(item)
                stale.append(old)
        return fresh, stale, moved

    def left_in(self, paths: Iterable[str]) -> list[Row]:
        """What was in those files and is there no more, once all of their items were compared."""
        return [row for path in paths for row in self._by_file.pop(path, {}).values()]
