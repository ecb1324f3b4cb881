"""Threads may share a retriever: every answer is complete, and right for one of the states of the index."""

import importlib.util
import threading
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from aesearch.errors import CorruptIndex
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.stores.flat import FlatStore
from aesearch.stores.locks import ReadWriteLock

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "threads.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("threads_benchmark", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("store", ["float", "bits", "sparse"])
@pytest.mark.parametrize("seconds", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_threads_get_right_answers(store: str, seconds: float, script: ModuleType, tmp_path: Path) -> None:
    counts = script.run_threads(store, seconds, tmp_path / "index")
    assert counts.keys() == {"right", "changes", "saves"}, counts
    Retriever.load(tmp_path / "index").verify()


def test_replaced_item_is_never_missing(notes_index: Path) -> None:
    retriever = Retriever.load(notes_index)
    retriever.add([Item("note", "a socket and a server")])
    stop = time.monotonic() + 1
    found: list[bool] = []

    def query() -> None:
        while time.monotonic() < stop:
            hits = retriever.query("a socket and a server", k=61)
            found.append(len(hits) == 61 and "note" in [hit.id for hit in hits])

    threads = [threading.Thread(target=query) for _ in range(3)]
    for thread in threads:
        thread.start()
    while time.monotonic() < stop:
        retriever.add([Item("note", "a socket and a server")])
    for thread in threads:
        thread.join()
    assert found
    assert all(found)


def test_save_refuses_codes_of_other_items(notes_index: Path) -> None:
    retriever = Retriever.load(notes_index)
    row = next(retriever.ledger.all_rows())
    codes = retriever.store.codes(np.array([row.key]))
    retriever.store.remove(np.array([row.key]))
    retriever.store.add(np.array([row.key + 1]), codes)
    with pytest.raises(CorruptIndex, match="was not changed"):
        retriever.save(notes_index)
    Retriever.load(notes_index).verify()


def test_writer_waits_for_readers_and_goes_before_later_ones() -> None:
    lock = ReadWriteLock()
    events: list[str] = []
    is_reading, may_finish = threading.Event(), threading.Event()

    def read_first() -> None:
        with lock.read(), lock.read():  # a thread that reads may read again, even while a writer waits
            is_reading.set()
            may_finish.wait(10)
            with lock.read():
                events.append("first reader")

    def write() -> None:
        with lock.write(), lock.write(), lock.read():
            events.append("writer")

    def read_later() -> None:
        with lock.read():
            events.append("later reader")

    threads = [threading.Thread(target=read_first)]
    threads[0].start()
    assert is_reading.wait(10)
    threads += [threading.Thread(target=write)]
    threads[1].start()
    while not lock._n_waiting_writers:
        time.sleep(0.001)
    threads += [threading.Thread(target=read_later)]
    threads[2].start()
    may_finish.set()
    for thread in threads:
        thread.join(10)
    assert events == ["first reader", "writer", "later reader"]


def test_reader_cannot_become_writer() -> None:
    store = FlatStore("l2", 1)
    with store.lock.read(), pytest.raises(RuntimeError, match="wait for itself"):
        store.add(np.array([1]), np.zeros((1, 1), np.float32))
    store.add(np.array([1]), np.zeros((1, 1), np.float32))
    assert len(store) == 1
