"""A worker returns the items of a reader. A file that crashes or hangs its decoder costs only itself."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.collection import FILES_PER_REQUEST
from aesearch.readers.folder import FileCollection, read_files
from aesearch.readers.images import read
from aesearch.readers.workers import Worker

Blocker = Callable[[Path], subprocess.Popen[str]]


def write_image(path: Path, shade: int = 0) -> str:
    Image.fromarray(np.full((40, 30, 3), shade, np.uint8)).save(path)
    return str(path)


def summarize(results: list[Item | Unreadable]) -> list[int | str]:
    """Return the shade of each image, or why it is missing."""
    return [
        result.reason if isinstance(result, Unreadable) else int(np.asarray(result.content).flat[0]) for result in results
    ]


def process_ids(files: FileCollection) -> list[int]:
    return [worker._process.pid for worker in files._idle_pools[0]._workers if worker]


def test_worker_returns_what_the_reader_yields(tmp_path: Path) -> None:
    gray = tmp_path / "gray ü\n.png"
    Image.fromarray(np.arange(600, dtype=np.uint8).reshape(20, 30)).save(gray)
    color = write_image(tmp_path / "a.png", 7)
    worker = Worker()
    worker.send([str(gray), color], {})
    worker.send([color], {"size": [8, 9]})
    for found, path in zip(worker.receive(), (gray, Path(color)), strict=True):
        expected = next(read(path))
        assert isinstance(found, Item)
        assert (found.digest, found.path) == (expected.digest, expected.path)
        np.testing.assert_array_equal(np.asarray(found.content), np.asarray(expected.content))
    (small,) = worker.receive()
    assert isinstance(small, Item)
    assert np.asarray(small.content).shape == (9, 8, 3)


@pytest.mark.parametrize("content", [b"", b"not an image"], ids=["empty", "text"])
def test_worker_returns_reasons_for_unreadable_files(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(content)
    worker = Worker()
    worker.send([str(tmp_path / "bad.png"), str(tmp_path / "gone.png")], {})
    bad, gone = worker.receive()
    assert isinstance(bad, Unreadable)
    assert not bad.transient
    assert isinstance(gone, Unreadable)
    assert gone.transient
    assert "No such file" in gone.reason


def test_worker_gives_up_a_file_that_hangs(block_file: Blocker, tmp_path: Path) -> None:
    good = [write_image(tmp_path / f"{shade}.png", shade) for shade in range(4)]
    hangs = write_image(tmp_path / "hangs.png", 99)
    holder = block_file(tmp_path / "hangs.png")
    worker = Worker(timeout=1.0)
    worker.send([*good[:2], hangs, good[2]], {})
    worker.send([good[3]], {})
    results = worker.receive()
    reason = "reading took longer than 1 s"
    assert summarize(results) == [0, 1, reason, 2]
    assert isinstance(results[2], Unreadable)
    assert results[2].transient
    assert summarize(worker.receive()) == [3]
    holder.kill()
    worker.send([hangs], {})
    assert summarize(worker.receive()) == [99]


def test_worker_returns_warnings(tmp_path: Path) -> None:
    frames = [Image.new("L", (8, 8), shade) for shade in (1, 2)]
    frames[0].save(tmp_path / "animation.gif", save_all=True, append_images=frames[1:])
    worker = Worker()
    worker.send([str(tmp_path / "animation.gif"), write_image(tmp_path / "a.png")], {})
    animation, image = worker.receive()
    assert isinstance(animation, Item)
    assert animation.warning == "only the first of 2 frames or pages was read"
    assert isinstance(image, Item)
    assert image.warning is None


def test_worker_names_a_file_that_crashes(block_file: Blocker, tmp_path: Path) -> None:
    good = write_image(tmp_path / "good.png", 5)
    crashes = write_image(tmp_path / "crashes.png")
    block_file(tmp_path / "crashes.png")  # the worker waits for it while it is killed
    worker = Worker()

    def crash() -> None:
        for _ in range(2):  # once as one of two files, once alone
            process = worker._process
            time.sleep(0.5)
            process.send_signal(signal.SIGSEGV)
            while worker._process is process:
                time.sleep(0.01)

    worker.send([good, crashes], {})
    worker.send([good], {})
    killer = threading.Thread(target=crash, daemon=True)
    killer.start()
    # The new process gets the second request, too, and the good file of the first is read again.
    assert summarize(worker.receive()) == [5, f"the decoder crashed (signal {signal.SIGSEGV.value})"]
    assert summarize(worker.receive()) == [5]
    killer.join()


def test_process_ends_with_its_worker() -> None:
    worker = Worker()
    process = worker._process
    assert process.poll() is None
    del worker
    assert process.poll() is not None


def test_collection_reuses_its_workers(tmp_path: Path) -> None:
    for shade in range(40):
        write_image(tmp_path / f"{shade:02}.png", shade)
    names = [f"{shade:02}.png" for shade in range(40)]
    files = read_files(tmp_path)
    assert len(list(files.sample(10))) == 10
    first = process_ids(files)
    assert [item.id for item in files] == names
    started = process_ids(files)
    assert started[: len(first)] == first
    assert len(list(islice(files.sample(10), 10))) == 10  # stops before the iterator is exhausted
    assert process_ids(files) == started
    next(iter(files))  # interrupted: its workers hold results that nobody received
    assert [item.id for item in files] == names
    assert not set(process_ids(files)) & set(started)


def test_workers_start_during_the_walk_if_requested(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for shade in range(FILES_PER_REQUEST + 4):
        write_image(tmp_path / "images" / f"{shade:02}.png", shade)
    (tmp_path / "note.txt").write_text("plain text is read without a worker")
    assert process_ids(read_files(tmp_path)) == []
    assert process_ids(read_files(tmp_path, kind="documents", start_workers=True)) == []
    files = read_files(tmp_path, start_workers=True)
    started = process_ids(files)
    assert len(started) == min(2, os.cpu_count() or 1)
    assert len(list(files)) == FILES_PER_REQUEST + 4
    assert process_ids(files) == started


def test_script_needs_no_main_guard_and_provides_no_modules(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", 3)
    for module in ("PIL", "json"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('imported from the folder of images')")
    script = (
        f"from aesearch.readers.folder import read_files; print(len(list(read_files({str(tmp_path)!r}, kind='images'))))"
    )
    (tmp_path / "script.txt").write_text(script)
    done = subprocess.run(
        [sys.executable, "-P", "script.txt"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "1\n"


def test_worker_imports_no_heavy_modules() -> None:
    script = "import aesearch.readers.workers, aesearch.readers.images, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    modules = set(loaded.stdout.split())
    assert "PIL.JpegImagePlugin" in modules
    assert not modules & {"numpy", "torch", "PIL.PngImagePlugin", "PIL.ImageOps", "sqlite3"}
