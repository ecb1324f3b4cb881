"""One writer of an index at a time, by a lock that the system takes back when its holder dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from aesearch.errors import Busy


@contextmanager
def writing(folder: Path, wait: float = 0.0) -> Iterator[None]:
    """Holds the index in `folder` for writing; a process that holds it already may do so again.

    The lock lies beside the folder, so that one that is replaced, or not there yet, can be held.  Readers need none.
    wait : seconds to wait for another writer.  Raises Busy, which names it, once they are over.
    """
    from filelock import FileLock, Timeout

    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.parent / f".{folder.name}.lock", is_singleton=True)
    holder = folder.parent / f".{folder.name}.writer"
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        with suppress(OSError):
            raise Busy(f"{folder} is being written by {holder.read_text()}; try again when it has ended") from None
        raise Busy(f"{folder} is being written by another process; try again when it has ended") from None
    try:
        holder.write_text(f"process {os.getpid()}, since {datetime.now():%H:%M:%S}")
        yield
    finally:
        if lock.lock_counter == 1:
            holder.unlink(missing_ok=True)
        lock.release()
