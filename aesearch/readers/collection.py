"""The items of a set of files, read lazily and in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from aesearch.catalog import find_reader, has_suffix
from aesearch.errors import ReadTimeout, Unreadable
from aesearch.items import Item, ItemKind, Skip, SkipCategory
from aesearch.readers.files import read_file
from aesearch.readers.ignore import Globs
from aesearch.readers.tables import TableFields
from aesearch.readers.threads import Result, ThreadReader
from aesearch.readers.waiting import read_timeout
from aesearch.readers.walk import FileStat
from aesearch.readers.workers import Worker, WorkerPool

FILES_PER_REQUEST = 16
"""Files that a worker reads at a time. One request per file would cost 10 % of the decoding time."""

FILES_PER_THREAD_REQUEST = 64
"""Files that the thread of this process reads at a time. One request per file would make small texts a third slower."""

BATCHES_AHEAD_PER_WORKER = 8
"""Batches requested ahead of the one that is yielded, so that one slow worker does not stop the others. Replies wait in
pipes, which bound their memory."""


@dataclass
class FileCollection:
    """The items in a set of files. Every iteration reads the files, in the same order.

    Parameters
    ----------
    root : Path
        Folder of the files.
    paths : dict of str to FileStat
        Paths relative to `root`, in reading order.
    kind : ItemKind
        Kind of the items.
    fields : TableFields
        Fields of table rows.
    encoding : str, optional
        Encoding of all texts, web pages and tables; None to detect it for each file.
    include, exclude : tuple of str
        Patterns with which the folder was walked (`aesearch.readers.ignore`).
    is_single_file : bool
        Whether the user named one file. Then rows of a table keep their own ids; in a folder, the path precedes them.
    skipped : dict of str to Skip
        Every file and row that was skipped, and why. Iteration adds to it.
    retry : set of str
        Skipped files whose cause may disappear without a change of the file. Iteration adds to it.
    timeouts : set of str
        Those of them that were not read in time. Iteration adds to it.
    warnings : dict of str to str
        Items that were read, but not completely or not with certainty, and what is missing. Iteration adds to it.
    inaccessible : dict of str to str
        Files and folders that could not be opened while the folder was walked, and the reason. "." is the root. They may
        hold items that an index knows. They are in `skipped` as well.
    other_kinds : tuple of ItemKind
        Kinds of other items in the folder.
    image_size : tuple of int, optional
        (width, height) to which images with a file of their own are resized while they are read.
    """

    root: Path
    paths: dict[str, FileStat]
    kind: ItemKind
    fields: TableFields = field(default_factory=TableFields)
    is_single_file: bool = False
    skipped: dict[str, Skip] = field(default_factory=dict)
    retry: set[str] = field(default_factory=set)
    image_size: tuple[int, int] | None = None
    encoding: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    timeouts: set[str] = field(default_factory=set)
    warnings: dict[str, str] = field(default_factory=dict)
    inaccessible: dict[str, str] = field(default_factory=dict)
    other_kinds: tuple[ItemKind, ...] = ()
    _cached: dict[str, Item] = field(default_factory=dict, repr=False, compare=False)
    _idle_pools: list[WorkerPool] = field(default_factory=list, repr=False, compare=False)

    def __len__(self) -> int:
        """Return the number of files. A file of many items counts as one."""
        return len(self.paths)

    def __iter__(self) -> Iterator[Item]:
        """Yield the items. Record in `skipped`, `retry` and `warnings` what cannot be read, or only in part."""
        for path, result in self._read_all():
            if isinstance(result, Unreadable):
                self._skip(path, result)
                continue
            item = self._in_collection(result, path)
            if item.warning:
                self.warnings[item.id] = item.warning
            yield item

    def subset(self, paths: Iterable[str]) -> FileCollection:
        """Return a collection of some of the files. It shares the records of skips and warnings, and the workers."""
        return replace(self, paths={path: self.paths[path] for path in paths})

    def with_image_size(self, size: tuple[int, int] | None) -> FileCollection:
        """Return the same collection with another `image_size`."""
        return replace(self, image_size=size)

    def with_patterns(self, include: tuple[str, ...], exclude: tuple[str, ...]) -> FileCollection:
        """Return the same collection without the files that these patterns exclude. They become skipped."""
        globs = Globs(include, exclude)
        reasons = {} if self.is_single_file else {path: globs.reason_in_tree(path) for path in self.paths}
        excluded = {path: Skip(SkipCategory.EXCLUDED, reason) for path, reason in reasons.items() if reason}
        paths = {path: stat for path, stat in self.paths.items() if path not in excluded}
        return replace(self, paths=paths, skipped=self.skipped | excluded, include=include, exclude=exclude)

    def with_cached(self, items: Iterable[Item]) -> FileCollection:
        """Return the same collection, which yields these items once without reading their files again.

        Parameters
        ----------
        items : iterable of Item
            Items that this collection yielded before. Rows are ignored, and so are images smaller than `image_size`: they
            may have been reduced from a larger image.
        """
        min_side = max(self.image_size or (0,))
        large = (item for item in items if min(getattr(item.content, "shape", (0,))[:2]) >= min_side)
        return replace(self, _cached={item.id: replace(item, id="") for item in large if item.id == item.path})

    def sample(self, n: int) -> FileCollection:
        """Return a collection of at most n of the files, evenly spaced."""
        step = max(1, -(-len(self.paths) // n))
        return self.subset(list(self.paths)[::step])

    def file_of(self, name: str) -> str:
        """Return the file to which a key of `skipped` or `warnings` belongs: the key may name a row."""
        if self.is_single_file:
            return next(iter(self.paths))
        while name not in self.paths and "#" in name:
            name = name.rpartition("#")[0]
        return name

    def _skip(self, path: str, error: Unreadable) -> None:
        """Record that a file or one of its rows cannot be read."""
        row = error.path.removeprefix(self._full_path(path))  # an error of a row names it as path#row
        category = SkipCategory.INACCESSIBLE if error.transient else SkipCategory.UNREADABLE
        if category is SkipCategory.UNREADABLE and not (self.is_single_file or has_suffix(path)):
            category = SkipCategory.UNSUPPORTED  # its content is not a text
        self.skipped[path + row if row.startswith("#") else path] = Skip(category, error.reason)
        if error.transient:
            self.retry.add(path)
        if isinstance(error, ReadTimeout):
            self.timeouts.add(path)

    def _in_collection(self, item: Item, path: str) -> Item:
        """Return an item with its id in this collection, and labeled by its folder unless it has a label."""
        if not item.id:
            id = path
        elif self.is_single_file and not item.id.startswith("#"):
            id = item.id
        else:
            id = f"{path}#{item.id.removeprefix('#')}"
        folder = path.rpartition("/")[0].rpartition("/")[2]
        return replace(item, id=id, label=item.label or folder or None, path=path)

    def _read_all(self) -> Iterator[Result]:
        """Yield each file's results in order.

        Workers read the files whose readers are slow or may crash, some batches ahead of the one that is yielded. A thread
        reads plain text, which is faster without a worker, and streams files of many rows.
        """
        pool = self._idle_pools.pop() if self._idle_pools else WorkerPool()
        thread = ThreadReader(self.root, lambda path: read_file(self._full_path(path), **self._keywords(path)))
        n_requests = 0
        pending: deque[tuple[list[str], Worker | None]] = deque()
        try:
            for paths, is_isolated in self._batches():
                worker = None
                if is_isolated:
                    worker = pool.worker(n_requests)
                    n_requests += 1
                    uncached = [self._full_path(path) for path in paths if path not in self._cached]
                    worker.send(uncached, self._keywords(paths[0]), self._n_bytes(paths))
                pending.append((paths, worker))
                if len(pending) > BATCHES_AHEAD_PER_WORKER * len(pool):
                    yield from self._finish(*pending.popleft(), thread)
            while pending:
                yield from self._finish(*pending.popleft(), thread)
        finally:
            thread.close()
            # After an interrupted iteration, workers that hold results which nobody received are not used again.
            if not pending:
                self._idle_pools.append(pool)

    def _batches(self) -> Iterator[tuple[list[str], bool]]:
        """Yield the paths in order, in batches, and whether a worker reads the batch."""
        for (is_isolated, _), paths in groupby(self.paths, self._batch_key):
            while batch := list(islice(paths, FILES_PER_REQUEST if is_isolated else FILES_PER_THREAD_REQUEST)):
                yield batch, is_isolated

    def _batch_key(self, path: str) -> tuple[bool, bool]:
        """Return the key of a batch of files: whether a worker reads them, and with the encoding of texts."""
        entry = find_reader(path)
        if self.is_single_file or entry is None or not entry.is_isolated:
            return False, False
        return True, entry.decodes_text

    def _finish(self, paths: list[str], worker: Worker | None, thread: ThreadReader) -> Iterator[Result]:
        """Yield the results of a batch: cached, received from its worker, or read by the thread."""
        received = None if worker is None else iter(worker.receive())
        for is_cached, group in groupby(paths, self._cached.__contains__):
            if is_cached:
                yield from ((path, self._cached.pop(path)) for path in group)
            elif received is not None:
                yield from ((path, next(received)) for path in group)
            else:
                uncached = list(group)
                yield from thread.read(uncached, read_timeout(self._n_bytes(uncached)))

    def _full_path(self, path: str) -> str:
        return os.path.join(self.root, path)  # noqa: PTH118  # Path objects would cost 10 % of the time of small texts

    def _n_bytes(self, paths: Iterable[str]) -> int:
        """Return the size of files in bytes, as it was when the folder was walked."""
        return sum(self.paths[path].size for path in paths)

    def _keywords(self, path: str) -> dict[str, Any]:
        """Return the keywords for a file's reader. They are the same for all files of a batch."""
        entry = find_reader(path)
        keywords: dict[str, Any] = {}
        if entry is None:  # the file of an index that another version has built
            return keywords
        if entry.layout == "table":
            keywords["fields"] = self.fields
        if entry.decodes_text and self.encoding:
            keywords["encoding"] = self.encoding
        if entry.layout is None and self.kind == "images" and self.image_size:
            keywords["size"] = self.image_size
        return keywords
