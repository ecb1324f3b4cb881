"""A sync reads only what changed, and an index is then as if it had always been of these files."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch.errors import WrongKind
from aesearch.index.progress import Progress
from aesearch.index.retriever import Retriever
from aesearch.index.storage import load_state
from aesearch.index.sync import Changes, KnownItems, Synchronizer
from aesearch.items import Hit, Item, Skip, SkipCategory
from aesearch.readers.folder import read_files

Snapshot = Callable[[Retriever], tuple[Any, ...]]

NO_CHANGES = Changes(0, 0, 0)


def ids(hits: list[Hit]) -> list[str]:
    return [hit.id for hit in hits]


def test_sync_applies_only_changes(notes: Path, notes_index: Path) -> None:
    retriever = Retriever.load(notes_index)
    assert retriever.sync(read_files(notes)) == NO_CHANGES
    removed, changed, touched, *_ = sorted(notes.rglob("*.txt"))
    removed.unlink()
    changed.write_text("a thread waits for a lock, and a lock for a thread")
    os.utime(touched, (1, 1))
    (notes / "new").mkdir()
    (notes / "new" / "note.txt").write_text("a socket listens on a port until the server closes the socket")
    (notes / "new" / "empty.txt").write_text("")
    assert retriever.sync(read_files(notes)) == Changes(added=1, updated=1, removed=1)
    retriever.save(notes_index)
    loaded = Retriever.load(notes_index)
    assert len(loaded) == len(loaded.ledger) == 60
    assert {path: skip.category for path, skip in loaded.ledger.skipped.items()} == {
        "new/empty.txt": SkipCategory.UNREADABLE
    }
    assert removed.relative_to(notes).as_posix() not in ids(loaded.query("a thread", k=60))
    assert ids(loaded.query(changed.read_text(), k=1)) == [changed.relative_to(notes).as_posix()]
    assert ids(loaded.query((notes / "new" / "note.txt").read_text(), k=1)) == ["new/note.txt"]


def test_unchanged_unreadable_file_stays_skipped(notes: Path, notes_index: Path) -> None:
    (notes / "empty.txt").write_text("")
    retriever = Retriever.load(notes_index)
    retriever.sync(read_files(notes))
    skipped = retriever.ledger.skipped
    assert list(skipped) == ["empty.txt"]
    assert retriever.sync(read_files(notes)) == NO_CHANGES
    assert retriever.ledger.skipped == skipped


def test_skipped_row_of_unchanged_table_stays_skipped(tmp_path: Path) -> None:
    table = tmp_path / "notes.csv"
    table.write_text("id,text\na,threads and locks\nb,sockets and locks\na,threads and sockets\n")
    retriever = Retriever.build(table, coder="lsa", code_size=1)
    skipped = {"a": Skip(SkipCategory.DUPLICATE_ID, "an earlier item has the same id")}
    assert retriever.ledger.skipped == skipped
    assert retriever.sync(read_files(table)) == NO_CHANGES
    assert retriever.ledger.skipped == skipped


def test_new_label_updates_item(tmp_path: Path) -> None:
    table = tmp_path / "notes.csv"
    table.write_text("id,text,label\na,threads and locks,x\nb,sockets and locks,y\n")
    retriever = Retriever.build(table, coder="lsa", code_size=1)
    table.write_text("id,text,label\na,threads and locks,z\nb,sockets and locks,y\n")
    assert retriever.sync(read_files(table)) == Changes(0, 1, 0)
    assert {row.id: row.label for row in retriever.ledger.all_rows()} == {"a": "z", "b": "y"}


def test_file_that_became_unreadable_is_removed(notes: Path, notes_index: Path) -> None:
    retriever = Retriever.load(notes_index)
    (notes / "threads" / "00.txt").write_text("")
    assert retriever.sync(read_files(notes)) == Changes(0, 0, 1)
    assert list(retriever.ledger.skipped) == ["threads/00.txt"]


def test_item_that_no_longer_fits_is_removed(tmp_path: Path) -> None:
    for number in range(12):
        np.save(tmp_path / f"{number}.npy", np.random.default_rng(number).standard_normal((2, 6)))
    retriever = Retriever.build(tmp_path, coder="pca", code_size=4)
    np.save(tmp_path / "3.npy", np.ones((2, 7)))
    assert retriever.sync(read_files(tmp_path)) == Changes(0, 0, 2)


def test_transient_error_keeps_items_and_is_retried(
    notes: Path, notes_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    retriever = Retriever.load(notes_index)
    (notes / "threads" / "00.txt").write_text("sockets and locks")

    def fail(path: object, *_: object) -> bytes:
        raise OSError(5, "Input/output error", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("aesearch.readers.text.read_bytes", fail)
        assert retriever.sync(read_files(notes)) == NO_CHANGES
    skip = retriever.ledger.skipped["threads/00.txt"]
    assert skip.category == SkipCategory.INACCESSIBLE
    assert "Input/output error" in skip.reason
    assert retriever.ledger.rows_by_id(["threads/00.txt"])
    assert retriever.sync(read_files(notes)) == Changes(0, 1, 0)
    assert retriever.ledger.skipped == {}


def test_accessible_link_is_no_longer_skipped(notes: Path, notes_index: Path) -> None:
    (notes / "link.txt").symlink_to(notes.parent / "target.txt")
    (notes.parent / "target.txt").write_text("sockets and locks")
    retriever = Retriever.load(notes_index)
    assert retriever.sync(read_files(notes)) == Changes(1, 0, 0)
    (notes.parent / "target.txt").rename(notes.parent / "away.txt")
    assert retriever.sync(read_files(notes)) == NO_CHANGES
    assert retriever.ledger.skipped["link.txt"].category == SkipCategory.INACCESSIBLE
    (notes.parent / "away.txt").rename(notes.parent / "target.txt")
    assert retriever.sync(read_files(notes)) == NO_CHANGES
    assert retriever.ledger.skipped == {}


@pytest.mark.parametrize("bits", [False, True])
def test_renamed_folder_is_not_encoded_again(bits: bool, notes: Path, tmp_path: Path) -> None:
    retriever = Retriever.build(notes, coder="lsa", code_size=16, bits=bits)
    texts = [path.read_text() for path in sorted(notes.rglob("*.txt"))[:10]]

    def names_and_distances() -> list[list[tuple[str, float]]]:
        found = retriever.query_many(texts, k=60)
        return [sorted((hit.id.replace("renamed", "files"), round(hit.distance, 4)) for hit in hits) for hits in found]

    before = names_and_distances()
    (notes / "files").rename(notes / "renamed")
    retriever._state.coder, coder = None, retriever.coder  # type: ignore[assignment]  # encoding must fail
    assert retriever.sync(read_files(notes)) == Changes(0, 0, 0, moved=20)
    retriever._state.coder = coder
    assert names_and_distances() == before


def test_renamed_table_keeps_codes_of_its_rows(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("id,text\na,threads and locks\nb,sockets and locks\n")
    retriever = Retriever.build(table, coder="lsa", code_size=1)
    table = table.rename(tmp_path / "b.csv")
    assert retriever.sync(read_files(table)) == Changes(0, 0, 0, moved=2)
    assert {row.path for row in retriever.ledger.all_rows()} == {"b.csv"}


def test_rows_of_merged_tables_keep_their_own_codes(tmp_path: Path) -> None:
    header, *rows = ["id,text", "0,threads and locks", "1,sockets and files", "0,words and letters", "1,locks and files"]
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.csv").write_text("\n".join([header, *rows[:2]]))
    (folder / "b.csv").write_text("\n".join([header, *rows[2:]]))
    retriever = Retriever.build(folder, coder="lsa", code_size=3)
    for path in folder.iterdir():
        path.unlink()
    (folder / "all.csv").write_text("\n".join([header, *rows]))
    retriever.sync(read_files(folder))
    assert len(retriever) == 2
    digests = {row.id: row.digest for row in retriever.ledger.all_rows()}
    for item in read_files(folder):
        if digests[item.id] == item.digest:
            assert item.id in [hit.id for hit in retriever.query(item, k=4) if hit.distance < 1e-4]


@pytest.mark.parametrize("n_batches", [1, 2, 3])
def test_interrupted_sync_resumes_from_the_last_save(
    n_batches: int, notes: Path, notes_index: Path, snapshot: Snapshot, interrupted: type[Exception]
) -> None:
    for number, path in enumerate(sorted(notes.rglob("*.txt"))):
        text = path.read_text()
        match number % 4:
            case 0:
                path.write_text(f"{text} threads and sockets {number}")
            case 1:
                path.rename(path.with_name(f"moved-{path.name}"))
            case 2:
                path.write_text("")  # it was an item, and is none anymore
            case 3:
                path.with_name(f"new-{path.name}").write_text(f"{text} locks and files {number}")
    uninterrupted = Retriever.load(notes_index)
    assert uninterrupted.sync(read_files(notes)) == Changes(15, 15, 15, 15)
    retriever = Retriever.load(notes_index)
    progress: list[int] = []

    def save_and_fail(report: Progress) -> None:
        progress.append(report.done)
        if len(progress) == n_batches:
            retriever.save(notes_index)
        if len(progress) == n_batches + 1:
            raise interrupted

    with pytest.raises(interrupted):
        Synchronizer(retriever._state, read_files(notes)).run(save_and_fail, batch_size=10)
    resumed = Retriever.load(notes_index)
    resumed.verify()
    progress.clear()
    changes = Synchronizer(resumed._state, read_files(notes)).run(
        lambda report: progress.append(report.done), batch_size=10
    )
    assert changes.added + changes.updated + changes.moved == 45 - 10 * n_batches
    assert progress[-1] == 46 - 10 * n_batches  # the last file of the saved batch is read again
    assert snapshot(resumed) == snapshot(uninterrupted)
    assert [skip.category for skip in resumed.ledger.skipped.values()] == [SkipCategory.UNREADABLE] * 15


def test_sync_needs_files_of_the_same_kind(notes_index: Path, image_folder: Path) -> None:
    with pytest.raises(WrongKind, match="cannot sync an index of documents with images; use another index"):
        Retriever.load(notes_index).sync(read_files(image_folder))


def test_synchronizer_changes_nothing_before_it_runs(notes: Path, notes_index: Path) -> None:
    (notes / "threads" / "00.txt").write_text("sockets and locks")
    state = load_state(notes_index)
    files = state.ledger.files()
    Synchronizer(state, read_files(notes))
    assert (state.ledger.files(), state.unsaved) == (files, set())


def test_sync_of_images_without_changes_reads_nothing(image_index: Path) -> None:
    retriever = Retriever.load(image_index)
    reports: list[Progress] = []
    assert retriever.sync(retriever.source_files(), reports.append) == NO_CHANGES
    assert reports == []


def test_items_without_digest_are_never_moved() -> None:
    row = next(iter(make_rows(Item("a", "text", path="old.txt"))))
    known = KnownItems([row], {"old.txt"})
    comparison = known.compare([Item("b", "text", path="new.txt")])
    assert [item.id for item in comparison.to_encode] == ["b"]
    assert known.take_remaining(["old.txt"]) == [row]


def make_rows(*items: Item) -> list[Any]:
    from aesearch.index.ledger import Ledger

    ledger = Ledger.create()
    ledger.add(items)
    return list(ledger.all_rows())
