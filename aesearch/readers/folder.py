"""A folder, or one file, as a collection of items: found, chosen by kind, read; whatever is left out is kept by name."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

from aesearch.catalog import READERS, find_reader
from aesearch.errors import NoItems, Unreadable
from aesearch.items import ITEM_KINDS, Item, ItemKind
from aesearch.readers.tables import TableFields
from aesearch.readers.workers import Worker, read_file

CHUNK = 16
"""Files that a worker is given at a time: handing over one by one would cost a tenth of the decoding."""

AHEAD = 8
"""Chunks sent ahead of the one handed out, for each core: so many that a worker slowed down by others does not stop them.
The answers wait in pipes, which bound the memory they take."""


Crew = list["Worker | None"]
"""A worker for each core, once it is needed."""


class FileStat(NamedTuple):
    """What tells a changed file from an unchanged one without opening it: bytes, and nanoseconds since 1970."""

    size: int
    mtime_ns: int


@dataclass
class FileCollection:
    """The items in the files `paths` below `root`, read when iterated, each time in the same order.

    `skipped` maps every file and row left out to the reason, and `again` holds those files of which the reason may pass;
    both grow while the collection is iterated.  Where `lone` is set, the collection is one file that the user named, and
    its rows go by their own ids.  `size` (width, height) is what the pictures of a folder are resize_image to while they are
    read, if anything.
    """

    root: Path
    paths: dict[str, FileStat]
    kind: ItemKind
    fields: TableFields = field(default_factory=TableFields)
    is_single_file: bool = False
    skipped: dict[str, str] = field(default_factory=dict)
    retry: set[str] = field(default_factory=set)
    size: tuple[int, int] | None = None
    _held: dict[str, Item] = field(default_factory=dict, repr=False, compare=False)
    _spare: list[Crew] = field(default_factory=list, repr=False, compare=False)

    def __len__(self) -> int:
        """How many files; a table or a set of pictures counts as one."""
        return len(self.paths)

    def __iter__(self) -> Iterator[Item]:
        for path, result in self._results():
            if isinstance(result, Unreadable):
                row = result.path.removeprefix(str(self.root / path))
                self.skipped[path + row if row.startswith("#") else path] = result.reason
                if result.transient:
                    self.retry.add(path)
            else:
                yield self._named(result, path)

    def subset(self, paths: Iterable[str]) -> FileCollection:
        """The same collection, cut down to these of its files; `skipped` and the workers are shared."""
        return replace(self, paths={path: self.paths[path] for path in paths})

    def with_image_size(self, size: tuple[int, int] | None) -> FileCollection:
        """The same collection, its pictures resize_image to `size` where that can be done while they are read."""
        return replace(self, size=size)

    def with_cached(self, items: Iterable[Item]) -> FileCollection:
        """The same collection, of which these items were read before: those of one item a file are handed out as they are,
        once, unless they are pictures smaller than `size`, which may have been larger."""
        least = max(self.size or (0,))
        large = (item for item in items if min(getattr(item.content, "shape", (0,))[:2]) >= least)
        return replace(self, _held={item.id: replace(item, id="") for item in large if item.id == item.path})

    def sample(self, number: int) -> FileCollection:
        """At most `number` of the files, evenly spread."""
        step = max(1, -(-len(self.paths) // number))
        return self.subset(list(self.paths)[::step])

    def file_of(self, name: str) -> str:
        """The file that a name in `skipped`, which may be a row's, is of."""
        if self.is_single_file:
            return next(iter(self.paths))
        while name not in self.paths and "#" in name:
            name = name.rpartition("#")[0]
        return name

    def _named(self, item: Item, path: str) -> Item:
        """The item under its id in this collection, labeled by its folder if it has no label of its own."""
        if item.id and (self.is_single_file and not item.id.startswith("#")):
            name = item.id
        elif item.id:
            name = f"{path}#{item.id.removeprefix('#')}"
        else:
            name = path
        folder = path.rpartition("/")[0].rpartition("/")[2]
        return Item(name, item.content, item.label or folder or None, path, item.digest)

    def _results(self) -> Iterator[tuple[str, Item | Unreadable]]:
        """What each file yields, in order.  Files of a folder whose decoders are slow, or may crash, are read by workers,
        a few ahead of the one handed out; plain texts are quicker read here, and files of many rows are streamed."""
        crew: Crew = self._spare.pop() if self._spare else [None] * (os.cpu_count() or 1)
        size = {"size": self.size} if self.size else {}
        turns = cycle(range(len(crew)))
        pending: deque[tuple[list[str], Worker | None]] = deque()
        try:
            for paths, apart in self._chunks():
                worker = None
                if apart:
                    turn = next(turns)
                    worker = crew[turn] = crew[turn] or Worker()
                    unread = [path for path in paths if path not in self._held]
                    worker.send([os.path.join(self.root, path) for path in unread], size)  # noqa: PTH118  # quicker, of many
                pending.append((paths, worker))
                if len(pending) > AHEAD * len(crew):
                    yield from self._finished(*pending.popleft())
            while pending:
                yield from self._finished(*pending.popleft())
        finally:
            # Workers of a reading that was broken off are not used again if they hold answers that nobody fetched.
            if not pending:
                self._spare.append(crew)

    def _chunks(self) -> Iterator[tuple[list[str], bool]]:
        """The paths a few at a time, and whether a worker is to read them."""
        chunk: list[str] = []
        for path in self.paths:
            entry = find_reader(path)
            apart = not self.is_single_file and entry is not None and entry.is_isolated
            if apart:
                chunk.append(path)
            if chunk and (len(chunk) == CHUNK or not apart):
                yield chunk, True
                chunk = []
            if not apart:
                yield [path], False
        if chunk:
            yield chunk, True

    def _finished(self, paths: list[str], worker: Worker | None) -> Iterator[tuple[str, Item | Unreadable]]:
        """What the files yield: held, or fetched from the worker that has them, or read here."""
        fetched = None if worker is None else iter(worker.receive())
        for path in paths:
            if path in self._held:
                yield path, self._held.pop(path)
            elif fetched is not None:
                yield path, next(fetched)
            else:
                for result in self._read(path):
                    yield path, result

    def _read(self, path: str) -> Iterator[Item | Unreadable]:
        entry = find_reader(path)
        keywords: dict[str, Any] = {}
        if entry is not None and entry.layout == "table":
            keywords = {"fields": self.fields}
        elif entry is not None and entry.is_isolated and self.size:
            keywords = {"size": self.size}
        return read_file(self.root / path, **keywords)


def read_files(
    path: str | os.PathLike[str],
    *,
    kind: ItemKind | None = None,
    fields: TableFields | None = None,
    start_workers: bool = False,
) -> FileCollection:
    """The pictures or the documents of a folder (with all folders in it), or the items of one file.

    Without `kind`, whichever the folder holds more of; the files of the other kind are in `skipped`.  Hidden files and
    folders, `._*` files, indexes of aesearch, whatever is no regular file, and files that no reader knows are skipped; a
    loop of links is walked once.  `start_workers`: the files will all be read, and right away; the workers that read them begin
    while the folder is still walked.

    Raises NoItems where there is no such path, or nothing in it that can be read.
    """
    root = Path(path)
    fields = fields or TableFields()
    if not root.exists():
        raise NoItems(f"there is no file or folder {root}; check the spelling")
    if not root.is_dir():
        entry = find_reader(root)
        if entry is None:
            raise NoItems(f"no reader for {root}; aesearch reads folders and files ending in {_endings()}")
        found = root.stat()
        return FileCollection(
            root.parent,
            {root.name: FileStat(found.st_size, found.st_mtime_ns)},
            entry.kinds[0],
            fields,
            is_single_file=True,
        )

    skipped: dict[str, str] = {}
    by_kind: dict[ItemKind, dict[str, FileStat]] = {kind: {} for kind in ITEM_KINDS}
    crew: Crew = [None] * (os.cpu_count() or 1)
    apart = 0
    for name, seen in _walk(root, skipped):
        reader = find_reader(name)
        if reader is None:
            skipped[name] = "no reader for files of that ending"
            continue
        by_kind[reader.kinds[0]][name] = seen
        if start_workers and reader.is_isolated and kind in (None, reader.kinds[0]):
            turn, within = divmod(apart, CHUNK)
            if not within and turn < len(crew):
                crew[turn] = Worker()
            apart += 1
    chosen = kind if kind is not None else max(ITEM_KINDS, key=lambda one: len(by_kind[one]))
    if not by_kind[chosen]:
        what = kind or "pictures or documents"
        raise NoItems(f"{root} holds no {what} that can be read: files ending in {_endings(kind)}")
    for other in ITEM_KINDS:
        if other != chosen:
            skipped.update(dict.fromkeys(by_kind[other], f"one of the {other}, and {chosen} are indexed here (--kind)"))
    return FileCollection(root, by_kind[chosen], chosen, fields, skipped=skipped, _spare=[crew])


def _walk(root: Path, skipped: dict[str, str]) -> Iterator[tuple[str, FileStat]]:
    """Every regular file below `root` that is not hidden, by its path from `root`, folder by folder in order of name."""
    seen: set[tuple[int, int]] = set()
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            here = (root / folder).stat()
            entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
        except OSError as error:
            skipped[folder or "."] = f"the folder cannot be opened ({error.strerror})"
            continue
        if (here.st_dev, here.st_ino) in seen:
            skipped[folder] = "a link to a folder that was walked already"
            continue
        seen.add((here.st_dev, here.st_ino))
        if folder and _is_index({entry.name for entry in entries}):
            skipped[folder] = "an index of aesearch"
            continue
        inner = []
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            try:
                name.encode("utf-8")
                found = entry.stat()
            except UnicodeEncodeError:
                skipped[os.fsencode(name).decode("utf-8", "backslashreplace")] = "its name is not UTF-8; rename it"
                continue
            except OSError as error:
                skipped[name] = f"it cannot be opened ({error.strerror})"
                continue
            if entry.name.startswith("."):
                skipped[name] = "hidden"
            elif stat.S_ISDIR(found.st_mode):
                inner.append(name)
            elif stat.S_ISREG(found.st_mode):
                yield name, FileStat(found.st_size, found.st_mtime_ns)
            else:
                skipped[name] = "neither a file nor a folder"
        folders.extend(reversed(inner))


def _is_index(names: set[str]) -> bool:
    return "index.json" in names and any(name.startswith("ledger") and name.endswith(".sqlite") for name in names)


def _endings(kind: ItemKind | None = None) -> str:
    return " ".join(ending for ending, entry in READERS.items() if kind is None or kind in entry.kinds)
