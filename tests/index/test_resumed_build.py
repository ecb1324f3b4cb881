"""A build that is interrupted anywhere and then resumed ends with the index of an uninterrupted build."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aesearch.catalog import create_coder
from aesearch.index.build import Batching, build_index
from aesearch.index.plan import BuildPlan
from aesearch.index.progress import Progress, ProgressCallback, ignore_progress
from aesearch.index.retriever import Retriever
from aesearch.readers.folder import read_files

Snapshot = Callable[[Retriever], tuple[Any, ...]]
InterruptAt = Callable[[str, int], ProgressCallback]

EVERY_BATCH = Batching(read=10, encode=16, commit_seconds=0)
UNREADABLE = ("0/aa.png", "7/zz.png")
PLANS: dict[str, dict[str, Any]] = {
    "pca": {"coder": "pca", "code_size": 8},
    "pca bits": {"coder": "pca", "code_size": 8, "bits": True},
    "raw": {"coder": "raw"},
    "dense": {"coder": "dense", "code_size": 8, "params": {"epochs": 3, "device": "cpu"}},
    "neighbors": {
        "coder": "neighbors",
        "code_size": 8,
        "params": {"rounds": 2, "first_steps": 5, "steps_per_round": 5, "device": "cpu"},
    },
}


def build(
    folder: Path,
    workspace: Path | None,
    on_progress: ProgressCallback = ignore_progress,
    batching: Batching = EVERY_BATCH,
    **arguments: Any,
) -> Retriever:
    return Retriever(build_index(BuildPlan(folder, **arguments), workspace, on_progress, batching))


@pytest.fixture
def folder(image_folder: Path, tmp_path: Path) -> Path:
    """Return a folder of 60 images and two files that are no images."""
    shutil.copytree(image_folder, tmp_path / "images")
    for name in UNREADABLE:
        (tmp_path / "images" / name).write_bytes(b"no image")
    return tmp_path / "images"


@pytest.fixture(scope="module")
def expected(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Retriever]:
    """Return a function that returns the result of an uninterrupted build."""
    folder = tmp_path_factory.mktemp("expected") / "images"
    shutil.copytree(image_folder, folder)
    for name in UNREADABLE:
        (folder / name).write_bytes(b"no image")
    built: dict[str, Retriever] = {}

    def build_once(name: str) -> Retriever:
        if name not in built:
            built[name] = build(folder, None, **PLANS[name])
        return built[name]

    return build_once


@pytest.fixture
def same(snapshot: Snapshot) -> Callable[[Retriever, Retriever], bool]:
    """Return a function that compares indexes of two copies of a folder: everything but modification times."""

    def compare(first: Retriever, second: Retriever) -> bool:
        rows, files, *rest = snapshot(first)
        other_rows, other_files, *other_rest = snapshot(second)
        return (rows, files.keys(), rest) == (other_rows, other_files.keys(), other_rest)

    return compare


@pytest.mark.parametrize(
    ("plan", "stage", "number"),
    [
        ("pca", "read", 1),
        ("pca bits", "read", 2),
        ("pca", "read", 4),
        ("pca", "read", 8),
        ("raw", "read", 3),
        ("dense", "train", 1),
        ("dense", "train", 2),
        ("pca", "encode", 1),
        ("pca bits", "encode", 3),
        ("raw", "encode", 2),
        ("pca", "store", 1),
        pytest.param("neighbors", "train", 1, marks=pytest.mark.slow),
        pytest.param("neighbors", "encode", 1, marks=pytest.mark.slow),
        pytest.param("dense", "read", 2, marks=pytest.mark.slow),
        pytest.param("dense", "encode", 2, marks=pytest.mark.slow),
    ],
)
def test_resumed_build_has_same_result(
    plan: str,
    stage: str,
    number: int,
    folder: Path,
    tmp_path: Path,
    expected: Callable[[str], Retriever],
    same: Callable[..., bool],
    interrupt_at: InterruptAt,
    interrupted: type[Exception],
) -> None:
    with pytest.raises(interrupted):
        build(folder, tmp_path / "workspace", interrupt_at(stage, number), **PLANS[plan])
    reports: list[Progress] = []
    resumed = build(folder, tmp_path / "workspace", reports.append, **PLANS[plan])
    uninterrupted = expected(plan)
    assert same(resumed, uninterrupted)
    assert set(resumed.ledger.skipped) >= set(UNREADABLE)
    n_read = min(10 * (number - 1), 60) if stage == "read" else 60
    assert reports[0] == Progress("read", n_read, 62)  # nothing is read twice
    assert resumed.record.resumed_items == n_read
    losses = [epoch.train_loss for epoch in resumed.record.epochs]
    assert losses == [epoch.train_loss for epoch in uninterrupted.record.epochs]


def test_uncommitted_items_are_read_again(
    folder: Path,
    tmp_path: Path,
    expected: Callable[[str], Retriever],
    same: Callable[..., bool],
    interrupt_at: InterruptAt,
    interrupted: type[Exception],
) -> None:
    rare_commits = Batching(read=10, encode=16, commit_seconds=1e9)
    with pytest.raises(interrupted):
        build(folder, tmp_path / "workspace", interrupt_at("read", 5), rare_commits, **PLANS["pca"])
    reports: list[Progress] = []
    resumed = build(folder, tmp_path / "workspace", reports.append, **PLANS["pca"])
    assert reports[0].done == 0
    assert same(resumed, expected("pca"))


@pytest.mark.parametrize("plan", ["dense", pytest.param("neighbors", marks=pytest.mark.slow)])
def test_build_can_be_interrupted_many_times(
    plan: str,
    folder: Path,
    tmp_path: Path,
    expected: Callable[[str], Retriever],
    same: Callable[..., bool],
    interrupt_at: InterruptAt,
    interrupted: type[Exception],
) -> None:
    stages = [("read", 3), ("read", 3), ("read", 2), ("train", 1), ("train", 1), ("encode", 2), ("encode", 2)]
    for stage, number in stages:
        with pytest.raises(interrupted):
            build(folder, tmp_path / "workspace", interrupt_at(stage, number), **PLANS[plan])
    assert same(build(folder, tmp_path / "workspace", **PLANS[plan]), expected(plan))


def test_partly_read_table_is_resumed(
    tmp_path: Path, snapshot: Snapshot, interrupt_at: InterruptAt, interrupted: type[Exception]
) -> None:
    rows = [{"id": str(number), "text": f"word{number % 7} common thing{number % 5}"} for number in range(50)]
    rows[35] = rows[3]  # a repeated id is recorded, whether it comes before the interruption or after it
    table = tmp_path / "table.jsonl"
    table.write_text("\n".join(map(json.dumps, rows)) + "\n")
    arguments: dict[str, Any] = {"coder": "lsa", "code_size": 4}
    uninterrupted = build(table, None, **arguments)
    for number in (2, 5):
        workspace = tmp_path / f"workspace{number}"
        with pytest.raises(interrupted):
            build(table, workspace, interrupt_at("read", number), **arguments)
        resumed = build(table, workspace, **arguments)
        assert snapshot(resumed) == snapshot(uninterrupted)
        assert len(resumed) == 49


@pytest.mark.parametrize("change", ["rows change", "table is renamed"])
def test_changed_table_is_read_again(
    change: str, tmp_path: Path, interrupt_at: InterruptAt, interrupted: type[Exception]
) -> None:
    tables = [tmp_path / "notes" / f"{number}.jsonl" for number in range(3)]
    rows = [{"id": str(number), "text": f"word{number % 7} common thing{number % 5}"} for number in range(40)]
    tables[0].parent.mkdir()
    for table in tables[:2]:
        table.write_text("\n".join(map(json.dumps, rows)) + "\n")
    workspace = tmp_path / "workspace"
    with pytest.raises(interrupted):
        build(tmp_path / "notes", workspace, interrupt_at("read", 3), coder="lsa", code_size=4)
    if change == "rows change":
        rows[5]["text"] = "other words"
        del rows[6]
        tables[0].write_text("\n".join(map(json.dumps, rows)) + "\n")
    else:
        tables[0].rename(tables[2])
    resumed = build(tmp_path / "notes", workspace, coder="lsa", code_size=4)
    current = {item.id: (item.path, item.digest) for item in read_files(tmp_path / "notes")}
    assert {row.id: (row.path, row.digest) for row in resumed.ledger.all_rows()} == current


def test_files_changed_since_interruption_are_updated(
    folder: Path, tmp_path: Path, interrupt_at: InterruptAt, interrupted: type[Exception]
) -> None:
    with pytest.raises(interrupted):
        build(folder, tmp_path / "workspace", interrupt_at("read", 5), **PLANS["pca"])
    removed, changed, *_, last = sorted(path for path in folder.rglob("*.png") if path.name[0].isdigit())
    removed.unlink()
    changed.write_bytes(last.read_bytes())
    (folder / "0" / "new.png").write_bytes(last.read_bytes())
    resumed = build(folder, tmp_path / "workspace", **PLANS["pca"])
    assert resumed.record.resumed_items == 40
    rows = {row.id: row for row in resumed.ledger.all_rows()}
    assert rows.keys() == {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")} - set(UNREADABLE)
    assert rows[changed.relative_to(folder).as_posix()].digest == rows["0/new.png"].digest


def test_files_added_during_training_are_trained_on(
    folder: Path, tmp_path: Path, interrupt_at: InterruptAt, interrupted: type[Exception]
) -> None:
    (folder / "9").rename(tmp_path / "later")
    with pytest.raises(interrupted):
        build(folder, tmp_path / "workspace", interrupt_at("train", 2), **PLANS["dense"])
    (tmp_path / "later").rename(folder / "9")
    resumed = build(folder, tmp_path / "workspace", **PLANS["dense"])
    assert len(resumed) == 60
    assert resumed.record.added.count == 0


def test_codes_of_other_coder_are_not_used(
    folder: Path, tmp_path: Path, expected: Callable[[str], Retriever], same: Callable[..., bool]
) -> None:
    build(folder, tmp_path / "workspace", **PLANS["pca"])
    build(folder, tmp_path / "other", coder="pca-whitened", code_size=8)
    shutil.rmtree(tmp_path / "workspace" / "codes")
    shutil.copytree(tmp_path / "other" / "codes", tmp_path / "workspace" / "codes")
    assert same(build(folder, tmp_path / "workspace", **PLANS["pca"]), expected("pca"))


@pytest.mark.parametrize("has_workspace", [False, True])
def test_training_writes_no_files_outside_workspace(has_workspace: bool, folder: Path, tmp_path: Path) -> None:
    coder = create_coder("dense", code_size=8, epochs=1, device="cpu")
    build(folder, tmp_path / "workspace" if has_workspace else None, coder=coder)
    assert {path.name for path in tmp_path.iterdir()} == {"images", *(["workspace"] if has_workspace else [])}
