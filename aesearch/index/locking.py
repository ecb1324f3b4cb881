"""The write lock of an index. The operating system releases it if its holder dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from aesearch.errors import Busy


@contextmanager
def write_lock(folder: Path, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the write lock of the index in a folder. A process may acquire it more than once. Readers do not need it.

    The lock file is beside the folder, which may not exist yet, or be replaced.

    Parameters
    ----------
    folder : Path
    wait_seconds : float
        How long to wait for another writer.

    Raises
    ------
    Busy
        If another process holds the lock. The message names that process.
    """
    from filelock import FileLock, Timeout

    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.parent / f".{folder.name}.lock", is_singleton=True)
    holder = folder.parent / f".{folder.name}.writer"
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise Busy(f"{folder} is locked: {_read_holder(holder)} is writing it; try again when it has finished") from None
    try:
        holder.write_text(f"process {os.getpid()} (since {datetime.now():%H:%M:%S})")
        yield
    finally:
        if lock.lock_counter == 1:
            holder.unlink(missing_ok=True)
        lock.release()


def _read_holder(path: Path) -> str:
    """Return a description of the process that holds a lock."""
    with suppress(OSError):
        return path.read_text()
    return "another process"
