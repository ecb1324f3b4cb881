"""A worker answers as a reader does; one that crashes or hangs costs one file, by name, and the rest stay in step."""

import os
import signal
import subprocess
import sys
import threading
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.folder import FileCollection, read_files
from aesearch.readers.images import read
from aesearch.readers.workers import Worker


def picture(path: Path, shade: int = 0) -> str:
    Image.fromarray(np.full((40, 30, 3), shade, np.uint8)).save(path)
    return str(path)


def shades(found: list[Item | Unreadable]) -> list[int | str]:
    return [one.why if isinstance(one, Unreadable) else int(np.asarray(one.content).flat[0]) for one in found]


def test_what_a_worker_reads_is_what_its_reader_reads(tmp_path: Path) -> None:
    gray = tmp_path / "gray ü\n.png"
    Image.fromarray(np.arange(600, dtype=np.uint8).reshape(20, 30)).save(gray)
    path = picture(tmp_path / "a.png", 7)
    worker = Worker()
    worker.send([str(gray), path], {})
    worker.send([path], {"size": [8, 9]})
    for got, name in zip(worker.receive(), (gray, Path(path)), strict=True):
        expected = next(read(name))
        assert isinstance(got, Item)
        assert (got.digest, got.path) == (expected.digest, expected.path)
        assert np.array_equal(np.asarray(got.content), np.asarray(expected.content))
    [small] = worker.receive()
    assert isinstance(small, Item)
    assert np.asarray(small.content).shape == (9, 8, 3)


def test_a_file_that_hangs_its_decoder_is_given_up_and_the_rest_are_read(tmp_path: Path) -> None:
    good = [picture(tmp_path / f"{shade}.png", shade) for shade in range(4)]
    os.mkfifo(tmp_path / "hangs.png")  # opening it waits for ever
    worker = Worker(limit=1.0)
    worker.send([*good[:2], str(tmp_path / "hangs.png"), good[2]], {})
    worker.send([good[3]], {})
    assert shades(worker.receive()) == [0, 1, "reading it took longer than 1 seconds", 2]
    assert shades(worker.receive()) == [3]


def test_a_file_that_crashes_its_decoder_is_named_and_the_rest_are_read(tmp_path: Path) -> None:
    good = picture(tmp_path / "good.png", 5)
    os.mkfifo(tmp_path / "crashes.png")
    worker = Worker()

    def crash() -> None:
        for _ in range(2):  # once in company, once alone
            process = worker._process
            time.sleep(0.5)
            process.send_signal(signal.SIGSEGV)
            while worker._process is process:
                time.sleep(0.01)

    worker.send([good, str(tmp_path / "crashes.png")], {})
    worker.send([good], {})
    killer = threading.Thread(target=crash, daemon=True)
    killer.start()
    # The second list is with the new worker before anyone asks for it, and the good file of the first is read again.
    assert shades(worker.receive()) == [5, f"its decoder crashed (signal {signal.SIGSEGV.value})"]
    assert shades(worker.receive()) == [5]
    killer.join()


def test_a_workers_process_ends_with_it(tmp_path: Path) -> None:
    worker = Worker()
    process = worker._process
    assert process.poll() is None
    del worker
    assert process.poll() is not None


def test_a_collection_is_read_by_the_same_workers_each_time(tmp_path: Path) -> None:
    for shade in range(40):
        picture(tmp_path / f"{shade:02}.png", shade)
    files = read_files(tmp_path)
    assert len(list(files.spread(10))) == 10
    processes = [worker._process.pid for worker in files._spare[0] if worker]
    assert [item.id for item in files] == [f"{shade:02}.png" for shade in range(40)]
    assert processes == [worker._process.pid for worker in files._spare[0] if worker][: len(processes)]
    assert len(list(islice(files.spread(10), 10))) == 10  # nobody asked whether there was another
    assert processes == [worker._process.pid for worker in files._spare[0] if worker][: len(processes)]
    next(iter(files))  # broken off: its workers hold answers that nobody fetched
    assert [item.id for item in files] == [f"{shade:02}.png" for shade in range(40)]
    assert processes != [worker._process.pid for worker in files._spare[0] if worker]


def test_workers_begin_while_the_folder_is_walked_if_all_of_it_is_to_be_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for shade in range(20):
        picture(tmp_path / "pictures" / f"{shade:02}.png", shade)
    (tmp_path / "note.txt").write_text("plain texts are read without")

    def running(files: FileCollection) -> int:
        return sum(worker is not None for crew in files._spare for worker in crew)

    assert running(read_files(tmp_path)) == 0
    assert running(read_files(tmp_path, kind="documents", start_workers=True)) == 0
    files = read_files(tmp_path, start_workers=True)
    processes = [worker._process.pid for worker in files._spare[0] if worker]
    assert len(processes) == min(2, os.cpu_count() or 1)  # 16 files a worker at a time
    assert len(list(files)) == 20
    assert [worker._process.pid for worker in files._spare[0] if worker] == processes


def test_a_script_needs_no_main_guard_and_its_folder_lends_no_modules(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 3)
    (tmp_path / "PIL.py").write_text("raise SystemExit('taken over')")
    (tmp_path / "json.py").write_text("raise SystemExit('taken over')")
    script = f"from aesearch.readers.folder import read_files; print(len(list(read_files({str(tmp_path)!r}))))"
    (tmp_path / "script.txt").write_text(script)
    out = subprocess.run(
        [sys.executable, "-P", "script.txt"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert out.stdout == "1\n"


@pytest.mark.parametrize("damage", [b"", b"no picture"])
def test_an_unreadable_file_is_answered_with_its_reason(damage: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(damage)
    worker = Worker()
    worker.send([str(tmp_path / "bad.png"), str(tmp_path / "gone.png")], {})
    empty, gone = worker.receive()
    assert isinstance(empty, Unreadable)
    assert isinstance(gone, Unreadable)
    assert "No such file" in gone.why
