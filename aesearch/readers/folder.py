"""A folder, or one file, as a collection of items: found, chosen by kind, read; whatever is left out is kept by name."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from aesearch.catalog import READERS, reader_of
from aesearch.errors import MissingExtra, NothingToIndex, Unreadable
from aesearch.items import KINDS, Item, Kind
from aesearch.readers.tables import Fields

CHUNK = 8
"""Pictures that a thread reads at a time: handing over one by one would cost a tenth of the decoding."""

AHEAD = 4
"""Chunks read ahead of the one handed out, for each core: enough to keep the cores busy, little in memory."""


class Stat(NamedTuple):
    """What tells a changed file from an unchanged one without opening it: bytes, and nanoseconds since 1970."""

    size: int
    mtime_ns: int


@dataclass
class Files:
    """The items in the files `paths` below `root`, read when iterated, each time in the same order.

    `skipped` maps every file and row left out to the reason; it grows while the collection is iterated.  Where `lone` is
    set, the collection is one file that the user named, and its rows go by their own ids.
    """

    root: Path
    paths: dict[str, Stat]
    kind: Kind
    fields: Fields = field(default_factory=Fields)
    lone: bool = False
    skipped: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many files; a table or a set of pictures counts as one."""
        return len(self.paths)

    def __iter__(self) -> Iterator[Item]:
        for path, result in self._results():
            if isinstance(result, Unreadable):
                row = result.path.removeprefix(str(self.root / path))
                self.skipped[path + row if row.startswith("#") else path] = result.why
            else:
                yield self._named(result, path)

    def only(self, paths: Iterable[str]) -> Files:
        """The same collection, cut down to these of its files; `skipped` is shared."""
        return replace(self, paths={path: self.paths[path] for path in paths})

    def spread(self, number: int) -> Files:
        """About `number` of the files, evenly spread."""
        step = max(1, len(self.paths) // number)
        return self.only(list(self.paths)[::step])

    def _named(self, item: Item, path: str) -> Item:
        """The item under its id in this collection, labelled by its folder if it has no label of its own."""
        if item.id and (self.lone and not item.id.startswith("#")):
            name = item.id
        elif item.id:
            name = f"{path}#{item.id.removeprefix('#')}"
        else:
            name = path
        folder = path.rpartition("/")[0].rpartition("/")[2]
        return replace(item, id=name, path=path, label=item.label or folder or None)

    def _results(self) -> Iterator[tuple[str, Item | Unreadable]]:
        """What each file yields, in order.  Pictures are decoded by threads, a few ahead of the one handed out, since
        Pillow's decoders let go of Python's lock; texts gain nothing by threads, and files of many rows are streamed."""
        cores = os.cpu_count() or 1
        pool = ThreadPoolExecutor(cores)
        pending: deque[Future[list[tuple[str, Item | Unreadable]]]] = deque()
        try:
            for paths, aside in self._chunks():
                if aside:
                    pending.append(pool.submit(lambda paths: list(self._read(paths)), paths))
                while pending and (len(pending) > AHEAD * cores or not aside):
                    yield from pending.popleft().result()
                if not aside:
                    yield from self._read(paths)
            for chunk in pending:
                yield from chunk.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _chunks(self) -> Iterator[tuple[list[str], bool]]:
        """The paths a few at a time, and whether a thread is to read them."""
        chunk: list[str] = []
        for path in self.paths:
            entry = reader_of(Path(path))
            aside = self.kind == "images" and entry is not None and entry.rows is None
            if aside:
                chunk.append(path)
            if chunk and (len(chunk) == CHUNK or not aside):
                yield chunk, True
                chunk = []
            if not aside:
                yield [path], False
        if chunk:
            yield chunk, True

    def _read(self, paths: Iterable[str]) -> Iterator[tuple[str, Item | Unreadable]]:
        """What the files yield, and in the place of an error the reason."""
        for path in paths:
            try:
                entry = reader_of(Path(path))
                assert entry is not None  # files without a reader were left out when the collection was made
                keywords = {"fields": self.fields} if entry.rows == "table" else {}
                for result in entry.load()(self.root / path, **keywords):
                    yield path, result
            except Unreadable as error:
                yield path, error
            except MissingExtra as error:
                yield path, Unreadable("", str(error))
            except OSError as error:
                yield path, Unreadable("", f"it cannot be opened ({error.strerror or error})")
            except Exception as error:  # a decoder's own bug must cost this file alone, and be named with it
                yield path, Unreadable("", f"its reader failed ({type(error).__name__}: {error})")


def read_files(path: str | os.PathLike[str], *, kind: Kind | None = None, fields: Fields | None = None) -> Files:
    """The pictures or the documents of a folder (with all folders in it), or the items of one file.

    Without `kind`, whichever the folder holds more of; the files of the other kind are in `skipped`.  Hidden files and
    folders, `._*` files, indexes of aesearch, whatever is no regular file, and files that no reader knows are skipped; a
    loop of links is walked once.

    Raises NothingToIndex where there is no such path, or nothing in it that can be read.
    """
    root = Path(path)
    fields = fields or Fields()
    if not root.exists():
        raise NothingToIndex(f"there is no file or folder {root}; check the spelling")
    if not root.is_dir():
        entry = reader_of(root)
        if entry is None:
            raise NothingToIndex(f"no reader for {root}; aesearch reads folders and files ending in {_endings()}")
        found = root.stat()
        return Files(root.parent, {root.name: Stat(found.st_size, found.st_mtime_ns)}, entry.kinds[0], fields, lone=True)

    skipped: dict[str, str] = {}
    by_kind: dict[Kind, dict[str, Stat]] = {kind: {} for kind in KINDS}
    for name, seen in _walk(root, skipped):
        reader = reader_of(Path(name))
        if reader is None:
            skipped[name] = "no reader for files of that ending"
        else:
            by_kind[reader.kinds[0]][name] = seen
    chosen = kind if kind is not None else max(KINDS, key=lambda one: len(by_kind[one]))
    if not by_kind[chosen]:
        what = kind or "pictures or documents"
        raise NothingToIndex(f"{root} holds no {what} that can be read: files ending in {_endings(kind)}")
    for other in KINDS:
        if other != chosen:
            skipped.update(dict.fromkeys(by_kind[other], f"one of the {other}, and {chosen} are indexed here (--kind)"))
    return Files(root, by_kind[chosen], chosen, fields, skipped=skipped)


def _walk(root: Path, skipped: dict[str, str]) -> Iterator[tuple[str, Stat]]:
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
                yield name, Stat(found.st_size, found.st_mtime_ns)
            else:
                skipped[name] = "neither a file nor a folder"
        folders.extend(reversed(inner))


def _is_index(names: set[str]) -> bool:
    return "index.json" in names and any(name.startswith("ledger") and name.endswith(".sqlite") for name in names)


def _endings(kind: Kind | None = None) -> str:
    return " ".join(ending for ending, entry in READERS.items() if kind is None or kind in entry.kinds)
