"""One process writes an index at a time, and its lock ends with it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aesearch.errors import Busy
from aesearch.index.locking import write_lock

HOLD_LOCK = """
import sys, time
from pathlib import Path
from aesearch.index.locking import write_lock
with write_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@contextmanager
def holder_of_lock(folder: Path, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """Start a process that holds the lock for some seconds."""
    command = [sys.executable, "-c", HOLD_LOCK, str(folder), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        try:
            yield process
        finally:
            process.kill()


def test_second_writer_learns_who_is_first(tmp_path: Path) -> None:
    with (
        holder_of_lock(tmp_path / "index", 60) as process,
        pytest.raises(Busy, match=rf"index is locked: process {process.pid} \(since .*\) is writing it; try again"),
        write_lock(tmp_path / "index"),
    ):
        pass


def test_lock_of_killed_process_is_released(tmp_path: Path) -> None:
    with holder_of_lock(tmp_path / "index", 60) as process:
        process.kill()
        process.wait()
        with write_lock(tmp_path / "index"):
            pass


def test_writer_waits_for_the_lock(tmp_path: Path) -> None:
    start = time.monotonic()
    with holder_of_lock(tmp_path / "index", 0.3), write_lock(tmp_path / "index", wait_seconds=30):
        assert 0.1 < time.monotonic() - start < 30


def test_process_can_lock_twice(tmp_path: Path) -> None:
    with write_lock(tmp_path / "index"):
        with write_lock(tmp_path / "index"):
            pass
        assert (tmp_path / ".index.writer").exists()
    assert not (tmp_path / ".index.writer").exists()


def test_index_in_new_folder_can_be_locked(tmp_path: Path) -> None:
    with write_lock(tmp_path / "new" / "index"):
        assert not (tmp_path / "new" / "index").exists()
