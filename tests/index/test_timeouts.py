"""A file that is not read in time is tried again in later runs, a bounded number of times, and its items stay."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aesearch.errors import Unreadable
from aesearch.index.build import build_index
from aesearch.index.pending import MAX_TIMEOUTS, PENDING, count_timeouts, is_pending, pending_after
from aesearch.index.plan import BuildPlan
from aesearch.index.retriever import Retriever
from aesearch.items import Item, SkipCategory
from aesearch.readers import collection, waiting
from aesearch.readers.files import read_file
from aesearch.readers.folder import FileStat, read_files

SLOW = "threads/00.txt"
SlowDown = Callable[[], list[str]]


@pytest.fixture
def slow_down(monkeypatch: pytest.MonkeyPatch) -> SlowDown:
    """Return a function that makes reading a file too slow. It returns the list of files that are read from then on."""

    def slow_down() -> list[str]:
        read: list[str] = []

        def read_slowly(path: str, **keywords: object) -> Iterator[Item | Unreadable]:
            read.append(path)
            if path.endswith(SLOW):
                time.sleep(0.6)
            yield from read_file(path, **keywords)

        monkeypatch.setattr(waiting, "READ_TIMEOUT_SECONDS", 0.2)
        monkeypatch.setattr(collection, "read_file", read_slowly)
        return read

    return slow_down


def test_file_is_tried_a_bounded_number_of_times(notes: Path, notes_index: Path, slow_down: SlowDown) -> None:
    retriever = Retriever.load(notes_index)
    (row,) = retriever.ledger.rows_by_id([SLOW]).values()
    (notes / SLOW).write_text("another text about sockets")
    read = slow_down()
    for number in range(1, MAX_TIMEOUTS + 3):
        retriever.sync(read_files(notes))
        retriever.save(notes_index)
        retriever = Retriever.load(notes_index)
        assert len(read) == min(number, MAX_TIMEOUTS)
        assert retriever.ledger.rows_by_id([SLOW]) == {SLOW: row}  # the item of the earlier content stays
        skip = retriever.ledger.skipped[SLOW]
        if number < MAX_TIMEOUTS:
            assert skip.category is SkipCategory.INACCESSIBLE
            assert skip.reason == "reading took longer than 0 s; it is tried again at the next run"
        else:
            assert skip.category is SkipCategory.UNREADABLE
            assert f"in each of {MAX_TIMEOUTS} runs; it is tried again only if the file changes" in skip.reason


def test_changed_file_is_tried_again(notes: Path, notes_index: Path, slow_down: SlowDown) -> None:
    retriever = Retriever.load(notes_index)
    (notes / SLOW).write_text("another text about sockets")
    read = slow_down()
    for number in range(2 * MAX_TIMEOUTS):
        if number == MAX_TIMEOUTS:
            (notes / SLOW).write_text("one more text about sockets")
        retriever.sync(read_files(notes))
        assert len(read) == number + 1
    (notes / SLOW).write_text("the last text about sockets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waiting, "READ_TIMEOUT_SECONDS", 60.0)
        assert retriever.sync(read_files(notes)).updated == 1
    assert retriever.ledger.skipped == {}


def test_timeout_of_a_build_counts(notes: Path, slow_down: SlowDown) -> None:
    read = slow_down()
    retriever = Retriever(build_index(BuildPlan(read_files(notes), coder="lsa", code_size=16)))
    assert len(retriever) == 59
    assert "tried again at the next run" in retriever.ledger.skipped[SLOW].reason
    read.clear()
    for _ in range(MAX_TIMEOUTS):
        retriever.sync(read_files(notes))
    assert len(read) == MAX_TIMEOUTS - 1
    assert f"in each of {MAX_TIMEOUTS} runs" in retriever.ledger.skipped[SLOW].reason


def test_other_transient_errors_are_always_tried_again(
    notes: Path, notes_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    retriever = Retriever.load(notes_index)
    (notes / SLOW).write_text("another text about sockets")

    def fail(path: object, *_: object) -> bytes:
        raise OSError(5, "Input/output error", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("aesearch.readers.text.read_bytes", fail)
        for _ in range(MAX_TIMEOUTS + 1):
            retriever.sync(read_files(notes))
    assert retriever.sync(read_files(notes)).updated == 1


def test_record_counts_timeouts_of_an_unchanged_file() -> None:
    stat = FileStat(10, 1_000)
    record = PENDING
    for number in range(3):
        assert is_pending(record)
        assert count_timeouts(record, stat) == number
        assert count_timeouts(record, FileStat(10, 1_001)) == 0
        record = pending_after(number + 1, stat)
    assert not is_pending(stat)
    assert count_timeouts(stat, stat) == 0
