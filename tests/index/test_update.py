"""Jobs on the folder of an index: build, resume, update, retrain, add and remove."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aesearch.arrays import read_json, write_json
from aesearch.coders.linear import LSA
from aesearch.errors import Busy, CorruptIndex, InvalidParameter, NoItems, UnsupportedFormat, WrongKind
from aesearch.features.bag_of_words import BagOfWords
from aesearch.index.build import build_index
from aesearch.index.plan import BuildPlan
from aesearch.index.progress import Progress, ProgressCallback
from aesearch.index.retriever import Retriever
from aesearch.index.storage import load_state
from aesearch.index.sync import Synchronizer
from aesearch.index.update import Autosave, add_paths, index_files, remove_ids
from aesearch.items import SkipCategory
from aesearch.readers.folder import read_files

Snapshot = Callable[[Retriever], tuple[Any, ...]]

LSA_16 = {"coder": "lsa", "code_size": 16}


def test_first_call_builds_the_index(notes: Path, tmp_path: Path) -> None:
    (notes / "empty.txt").write_text("")
    report = index_files(tmp_path / "index", read_files(notes), coder="lsa", code_size=16, bits=True)
    assert (report.items, report.added, report.updated, report.removed, report.moved) == (60, 60, 0, 0, 0)
    assert (report.folder, report.kind, report.coder, report.code_size) == (tmp_path / "index", "documents", "lsa", 16)
    assert (report.bytes_per_item, report.resumed_items, report.warnings) == (2, 0, [])
    assert {path: skip.category for path, skip in report.skipped.items()} == {"empty.txt": SkipCategory.UNREADABLE}
    assert len(Retriever.load(tmp_path / "index")) == 60
    assert {path.name for path in tmp_path.iterdir()} == {"notes", "index", ".index.lock"}


def test_report_is_json(notes: Path, tmp_path: Path) -> None:
    (notes / "empty.txt").write_text("")
    report = index_files(tmp_path / "index", read_files(notes), **LSA_16)
    printed = json.loads(json.dumps(report.as_dict()))
    assert (printed["index"], printed["items"], printed["coder"]) == (str(tmp_path / "index"), 60, "lsa")
    assert printed["skipped"] == [
        {"path": "empty.txt", "category": "unreadable", "reason": report.skipped["empty.txt"].reason}
    ]
    assert set(printed["seconds"]) == {"read", "train", "encode", "store"}


def test_second_call_updates_the_index(notes: Path, notes_index: Path) -> None:
    (notes / "files" / "00.txt").unlink()
    (notes / "files" / "01.txt").rename(notes / "moved.txt")
    (notes / "files" / "02.txt").write_text("a socket and a thread")
    (notes / "new.txt").write_text("a file and a folder")
    report = index_files(notes_index, read_files(notes))
    assert (report.items, report.added, report.updated, report.removed, report.moved) == (60, 1, 1, 1, 1)
    assert Retriever.load(notes_index).ledger.files() == read_files(notes).paths


def test_update_does_not_repeat_what_the_build_reported(
    notes: Path, tmp_path: Path, interrupt_at: Callable[[str, int], ProgressCallback], interrupted: type[Exception]
) -> None:
    with pytest.raises(interrupted):
        index_files(tmp_path / "index", read_files(notes), **LSA_16, on_progress=interrupt_at("encode", 1))
    assert not (tmp_path / "index").exists()
    assert index_files(tmp_path / "index", read_files(notes), **LSA_16).resumed_items == 60
    retriever = Retriever.load(tmp_path / "index")
    retriever.record.warnings.append("a warning")
    retriever.save(tmp_path / "index")
    report = index_files(tmp_path / "index", read_files(notes))
    assert (report.resumed_items, report.warnings) == (0, [])
    assert Retriever.load(tmp_path / "index").info()["warnings"] == ["a warning"]


def test_workspace_of_finished_build_is_deleted(notes: Path, tmp_path: Path) -> None:
    workspace = tmp_path / ".index.workspace"
    state = build_index(BuildPlan(notes, **LSA_16), workspace)
    Retriever(state).save(tmp_path / "index")  # and then the process is killed
    index_files(tmp_path / "index", read_files(notes))
    assert not workspace.exists()


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"coder": "lsa"}, "coder"),
        ({"code_size": 8, "params": {"seed": 1}}, "code_size, seed"),
        ({"bits": False}, "bits"),
        ({"store": "flat"}, "store"),
        ({"features": BagOfWords()}, "features"),
        ({"coder": "lsa", "retrain": True}, "coder"),
    ],
)
def test_parameters_of_existing_index_need_rebuild(
    arguments: dict[str, Any], names: str, notes: Path, notes_index: Path
) -> None:
    with pytest.raises(InvalidParameter, match=rf"cannot set {names}: .*index is already built; .*--rebuild"):
        index_files(notes_index, read_files(notes), **arguments)


def test_rebuild_replaces_the_index(notes: Path, notes_index: Path, tmp_path: Path) -> None:
    shutil.rmtree(notes / "files")
    report = index_files(notes_index, read_files(notes), rebuild=True, coder="raw")
    assert (report.items, report.coder) == (40, "raw")
    assert Retriever.load(notes_index).coder_name == "raw"
    other = tmp_path / "other"
    (notes / "threads").rename(other)
    assert index_files(notes_index, read_files(other), rebuild=True, coder="raw").items == 20


def test_index_of_other_files_is_not_updated(notes: Path, notes_index: Path) -> None:
    with pytest.raises(InvalidParameter, match=r"was built from .*notes, not from .*threads; choose another folder"):
        index_files(notes_index, read_files(notes / "threads"))
    assert len(Retriever.load(notes_index)) == 60


def test_index_in_folder_of_other_files_is_refused(notes: Path) -> None:
    with pytest.raises(InvalidParameter, match="is not an index: it contains files"):
        index_files(notes, read_files(notes))


def test_files_of_other_kind_are_refused(image_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(image_folder, tmp_path / "data")
    index_files(tmp_path / "index", read_files(folder), coder="pca", code_size=8)
    (folder / "note.txt").write_text("a thread")
    with pytest.raises(WrongKind, match="cannot sync an index of images with documents"):
        index_files(tmp_path / "index", read_files(folder, kind="documents"))


def test_index_of_old_format_is_rebuilt_on_request(notes: Path, notes_index: Path) -> None:
    manifest = read_json(notes_index / "index.json")
    write_json(
        notes_index / "index.json", {key: value for key, value in manifest.items() if key != "record"} | {"format": 1}
    )
    with pytest.raises(UnsupportedFormat, match="--rebuild"):
        index_files(notes_index, read_files(notes))
    index_files(notes_index, read_files(notes), rebuild=True, **LSA_16)
    retriever = Retriever.load(notes_index)
    retriever.verify()
    assert len(retriever) == 60
    assert {path.name for path in notes_index.iterdir()} == {
        "index.json",
        *read_json(notes_index / "index.json")["parts"].values(),
    }


def test_corrupt_index_is_rebuilt_on_request(notes: Path, notes_index: Path) -> None:
    (notes_index / "ledger.sqlite").write_bytes(b"x")
    with pytest.raises(CorruptIndex, match="--rebuild"):
        index_files(notes_index, read_files(notes))
    index_files(notes_index, read_files(notes), rebuild=True, **LSA_16)
    Retriever.load(notes_index).verify()


def test_interrupted_build_is_resumed(
    notes: Path, tmp_path: Path, interrupt_at: Callable[[str, int], ProgressCallback], interrupted: type[Exception]
) -> None:
    index = tmp_path / "index"
    with pytest.raises(interrupted):
        index_files(index, read_files(notes), **LSA_16, on_progress=interrupt_at("store", 1))
    report = index_files(index, read_files(notes), **LSA_16)
    assert (report.resumed_items, report.items) == (60, 60)
    assert {path.name for path in tmp_path.iterdir()} == {"notes", "index", ".index.lock"}


def test_autosave_saves_at_intervals(notes: Path, notes_index: Path) -> None:
    (notes / "new.txt").write_text("a file and a folder")
    state = load_state(notes_index)
    progress: list[Progress] = []
    Synchronizer(state, read_files(notes)).run(Autosave(state, notes_index, progress.append, interval_seconds=0))
    assert len(progress) == 1
    assert len(Retriever.load(notes_index)) == 61
    generation = state.generation
    Autosave(state, notes_index, interval_seconds=60)(progress[0])
    assert state.generation == generation


def test_retrain_uses_current_items_and_same_parameters(notes: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    index_files(index, read_files(notes), features=BagOfWords(weighting="binary"), coder="lsa", code_size=8, bits=True)
    shutil.rmtree(notes / "files")
    (notes / "sound.txt").write_text("music speaker volume melody music")
    report = index_files(index, read_files(notes), retrain=True)
    assert (report.items, report.added, report.coder, report.code_size, report.bytes_per_item) == (41, 41, "lsa", 8, 1)
    retriever = Retriever.load(index)
    assert retriever.features.get_params() == BagOfWords(weighting="binary").get_params()
    assert isinstance(retriever.coder.base, LSA)
    assert retriever.query("melody", k=1)[0].id == "sound.txt"


def test_retrain_without_index_builds_it(notes: Path, tmp_path: Path) -> None:
    assert index_files(tmp_path / "index", read_files(notes), retrain=True, **LSA_16).items == 60


def test_retrain_keeps_added_items_that_can_be_read(notes: Path, notes_index: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    names = ("kept", "deleted", "emptied", "removed")
    for name in names:
        (elsewhere / f"{name}.txt").write_text(f"a thread and a lock, {name}")
    (elsewhere / "table.csv").write_text("id,text\n1,a socket\n2,a port\n3,a server\n")
    add_paths(notes_index, [elsewhere])
    table = str(elsewhere.resolve() / "table.csv")
    remove_ids(notes_index, [str(elsewhere.resolve() / "removed.txt"), f"{table}#3"])
    (elsewhere / "deleted.txt").unlink()
    (elsewhere / "emptied.txt").write_text("")
    (elsewhere / "table.csv").write_text("id,text\n1,a client\n3,a server\n4,an address\n")
    report = index_files(notes_index, read_files(notes), retrain=True)
    retriever = Retriever.load(notes_index)
    retriever.verify()
    added = {row.id: row.excerpt for row in retriever.ledger.all_rows() if row.path and Path(row.path).is_absolute()}
    assert added == {str(elsewhere.resolve() / "kept.txt"): "a thread and a lock, kept", f"{table}#1": "a client"}
    assert (report.items, retriever.record.added.count) == (62, 2)
    (warning,) = report.warnings
    lost = [str(elsewhere.resolve() / name) for name in ("deleted.txt", "emptied.txt", "table.csv#2")]
    assert warning == f"3 added items could not be read again and were removed: {', '.join(lost)}"


def test_added_items_keep_absolute_paths(notes: Path, notes_index: Path, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "table.csv").write_text(f"id,text\n7,a thread of folder {folder}\n")
    (tmp_path / "one" / "note.txt").write_text("a socket")
    (tmp_path / "one" / "empty.txt").write_text("")
    (tmp_path / "link.csv").symlink_to(tmp_path / "two" / "table.csv")
    report = add_paths(notes_index, [tmp_path / "one", tmp_path / "two" / "table.csv", tmp_path / "link.csv"])
    assert (report.changed, report.items, report.kind, list(report.skipped)) == (4, 64, "documents", ["empty.txt"])
    root = tmp_path.resolve()
    retriever = Retriever.load(notes_index)
    ids = {row.id for row in retriever.ledger.all_rows() if row.path and Path(row.path).is_absolute()}
    names = ("one/table.csv#7", "one/note.txt", "two/table.csv#7", "link.csv#7")
    assert ids == {str(root / name) for name in names}
    assert len(list(retriever.reload_items([row.key for row in retriever.ledger.rows_by_id(list(ids)).values()]))) == 1
    index_files(notes_index, read_files(notes))  # looks only at its own folder
    assert len(Retriever.load(notes_index)) == 64


def test_adding_nothing_readable_is_refused(notes_index: Path, tmp_path: Path, image_folder: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(NoItems, match=r"no item can be read in .*empty\.txt"):
        add_paths(notes_index, [tmp_path / "empty.txt"])
    with pytest.raises(WrongKind, match="with an index of documents: it holds images"):
        add_paths(notes_index, [image_folder])
    assert len(Retriever.load(notes_index)) == 60


def test_unknown_id_removes_nothing(notes_index: Path) -> None:
    with pytest.raises(InvalidParameter, match='no item was removed: there is no "absent"'):
        remove_ids(notes_index, ["threads/00.txt", "absent"])
    assert len(Retriever.load(notes_index)) == 60
    report = remove_ids(notes_index, ["threads/00.txt", "threads/00.txt", "threads/01.txt"])
    assert (report.changed, report.items) == (2, 58)


@pytest.mark.parametrize("job", ["index", "add", "remove"])
def test_locked_index_is_not_changed(job: str, notes: Path, notes_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path, wait_seconds: float = 0.0) -> None:
        raise Busy(f"{folder} is locked")

    for module in ("update", "path_edits"):
        monkeypatch.setattr(f"aesearch.index.{module}.write_lock", refuse)
    jobs: dict[str, Callable[[], object]] = {
        "index": lambda: index_files(notes_index, read_files(notes)),
        "add": lambda: add_paths(notes_index, [notes]),
        "remove": lambda: remove_ids(notes_index, ["threads/00.txt"]),
    }
    with pytest.raises(Busy):
        jobs[job]()
