"""The write lock of an index. The operating system releases it if its holder dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from aesearch.errors import Busy

MAX_HOLDER_CHARACTERS = 100
"""Characters read from the file that names the process that holds a lock."""


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
    lock_file, holder = folder.parent / f".{folder.name}.lock", folder.parent / f".{folder.name}.writer"
    if lock_file.is_symlink():  # it would empty the file that the link leads to
        lock_file.unlink(missing_ok=True)
    lock = FileLock(lock_file, is_singleton=True)
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise Busy(f"{folder} is locked: {_read_holder(holder)} is writing it; try again when it has finished") from None
    try:
        write_new_file(holder, f"process {os.getpid()} (since {datetime.now():%H:%M:%S})")
        yield
    finally:
        if lock.lock_counter == 1:
            holder.unlink(missing_ok=True)
        lock.release()


def write_new_file(path: Path, text: str) -> None:
    """Write a file that did not exist, in place of one that may exist. A symbolic link is replaced, not followed."""
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(path, flags, 0o666), "w", encoding="utf-8") as file:
        file.write(text)


def _read_holder(path: Path) -> str:
    """Return a description of the process that holds a lock."""
    with suppress(OSError, ValueError):
        if path.is_file() and not path.is_symlink():
            with open(path, encoding="utf-8") as file:
                return file.read(MAX_HOLDER_CHARACTERS)
    return "another process"
