"""A readers-writer lock: any number of threads read at the same time, or one thread writes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ReadWriteLock:
    """Lets any number of threads read, or one thread write.

    A waiting writer goes before readers that come later, so that queries without a pause between them cannot delay a change
    forever. A thread that reads or writes may read again, and a thread that writes may write again.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._n_readers = 0
        self._n_waiting_writers = 0
        self._writer: int | None = None
        self._held = threading.local()

    @contextmanager
    def read(self) -> Iterator[None]:
        """Hold the lock for reading."""
        if self._depth:
            yield
            return
        with self._condition:
            self._condition.wait_for(lambda: self._writer is None and not self._n_waiting_writers)
            self._n_readers += 1
        self._held.depth = 1
        try:
            yield
        finally:
            self._held.depth = 0
            with self._condition:
                self._n_readers -= 1
                self._condition.notify_all()

    @contextmanager
    def write(self) -> Iterator[None]:
        """Hold the lock for writing."""
        if self._writer == threading.get_ident():
            yield
            return
        if self._depth:
            raise RuntimeError("a thread that reads cannot write as well: it would wait for itself")
        with self._condition:
            self._n_waiting_writers += 1
            try:
                self._condition.wait_for(lambda: self._writer is None and not self._n_readers)
                self._writer = threading.get_ident()
            finally:
                self._n_waiting_writers -= 1
        self._held.depth = 1
        try:
            yield
        finally:
            self._held.depth = 0
            with self._condition:
                self._writer = None
                self._condition.notify_all()

    @property
    def _depth(self) -> int:
        """1 if this thread holds the lock, else 0."""
        return getattr(self._held, "depth", 0)
