"""A workspace resumes from what is intact and of the same plan, and discards everything else."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch.arrays import read_json
from aesearch.coders.linear import PCA
from aesearch.errors import Busy, InvalidParameter
from aesearch.features.vectors import Vectors
from aesearch.index.build import Batching, build_index
from aesearch.index.plan import BuildPlan
from aesearch.index.progress import Progress, ProgressCallback, ignore_progress
from aesearch.index.retriever import Retriever
from aesearch.index.workspace import FORMAT_KEY, Workspace, delete_workspace, last_used
from aesearch.items import Item

Snapshot = Callable[[Retriever], tuple[Any, ...]]

BATCHING = Batching(read=10, encode=16, commit_seconds=0)
PLAN = {"coder": "pca"}


def build(folder: Path, workspace: Path, on_progress: ProgressCallback) -> Retriever:
    return Retriever(build_index(BuildPlan(folder, coder="pca", code_size=8), workspace, on_progress, BATCHING))


@pytest.fixture(scope="module")
def expected(image_folder: Path, snapshot: Snapshot) -> tuple[Any, ...]:
    """Return the result of an uninterrupted build."""
    return snapshot(Retriever.build(image_folder, coder="pca", code_size=8))


@pytest.fixture(scope="module")
def left_behind(
    image_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    interrupt_at: Callable[[str, int], ProgressCallback],
    interrupted: type[Exception],
) -> dict[str, Path]:
    """Return the workspaces of builds that were interrupted while reading and while encoding. Do not change them."""
    workspaces = {stage: tmp_path_factory.mktemp(stage) / "workspace" for stage in ("read", "encode")}
    for stage, workspace in workspaces.items():
        with pytest.raises(interrupted):
            build(image_folder, workspace, interrupt_at(stage, 4))
    return workspaces


@pytest.fixture
def workspace(left_behind: dict[str, Path], tmp_path: Path) -> Path:
    """Return a copy of the workspace of a build that was interrupted while encoding."""
    return shutil.copytree(left_behind["encode"], tmp_path / "workspace")


def damage(path: Path, kind: str) -> None:
    content = path.read_bytes()
    match kind:
        case "truncated":
            path.write_bytes(content[: len(content) * 2 // 3])
        case "zeroed":
            path.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))
        case "missing":
            path.unlink()


@pytest.mark.parametrize("kind", ["truncated", "zeroed", "missing"])
@pytest.mark.parametrize(
    ("stage", "name"),
    [
        *(("read", name) for name in ("rows/rows", "rows/keys", "rows/batches.jsonl", "ledger.sqlite")),
        *(("encode", name) for name in ("rows/rows", "codes/rows", "codes/batches.jsonl", "ledger.sqlite")),
        ("encode", "features/config.json"),
    ],
)
def test_damaged_results_are_computed_again(
    stage: str,
    name: str,
    kind: str,
    image_folder: Path,
    tmp_path: Path,
    left_behind: dict[str, Path],
    expected: tuple[Any, ...],
    snapshot: Snapshot,
) -> None:
    workspace = shutil.copytree(left_behind[stage], tmp_path / "workspace")
    damage(workspace / name, kind)
    assert snapshot(build(image_folder, workspace, lambda progress: None)) == expected


@pytest.mark.parametrize("content", [b"", b'{\n "workspace of', f'{{\n "{FORMAT_KEY}": 0\n}}'.encode()])
def test_unreadable_plan_empties_the_workspace(
    content: bytes, image_folder: Path, workspace: Path, expected: tuple[Any, ...], snapshot: Snapshot
) -> None:
    (workspace / "plan.json").write_bytes(content)
    reports: list[Progress] = []
    assert snapshot(build(image_folder, workspace, reports.append)) == expected
    assert reports[0].done == 0


def test_results_of_other_plan_are_discarded(workspace: Path) -> None:
    plan = {key: value for key, value in read_json(workspace / "plan.json").items() if key != FORMAT_KEY}
    same = Workspace(workspace, plan)
    assert (len(same.rows), len(same.ledger)) == (60, 60)
    same.close()
    other = Workspace(workspace, plan | {"code_size": 16})
    assert (len(other.rows), len(other.codes), len(other.ledger), other.features) == (0, 0, 0, None)
    other.close()


@pytest.mark.parametrize("foreign", ["0/0.png", "plan.json", "my thesis.txt"])
def test_folder_with_other_files_is_left_alone(foreign: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / foreign).parent.mkdir(parents=True)
    (folder / foreign).write_text("{}")
    (folder / "rows").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InvalidParameter, match=f"is not a workspace: it contains {foreign.partition('/')[0]}"):
        Workspace(folder, PLAN)
    assert sorted(tmp_path.rglob("*")) == before


def test_workspace_with_foreign_file_is_not_emptied(workspace: Path) -> None:
    (workspace / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidParameter, match=r"it contains thesis\.txt"):
        Workspace(workspace, PLAN)
    assert (workspace / "rows").is_dir()


def test_workspace_has_one_user(workspace: Path) -> None:
    plan = {key: value for key, value in read_json(workspace / "plan.json").items() if key != FORMAT_KEY}
    first = Workspace(workspace, plan)
    with pytest.raises(Busy, match="another process"):
        Workspace(workspace, plan)
    first.close()


def test_rebuilt_workspace_survives_the_next_crash(tmp_path: Path) -> None:
    add_rows(Workspace(tmp_path, PLAN), 3)
    damage(tmp_path / "features" / "config.json", "missing")
    rebuilt = Workspace(tmp_path, PLAN)
    assert len(rebuilt.rows) == 0
    add_rows(rebuilt, 5, close=False)
    copy = shutil.copytree(tmp_path, tmp_path.with_name("copy"))  # as a killed process leaves it
    assert len(Workspace(copy, PLAN).rows) == 5


def add_rows(workspace: Workspace, n_rows: int, *, close: bool = True) -> None:
    """Store vectors in a workspace and commit them."""
    items = [Item(str(number), np.arange(4, dtype=np.float32) + number) for number in range(n_rows)]
    features = Vectors().fit(items)
    workspace.save_features(features)
    keys = np.array(workspace.ledger.add(items), np.int64)
    workspace.rows.append(keys, features.transform(items))
    workspace.commit()
    if close:
        workspace.close()


def test_checkpoint_depends_on_number_of_rows(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, PLAN)
    add_rows(workspace, 3, close=False)
    first = workspace.training_checkpoint
    workspace.rows.append(np.array([1]), np.zeros((1, 4), np.float32))
    assert workspace.training_checkpoint != first
    assert workspace.training_checkpoint.parent == tmp_path


def test_codes_of_same_coder_are_kept(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, PLAN)
    add_rows(workspace, 6, close=False)
    X = workspace.rows.rows(np.arange(6))
    coder = PCA(1).fit(X)
    workspace.codes_of(coder).append(workspace.rows.keys[:4], coder.encode(X[:4]))
    assert len(workspace.codes_of(coder)) == 4
    coder.components = -coder.components
    assert len(workspace.codes_of(coder)) == 0


def test_last_use_of_workspace_is_recorded(tmp_path: Path) -> None:
    assert last_used(tmp_path) == 0
    Workspace(tmp_path, PLAN).close()
    assert last_used(tmp_path) > 0


@pytest.mark.parametrize("n_deleted", range(12))
def test_interrupted_deletion_does_not_stop_the_next_build(
    n_deleted: int,
    image_folder: Path,
    workspace: Path,
    expected: tuple[Any, ...],
    snapshot: Snapshot,
    monkeypatch: pytest.MonkeyPatch,
    interrupted: type[Exception],
) -> None:
    delete, n_calls = os.unlink, 0

    def delete_or_interrupt(*args: Any, **keywords: Any) -> None:
        nonlocal n_calls
        n_calls += 1
        if n_calls > n_deleted:
            raise interrupted
        delete(*args, **keywords)

    with monkeypatch.context() as patch, suppress(interrupted):
        patch.setattr(os, "unlink", delete_or_interrupt)
        delete_workspace(workspace)
    retriever = build(image_folder, workspace, ignore_progress)
    assert snapshot(retriever) == expected
    delete_workspace(workspace)
    assert not workspace.exists()
