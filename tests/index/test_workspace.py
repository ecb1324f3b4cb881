"""A build that is broken off, wherever, and gone on with ends in the index of one that never was."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch import building
from aesearch.catalog import create_coder
from aesearch.errors import InvalidParameter
from aesearch.index.build import Progress
from aesearch.index.retriever import Retriever
from aesearch.readers.folder import read_files


class Broken(Exception):
    pass


def build(folder: Path, work: Path | None, watch: Any = None, **settings: Any) -> Retriever:
    usual = {"code_size": 8, "epochs": 3, "device": "cpu", "coder": "dense"}
    chosen = {name: value for name, value in {**usual, **settings}.items() if value is not None}
    return Retriever.build(folder, workspace=work, on_progress=watch, **chosen)


def breaking_at(stage: str, number: int) -> Callable[[Progress], None]:
    """Raises Broken at that stage's `number`-th report."""
    seen = 0

    def watch(progress: Progress) -> None:
        nonlocal seen
        seen += progress.stage == stage
        if progress.stage == stage and seen == number:
            raise Broken

    return watch


def state(retriever: Retriever) -> tuple[Any, ...]:
    """All that is to be the same: items, files, what was left out, codes."""
    rows = list(retriever.ledger.all_rows())
    codes = retriever.store.codes(np.array([row.key for row in rows]))
    return rows, retriever.ledger.files(), retriever.ledger.skipped, np.asarray(codes).tolist()


@pytest.fixture(autouse=True)
def every_batch_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of a long build are, of which a batch or two take longer than two seconds."""
    monkeypatch.setattr(building, "COMMIT_EVERY", 0)


@pytest.fixture
def folder(digit_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Some 290 pictures, and among them two that are none; read and encoded a few at a time."""
    monkeypatch.setattr(building, "READ_BATCH", 40)
    monkeypatch.setattr(building, "BATCH", 64)
    place = tmp_path / "digits"
    for path in sorted((digit_folder / "train").rglob("*.png"))[::5]:
        target = place / path.relative_to(digit_folder / "train")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    (place / "0" / "aa.png").write_bytes(b"no picture")
    (place / "7" / "zz.png").write_bytes(b"no picture")
    return place


@pytest.mark.parametrize(
    ("stage", "number"),
    [
        ("read", 1),
        ("read", 2),
        ("read", 5),
        ("read", 9),
        ("train", 1),
        ("train", 2),
        ("encode", 1),
        ("encode", 3),
        ("store", 1),
    ],
)
def test_it_ends_in_the_same_index(stage: str, number: int, folder: Path, tmp_path: Path) -> None:
    bits = number % 2 == 0
    expected = build(folder, None, bits=bits)
    with pytest.raises(Broken):
        build(folder, tmp_path / "work", breaking_at(stage, number), bits=bits)
    told: list[Progress] = []
    found = build(folder, tmp_path / "work", told.append, bits=bits)
    assert state(found) == state(expected)
    assert {"0/aa.png", "7/zz.png"} <= set(found.ledger.skipped)
    before = min(40 * (number - 1), len(expected)) if stage == "read" else len(expected)
    assert told[0] == Progress("read", before, told[0].total)  # what was read is not read again
    assert [epoch["train_loss"] for epoch in found.record.epochs] == [e["train_loss"] for e in expected.record.epochs]


def test_what_was_not_committed_yet_is_read_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = build(folder, None)
    monkeypatch.setattr(building, "COMMIT_EVERY", 1e9)
    with pytest.raises(Broken):
        build(folder, tmp_path / "work", breaking_at("read", 5))
    told: list[Progress] = []
    found = build(folder, tmp_path / "work", told.append)
    assert told[0].done == 0
    assert state(found) == state(expected)


def test_a_sample_of_which_nothing_can_be_read_is_made_up_for(folder: Path) -> None:
    files = read_files(folder)
    for path in files.spread(64).paths:
        (folder / path).write_bytes(b"no picture")
    retriever = Retriever.build(folder, coder="pca", code_size=8)
    assert 0 < len(retriever) == len(files) - len(retriever.ledger.skipped)


def test_broken_off_again_and_again_it_ends_all_the_same(folder: Path, tmp_path: Path) -> None:
    expected = build(folder, None, coder="neighbors", steps_per_round=20)
    for stage, number in (("read", 3), ("read", 3), ("read", 2), ("train", 1), ("train", 2), ("encode", 2), ("encode", 2)):
        with pytest.raises(Broken):
            build(folder, tmp_path / "work", breaking_at(stage, number), coder="neighbors", steps_per_round=20)
    assert state(build(folder, tmp_path / "work", coder="neighbors", steps_per_round=20)) == state(expected)


def test_a_table_that_was_read_in_part_is_gone_on_with(documents: list[Any], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(building, "READ_BATCH", 40)
    table = tmp_path / "notes.jsonl"
    rows = [{"id": item.id, "text": item.content} for item in documents[:150]]
    rows[110] = rows[10]  # one of an id that is there already: noted, whether it is met before the break or after
    table.write_text("\n".join(map(json.dumps, rows)) + "\n")
    expected = Retriever.build(table, coder="lsa", code_size=8)
    for number in (2, 4):
        work = tmp_path / f"work{number}"
        with pytest.raises(Broken):
            Retriever.build(table, coder="lsa", code_size=8, workspace=work, on_progress=breaking_at("read", number))
        found = Retriever.build(table, coder="lsa", code_size=8, workspace=work)
        assert state(found) == state(expected)
        assert len(found) == 149


def test_rows_that_changed_in_a_table_that_was_read_in_part_are_read_again(
    documents: list[Any], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(building, "READ_BATCH", 10)
    (tmp_path / "notes").mkdir()
    tables = [tmp_path / "notes" / f"{number}.jsonl" for number in range(3)]
    rows = [{"id": item.id, "text": item.content} for item in documents[:40]]
    for table in tables[:2]:
        table.write_text("\n".join(map(json.dumps, rows)) + "\n")
    work = tmp_path / "work"
    with pytest.raises(Broken):
        Retriever.build(tmp_path / "notes", coder="lsa", code_size=8, workspace=work, on_progress=breaking_at("read", 3))
    rows[5]["text"] = "sockets and locks"
    del rows[6]
    tables[0].write_text("\n".join(map(json.dumps, rows)) + "\n")
    found = Retriever.build(tmp_path / "notes", coder="lsa", code_size=8, workspace=work)
    there = {item.id: item.digest for item in read_files(tmp_path / "notes")}
    assert {row.id: row.digest for row in found.ledger.all_rows()} == there
    with pytest.raises(Broken):
        Retriever.build(tmp_path / "notes", coder="lsa", code_size=9, workspace=work, on_progress=breaking_at("read", 3))
    tables[0].rename(tables[2])
    found = Retriever.build(tmp_path / "notes", coder="lsa", code_size=9, workspace=work)
    assert {row.path for row in found.ledger.all_rows()} == {"1.jsonl", "2.jsonl"}


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        *(("read", name) for name in ("rows/rows", "rows/keys", "rows/batches.jsonl", "ledger.sqlite")),
        *(("encode", name) for name in ("rows/rows", "codes/rows", "codes/batches.jsonl", "ledger.sqlite")),
        ("encode", "features/settings.json"),
    ],
)
@pytest.mark.parametrize("harm", ["cut", "zeros", "gone"])
def test_what_never_reached_the_disk_is_done_again(stage: str, name: str, harm: str, folder: Path, tmp_path: Path) -> None:
    settings = {"coder": "pca", "epochs": None, "device": None}  # trains at once
    expected = build(folder, None, **settings)
    work = tmp_path / "work"
    with pytest.raises(Broken):
        build(folder, work, breaking_at(stage, 4), **settings)
    path = work / name
    raw = path.read_bytes()
    if harm == "cut":
        path.write_bytes(raw[: len(raw) * 2 // 3])
    elif harm == "zeros":
        path.write_bytes(raw[: len(raw) // 2] + bytes(len(raw) - len(raw) // 2))
    else:
        path.unlink()
    assert state(build(folder, work, **settings)) == state(expected)


@pytest.mark.parametrize("plan", [b"", b'{\n "unfinished index', b'{\n "unfinished index of aesearch, format": 0\n}'])
def test_work_whose_plan_is_not_to_be_read_is_done_again(plan: bytes, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Broken):
        build(folder, tmp_path / "work", breaking_at("encode", 2))
    (tmp_path / "work" / "plan.json").write_bytes(plan)
    assert state(build(folder, tmp_path / "work")) == state(build(folder, None))


def test_work_of_another_plan_is_thrown_away(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Broken):
        build(folder, tmp_path / "work", breaking_at("encode", 2))
    told: list[Progress] = []
    found = build(folder, tmp_path / "work", told.append, code_size=16)
    assert told[0].done == 0
    assert state(found) == state(build(folder, None, code_size=16))


def test_files_that_came_while_it_was_trained_are_learned_from(folder: Path, tmp_path: Path) -> None:
    late = folder / "9" / "late"
    late.mkdir()
    for number, path in enumerate(sorted((folder / "8").iterdir())):
        path.rename(late / f"{number}.png")
    late.rename(tmp_path / "late")
    with pytest.raises(Broken):
        build(folder, tmp_path / "work", breaking_at("train", 2), epochs=4)
    (tmp_path / "late").rename(late)
    found = build(folder, tmp_path / "work", epochs=4)
    assert {row.id for row in found.ledger.all_rows()} >= {f"9/late/{number}.png" for number in range(5)}
    assert "added" not in found.record  # the coder has seen all of them


def test_a_folder_that_holds_something_else_is_left_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "plan.json").write_text("{}")
    (tmp_path / "mine" / "rows").mkdir()
    (tmp_path / "mine" / "rows" / "thesis.txt").write_text("years of work")
    for place, named in ((folder, "0"), (tmp_path / "mine", "plan.json")):
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(InvalidParameter, match=f"holds {named}, which is no work on an index"):
            build(folder, place)
        assert sorted(tmp_path.rglob("*")) == before


def test_items_made_in_memory_cannot_be_gone_on_with(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="only a build from files"):
        Retriever.build(list(read_files(folder)), workspace=tmp_path / "work")


def test_a_coder_of_the_user_s_is_given_back_without_a_checkpoint(folder: Path, tmp_path: Path) -> None:
    coder = create_coder("dense", code_size=8, epochs=2, device="cpu")
    for work in (None, tmp_path / "work"):
        Retriever.build(folder, coder=coder, workspace=work)
        assert coder.checkpoint is None


def test_files_that_changed_meanwhile_are_brought_up_to_date(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Broken):
        build(folder, tmp_path / "work", breaking_at("read", 5))
    (first, second, *_, last) = sorted(folder.rglob("*.png"))[1:-1]
    first.unlink()
    second.write_bytes(last.read_bytes())
    (folder / "0" / "new.png").write_bytes(last.read_bytes())
    found = build(folder, tmp_path / "work")
    assert found.record.resumed_items == 160
    ids = {str(path.relative_to(folder)) for path in folder.rglob("*.png")} - {"0/aa.png", "7/zz.png"}
    rows = {row.id: row for row in found.ledger.all_rows()}
    assert rows.keys() == ids
    assert rows[str(second.relative_to(folder))].digest == rows["0/new.png"].digest
