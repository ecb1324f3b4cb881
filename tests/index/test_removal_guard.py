"""What cannot be looked at is not deleted, and a sync that would remove most items is refused."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from aesearch.errors import TooManyRemovals
from aesearch.index.removals import is_inaccessible
from aesearch.index.retriever import Retriever
from aesearch.index.sync import Changes, Synchronizer
from aesearch.index.update import index_files
from aesearch.items import SkipCategory
from aesearch.readers.folder import read_files

NO_CHANGES = Changes(0, 0, 0)


def fail_to_encode(*_: object) -> None:
    raise AssertionError("encoded again")


@pytest.fixture
def linked_notes(notes: Path, tmp_path: Path) -> Path:
    """Return `notes` with its folders "networks" and "threads" as links to folders elsewhere."""
    for topic in ("networks", "threads"):
        (notes / topic).rename(tmp_path / topic)
        (notes / topic).symlink_to(tmp_path / topic)
    return notes


def test_items_below_broken_link_are_kept(linked_notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "index"
    index_files(folder, read_files(linked_notes), coder="lsa", code_size=16)
    before = Retriever.load(folder)
    for topic in ("networks", "threads"):
        (tmp_path / topic).rename(tmp_path / f"{topic}-away")
    report = index_files(folder, read_files(linked_notes))
    assert (report.items, report.removed, report.added) == (60, 0, 0)
    assert {name for name, skip in report.skipped.items() if skip.category is SkipCategory.INACCESSIBLE} == {
        "networks",
        "threads",
    }
    kept = Retriever.load(folder)
    assert list(kept.ledger.all_rows()) == list(before.ledger.all_rows())
    assert kept.ledger.files() == before.ledger.files()
    for topic in ("networks", "threads"):
        (tmp_path / f"{topic}-away").rename(tmp_path / topic)
    monkeypatch.setattr(type(kept.coder), "encode", fail_to_encode)
    report = index_files(folder, read_files(linked_notes))
    assert (report.items, report.removed, report.added, report.skipped) == (60, 0, 0, {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root opens every folder")
def test_items_of_unreadable_folder_are_kept(notes: Path, notes_index: Path) -> None:
    (notes / "threads").chmod(0)
    retriever = Retriever.load(notes_index)
    assert retriever.sync(read_files(notes)) == NO_CHANGES
    assert retriever.ledger.skipped["threads"].category is SkipCategory.INACCESSIBLE


def test_retraining_needs_all_files(linked_notes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    index_files(folder, read_files(linked_notes), coder="lsa", code_size=16)
    (tmp_path / "threads").rename(tmp_path / "away")
    with pytest.raises(TooManyRemovals, match=r"20 of 60 items would be removed.* cannot be read again"):
        index_files(folder, read_files(linked_notes), retrain=True)
    with pytest.raises(TooManyRemovals):
        index_files(folder, read_files(linked_notes), rebuild=True, coder="lsa", code_size=16)
    assert index_files(folder, read_files(linked_notes), retrain=True, allow_removals=True).items == 40


def test_sync_that_removes_most_items_is_refused(notes: Path, notes_index: Path) -> None:
    shutil.rmtree(notes / "threads")
    for path in sorted(notes.rglob("*.txt"))[:11]:
        path.unlink()
    (notes / "README.txt").write_text("a socket listens on a port")
    retriever = Retriever.load(notes_index)
    with pytest.raises(TooManyRemovals, match=r"nothing was changed: 31 of 60 items .*--allow-removals") as error:
        retriever.sync(read_files(notes))
    assert (error.value.n_removed, error.value.n_items) == (31, 60)
    assert retriever._state.unsaved == set()
    with pytest.raises(TooManyRemovals):
        index_files(notes_index, read_files(notes))
    report = index_files(notes_index, read_files(notes), allow_removals=True)
    assert (report.items, report.removed, report.added) == (30, 31, 1)


def test_sync_that_removes_half_of_the_items_is_allowed(notes: Path, notes_index: Path) -> None:
    for path in sorted(notes.rglob("*.txt"))[:30]:
        path.unlink()
    (notes / "files" / ".keep").touch()
    assert Retriever.load(notes_index).sync(read_files(notes)).removed == 30


def test_truncated_files_count_as_removed(notes: Path, notes_index: Path) -> None:
    for path in sorted(notes.rglob("*.txt"))[:31]:
        path.write_text("")
    with pytest.raises(TooManyRemovals, match="31 of 60"):
        Retriever.load(notes_index).sync(read_files(notes))


def test_empty_mount_point_is_refused(notes: Path, notes_index: Path) -> None:
    for path in (notes / "threads").iterdir():
        path.unlink()
    with pytest.raises(TooManyRemovals, match=r"20 of 60 .* not mounted \(threads\)"):
        Retriever.load(notes_index).sync(read_files(notes))
    (notes / "threads").rmdir()
    assert Retriever.load(notes_index).sync(read_files(notes)).removed == 20


def test_moved_folders_are_no_removal(notes: Path, notes_index: Path) -> None:
    (notes / "everything").mkdir()
    for topic in ("files", "networks", "threads"):
        shutil.copytree(notes / topic, notes / "everything" / topic)
        shutil.rmtree(notes / topic)
    assert Retriever.load(notes_index).sync(read_files(notes)) == Changes(0, 0, 0, moved=60)


def test_interrupted_move_is_resumed(notes: Path, notes_index: Path, interrupted: type[Exception]) -> None:
    (notes / "everything").mkdir()
    for topic in ("files", "networks", "threads"):
        (notes / topic).rename(notes / "everything" / topic)
    retriever = Retriever.load(notes_index)

    def save_and_fail(_: object) -> None:
        retriever.save(notes_index)
        raise interrupted

    with pytest.raises(interrupted):
        Synchronizer(retriever._state, read_files(notes)).run(save_and_fail, batch_size=20)
    resumed = Retriever.load(notes_index)
    assert resumed.sync(read_files(notes)).moved >= 40
    assert len(resumed) == 60


def test_small_index_may_lose_everything(tmp_path: Path) -> None:
    for number in range(12):
        np.save(tmp_path / f"{number}.npy", np.random.default_rng(number).standard_normal((1, 6)))
    retriever = Retriever.build(tmp_path, coder="pca", code_size=4)
    for number in range(11):
        (tmp_path / f"{number}.npy").unlink()
    assert retriever.sync(read_files(tmp_path)) == Changes(0, 0, 11)


def test_paths_below_inaccessible_folder_are_inaccessible() -> None:
    assert is_inaccessible("a/b/c.txt", {"a/b": "why"})
    assert is_inaccessible("a/b", {"a/b": "why"})
    assert not is_inaccessible("a/bc.txt", {"a/b": "why"})
    assert is_inaccessible("a.txt", {".": "why"})
    assert not is_inaccessible("/elsewhere/a.txt", {".": "why"})
