"""Read files in a thread of this process, so that the caller need not wait forever for a slow share.

Plain text is read here: a worker process would take longer to transfer it than to read it. So are tables, whose rows are
streamed. The thread reads only on request, a chunk of results at a time, and so costs almost nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from aesearch.errors import ReadTimeout, Unreadable
from aesearch.items import Item
from aesearch.readers.waiting import wait_with_notice

CHUNK_RESULTS = 64
CHUNK_BYTES = 1 << 20
CHUNK_SECONDS = 0.1
"""A chunk ends at the first of these limits. They bound its memory, and the time until its results are seen."""

Result = tuple[str, Item | Unreadable]
"""The path of a file, and one of its items."""

ReadFunction = Callable[[str], Iterator[Item | Unreadable]]
"""Yields the items of the file with a path."""


class ThreadReader:
    """Reads files in a thread. If one takes too long, the thread is abandoned, and the next file is read in a new one.

    Parameters
    ----------
    root : Path
        Folder of the files, for messages.
    read : callable
        Yields the items of the file with a path.
    """

    def __init__(self, root: Path, read: ReadFunction) -> None:
        self._root = root
        self._read = read
        self._thread: _ReaderThread | None = None

    def read(self, paths: Sequence[str], timeout: float) -> Iterator[Result]:
        """Yield the path and the result for each item of the files, in order.

        Parameters
        ----------
        paths : sequence of str
        timeout : float
            Maximum time for one item in seconds. The rest of a file that exceeds it is Unreadable.
        """
        while paths:
            thread = self._thread = self._thread or _ReaderThread(self._root, self._read)
            thread.start_reading(paths)
            while chunk := thread.next_chunk(timeout):
                yield from chunk
            if thread.is_idle:
                return
            results, path = thread.abandon()
            self._thread = None
            yield from results
            yield path, ReadTimeout(self._root / path, timeout)
            paths = paths[paths.index(path) + 1 :]

    def close(self) -> None:
        """End the thread when it has read the current item."""
        if self._thread is not None:
            self._thread.abandon()


class _ReaderThread:
    """A thread that reads files on request."""

    def __init__(self, root: Path, read: ReadFunction) -> None:
        self._root = root
        self._read = read
        self._requests: SimpleQueue[bool] = SimpleQueue()  # False ends the thread
        self._chunks: SimpleQueue[list[Result]] = SimpleQueue()
        self._chunk: list[Result] = []
        self._path = ""
        self._results: Iterator[Result] = iter(())
        self.is_idle = True
        Thread(target=self._run, name="aesearch reader", daemon=True).start()

    def start_reading(self, paths: Sequence[str]) -> None:
        """Set the files to read next."""
        self._results = self._read_all(paths)

    def next_chunk(self, timeout: float) -> list[Result]:
        """Return the next results; none if all files are read, or if there was no result in time."""
        self.is_idle = False
        chunks: list[list[Result]] = []

        def wait(seconds: float) -> bool:
            try:
                chunks.append(self._chunks.get(timeout=seconds))
            except Empty:
                return False
            return True

        self._requests.put(True)
        if not wait_with_notice(wait, timeout, lambda: str(self._root / self._path)):
            return []
        self.is_idle = True
        return chunks[0]

    def abandon(self) -> tuple[list[Result], str]:
        """End the thread as soon as possible. Return the results of the current chunk, and the file that is being read."""
        self._requests.put(False)
        return list(self._chunk), self._path

    def _run(self) -> None:
        while self._requests.get():
            self._chunk = chunk = []
            n_bytes, end = 0, time.monotonic() + CHUNK_SECONDS
            for path, result in self._results:
                chunk.append((path, result))
                n_bytes += _size(result)
                if len(chunk) == CHUNK_RESULTS or n_bytes > CHUNK_BYTES or time.monotonic() > end:
                    break
            self._chunks.put(chunk)

    def _read_all(self, paths: Sequence[str]) -> Iterator[Result]:
        """Yield the results of files."""
        for self._path in paths:
            for result in self._read(self._path):
                yield self._path, result


def _size(result: Item | Unreadable) -> int:
    """Return the approximate size of a result in bytes."""
    if isinstance(result, Unreadable):
        return 0
    content = result.content
    if isinstance(content, str):
        return len(content)
    return content.nbytes if hasattr(content, "nbytes") else 3 * content.width * content.height
