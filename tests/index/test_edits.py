"""Items can be added and removed, and the store and the ledger always change together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch.errors import InvalidParameter, WrongKind
from aesearch.features.vectors import Vectors
from aesearch.index.edits import Prepared, batches, register_items
from aesearch.index.ledger import Ledger, key_of
from aesearch.index.record import MAX_RECENT_KEYS
from aesearch.index.retriever import Retriever
from aesearch.items import Item, Skip, SkipCategory

Snapshot = Callable[[Retriever], tuple[Any, ...]]


def test_added_items_are_found_until_removed(notes_index: Path, snapshot: Snapshot) -> None:
    retriever = Retriever.load(notes_index)
    before = snapshot(retriever)
    items = [Item("new/1", "threads and a lock of a thread in a process", "new"), Item("new/2", "a socket", "new")]
    assert retriever.add(items) == 2
    assert len(retriever) == len(retriever.ledger) == 62
    assert retriever.query(str(items[0].content), k=1)[0].id == "new/1"
    retriever.save(notes_index)
    loaded = Retriever.load(notes_index)
    assert loaded.remove(["new/1", "new/2", "absent"]) == 2
    loaded.save(notes_index)
    assert snapshot(Retriever.load(notes_index)) == before


def test_item_replaces_the_one_with_same_id(notes_index: Path) -> None:
    retriever = Retriever.load(notes_index)
    retriever.add([Item("note", "a thread and a lock")])
    retriever.add([Item("note", "an old text"), Item("note", "a socket and a file")])
    assert len(retriever) == 61
    excerpts = [hit.excerpt for hit in retriever.query("a socket and a file", k=61) if hit.id == "note"]
    assert excerpts == ["a socket and a file"]


def test_added_items_are_counted(notes_index: Path) -> None:
    retriever = Retriever.load(notes_index)
    retriever.add(Item(str(number), "a thread") for number in range(300))
    retriever.save(notes_index)
    added = Retriever.load(notes_index).record.added
    assert added.count == 300
    assert list(added.recent_keys) == [key_of(str(number)) for number in range(300 - MAX_RECENT_KEYS, 300)]


def test_item_of_other_kind_leaves_index_consistent(notes_index: Path) -> None:
    retriever = Retriever.load(notes_index)
    with pytest.raises(WrongKind, match='"b"'):
        retriever.add([Item("a", "a thread"), Item("b", np.zeros((8, 8), np.uint8))])
    assert len(retriever) == len(retriever.ledger) == 60
    retriever.save(notes_index)
    assert len(Retriever.load(notes_index)) == 60


def test_item_that_does_not_fit_is_named() -> None:
    vectors = [Item(str(number), np.random.default_rng(number).standard_normal(6)) for number in range(12)]
    retriever = Retriever.build(vectors, coder="pca", code_size=2)
    with pytest.raises(InvalidParameter, match='cannot add "x": '):
        retriever.add([Item("x", np.ones(7))])
    assert len(retriever) == 12


def test_failed_encoding_leaves_index_consistent(notes_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    retriever = Retriever.load(notes_index)

    def fail(X: object) -> None:
        raise MemoryError

    monkeypatch.setattr(retriever.coder, "encode", fail)
    with pytest.raises(MemoryError):
        retriever.add([Item("a", "a thread")])
    assert len(retriever.store) == len(retriever.ledger) == 60


def test_changes_do_not_reach_the_file_before_save(notes_index: Path) -> None:
    retriever = Retriever.load(notes_index)
    retriever.remove(["threads/00.txt"])
    assert len(Retriever.load(notes_index)) == 60


def test_register_items_explains_skips() -> None:
    ledger, skips = Ledger.create(), dict[str, Skip]()
    features = Vectors().fit([Item("x", np.ones(3))])
    items = [Item("a", np.ones(3)), Item("b", np.ones(4)), Item("a", np.zeros(3))]
    registered, passages = register_items(ledger, Prepared(items, None, {}), features, skips)
    assert registered == {key_of("a"): items[0]}
    assert not passages
    assert {id: skip.category for id, skip in skips.items()} == {
        "b": SkipCategory.INCOMPATIBLE,
        "a": SkipCategory.DUPLICATE_ID,
    }


def test_batches_are_full_except_the_last() -> None:
    items = [Item(str(number), "") for number in range(7)]
    assert list(batches(items, 3)) == [items[:3], items[3:6], items[6:]]
    assert list(batches([], 3)) == []
