"""A thread reads files in order. A file that hangs costs only itself, and is named while it is waited for."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from aesearch.errors import Unreadable
from aesearch.items import Item, SkipCategory
from aesearch.readers import waiting
from aesearch.readers.folder import read_files
from aesearch.readers.threads import CHUNK_RESULTS, ThreadReader

Blocker = Callable[[Path], subprocess.Popen[str]]


def n_threads() -> int:
    return sum(thread.name == "aesearch reader" for thread in threading.enumerate())


def read_numbers(path: str) -> Iterator[Item | Unreadable]:
    """Yield as many items as the path says."""
    for number in range(int(path)):
        yield Item(str(number), f"{path}/{number}")


def test_results_are_in_order() -> None:
    counts = ["3", "0", str(3 * CHUNK_RESULTS), "1"]
    expected = [f"{count}/{number}" for count in counts for number in range(int(count))]
    reader = ThreadReader(Path(), read_numbers)
    for _ in range(2):
        results = list(reader.read(counts, 10))
        assert [item.content for _, item in results if isinstance(item, Item)] == expected
        assert [path for path, _ in results] == [content.partition("/")[0] for content in expected]
    reader.close()


def test_thread_reads_only_what_is_requested() -> None:
    n_read = 0

    def read(path: str) -> Iterator[Item | Unreadable]:
        nonlocal n_read
        for item in read_numbers(path):
            n_read += 1
            yield item

    reader = ThreadReader(Path(), read)
    assert len(list(islice(reader.read(["1000"], 10), 10))) == 10
    assert n_read == CHUNK_RESULTS
    reader.close()


def test_large_results_are_read_one_at_a_time() -> None:
    n_read = 0

    def read(path: str) -> Iterator[Item | Unreadable]:
        nonlocal n_read
        for _ in range(10):
            n_read += 1
            yield Item("", "x" * (2 << 20))

    reader = ThreadReader(Path(), read)
    next(reader.read([""], 10))
    assert n_read == 1
    reader.close()


def test_threads_end_with_their_reader() -> None:
    before = n_threads()
    reader = ThreadReader(Path(), read_numbers)
    assert len(list(reader.read(["5"], 10))) == 5
    assert n_threads() >= 1
    reader.close()
    for _ in range(100):
        if n_threads() <= before:
            break
        threading.Event().wait(0.02)
    assert n_threads() <= before


def test_file_that_hangs_costs_only_itself() -> None:
    is_released = threading.Event()

    def read(path: str) -> Iterator[Item | Unreadable]:
        yield Item("", path)
        if path == "b":
            is_released.wait(30)
            yield Item("", "too late")

    reader = ThreadReader(Path(), read)
    results = list(reader.read(["a", "b", "c"], 0.3))
    is_released.set()
    assert [(path, item.content) for path, item in results if isinstance(item, Item)] == [
        ("a", "a"),
        ("b", "b"),
        ("c", "c"),
    ]
    (unreadable,) = (result for _, result in results if isinstance(result, Unreadable))
    assert unreadable.path == "b"
    assert unreadable.transient
    assert unreadable.reason == "reading took longer than 0 s"
    reader.close()


@pytest.mark.parametrize("ending", ["txt", "jsonl", "html"])
def test_file_that_cannot_be_opened_in_time_is_retried(
    ending: str, block_file: Blocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(waiting, "READ_TIMEOUT_SECONDS", 1.5)
    monkeypatch.setattr(waiting, "NOTICE_SECONDS", 0.7)
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.{ending}").write_text('{"text": "some words"}')
    holder = block_file(tmp_path / f"b.{ending}")
    files = read_files(tmp_path)
    assert [item.path for item in files] == [f"a.{ending}", f"c.{ending}"]
    assert files.retry == files.timeouts == {f"b.{ending}"}
    skip = files.skipped[f"b.{ending}"]
    assert skip.category is SkipCategory.INACCESSIBLE
    assert skip.reason == "reading took longer than 2 s"
    assert f"still waiting for {tmp_path / f'b.{ending}'}" in caplog.text
    holder.kill()
    assert len(list(files.subset([f"b.{ending}"]))) == 1


def test_time_limit_grows_with_the_size() -> None:
    assert waiting.read_timeout(0) == waiting.READ_TIMEOUT_SECONDS
    assert waiting.read_timeout(600 << 20) == waiting.READ_TIMEOUT_SECONDS + 600


def test_single_file_is_not_waited_for_forever(
    block_file: Blocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "READ_TIMEOUT_SECONDS", 0.5)
    (tmp_path / "query.txt").write_text("some words")
    block_file(tmp_path / "query.txt")
    files = read_files(tmp_path / "query.txt")
    assert list(files) == []
    assert files.retry == {"query.txt"}
