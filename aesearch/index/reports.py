"""Results of the jobs in `aesearch.index.update`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aesearch.items import ItemKind, Skip, SkipCategory


@dataclass(frozen=True)
class IndexReport:
    """Result of `index_files`.

    Attributes
    ----------
    folder : Path
        Folder of the index.
    kind : ItemKind
        Kind of the items.
    items : int
        Items now in the index.
    added, updated, removed, moved : int
        Items that changed. After a build, all items are added.
    skipped : dict of str to Skip
        Files and rows that are not in the index, and why.
    coder : str
        Name of the coder.
    code_size : int
        Dimensions or bits of a code.
    bytes_per_item : float
        Memory of a code.
    seconds : dict of str to float
        Duration of each stage of the build.
    warnings : list of str
        What a user should know about the build; empty after an update.
    resumed_items : int
        Items that an interrupted build had read already.
    file_warnings : dict of str to str
        Files and rows that were read only in part, or whose item is hard to find, and why.
    suggestion : str or None
        What could give better results; None after an update.
    parts : list of IndexReport
        Reports of the indexes of other kinds of items in the folder.
    """

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
    file_warnings: dict[str, str] = field(default_factory=dict)
    suggestion: str | None = None
    parts: list[IndexReport] = field(default_factory=list)

    @property
    def has_changes(self) -> bool:
        """Whether any item was added, updated, removed or moved."""
        return bool(self.added or self.updated or self.removed or self.moved)

    def with_parts(self, parts: Sequence[IndexReport]) -> IndexReport:
        """Return the report with those of other kinds of items in the folder, whose files were not skipped after all."""
        reports = [report.without_skips_of({each.kind for each in (self, *parts)}) for report in (self, *parts)]
        return replace(reports[0], parts=reports[1:])

    def without_skips_of(self, kinds: Collection[ItemKind]) -> IndexReport:
        """Return the report without the files that were skipped for being of some kinds."""
        skipped = {
            path: skip
            for path, skip in self.skipped.items()
            if skip.category is not SkipCategory.OTHER_KIND or skip.reason.partition(" ")[0] not in kinds
        }
        return replace(self, skipped=skipped)

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
            "file_warnings": [{"path": path, "reason": reason} for path, reason in self.file_warnings.items()],
            "suggestion": self.suggestion,
            "parts": [part.as_dict() for part in self.parts],
        }


@dataclass(frozen=True)
class EditReport:
    """Result of `add_paths` and `remove_ids`.

    Attributes
    ----------
    changed : int
        Items added or removed.
    items : int
        Items now in the index.
    kind : ItemKind
        Kind of the items.
    skipped : dict of str to Skip
        Files and rows that were not added, and why.
    file_warnings : dict of str to str
        Files and rows that were read only in part, and why.
    """

    changed: int
    items: int
    kind: ItemKind
    skipped: dict[str, Skip]
    file_warnings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RelocateReport:
    """Result of `relocate`.

    Attributes
    ----------
    source : str or None
        Folder of the files that the index was built from; None if the items were created in memory.
    relocated : int
        Items whose files are now expected in the new folder.
    missing : int
        Files that are not there.
    """

    source: str | None
    relocated: int
    missing: int
