"""If the disk is full or read-only, a command ends with one sentence and exit code 1, and the index stays as it was."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from aesearch.index.retriever import Retriever
from aesearch.index.update import index_files
from aesearch.readers.folder import read_files

resource = pytest.importorskip("resource", reason="resource limits exist only on Unix")

Snapshot = Callable[[Retriever], tuple[Any, ...]]


def run(
    folder: Path, *arguments: object, max_file_bytes: int | None = None, prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder.

    Parameters
    ----------
    folder : Path
    *arguments : object
    max_file_bytes : int, optional
        Writing beyond this size fails, as on a full disk.
    prefix : sequence of str
        Command that starts the command.
    """

    def limit_file_size() -> None:
        if max_file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (max_file_bytes, max_file_bytes))

    environment = {name: value for name, value in os.environ.items() if not name.startswith("AESEARCH_")}
    return subprocess.run(
        [*prefix, sys.executable, "-m", "aesearch", *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=limit_file_size,
    )


def check_refused(result: subprocess.CompletedProcess[str]) -> str:
    """Check that a command failed with one sentence, and return the sentence."""
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    *_, sentence = result.stderr.strip().splitlines()
    assert sentence.startswith("aesearch: ")
    return sentence


def names_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.fixture
def folder(image_folder: Path, tmp_path: Path) -> Path:
    """Return a folder with photos and their index."""
    shutil.copytree(image_folder, tmp_path / "photos")
    index_files(tmp_path / "indexes" / "photos", read_files(tmp_path / "photos"), coder="pca", code_size=16)
    return tmp_path


@pytest.mark.parametrize(
    "max_file_bytes", [0, 500, pytest.param(4_000, marks=pytest.mark.slow), pytest.param(15_000, marks=pytest.mark.slow)]
)
def test_full_disk_leaves_index_unchanged(max_file_bytes: int, folder: Path, snapshot: Snapshot) -> None:
    index = folder / "indexes" / "photos"
    before, names = snapshot(Retriever.load(index)), names_in(folder / "indexes")
    shutil.copytree(folder / "photos" / "5", folder / "photos" / "copy")
    check_refused(run(folder, "index", "photos", max_file_bytes=max_file_bytes))
    assert names_in(folder / "indexes") == names, "partly written files are deleted"
    retriever = Retriever.load(index)
    retriever.verify()
    assert snapshot(retriever) == before
    assert index_files(index, read_files(folder / "photos")).added > 0


@pytest.mark.parametrize("max_file_bytes", [500, pytest.param(4_000, marks=pytest.mark.slow)])
def test_full_disk_leaves_no_partial_index(max_file_bytes: int, folder: Path) -> None:
    arguments = ("index", "photos", "--coder", "pca", "--index", "new/photos")
    check_refused(run(folder, *arguments, max_file_bytes=max_file_bytes))
    assert {name for name in names_in(folder / "new") if not name.startswith(".")} <= {"photos"}


@pytest.fixture
def read_only(folder: Path) -> Iterator[list[str]]:
    """Make the folder read-only. Return a command that starts another one which cannot write to the folder.

    Root can write to any folder. For root the command therefore mounts the folder read-only.
    """
    paths = (folder, *folder.rglob("*"))
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    mount = f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} && cd {folder}"
    prefix = ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh"] if os.geteuid() == 0 else []
    try:
        if prefix and subprocess.run([*prefix, "true"], cwd=folder, capture_output=True).returncode:
            pytest.skip("root cannot mount a folder here")
        yield prefix
    finally:
        for path in paths:
            path.chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="file permissions of this kind exist only on Unix")
def test_read_only_index_can_be_queried(folder: Path, read_only: list[str]) -> None:
    query = run(folder, "query", "photos/3/003.png", "--index", "indexes/photos", prefix=read_only)
    assert query.returncode == 0, query.stderr
    unchanged = run(folder, "index", "photos", prefix=read_only)
    assert unchanged.returncode == 0, unchanged.stderr
    assert "no changes" in unchanged.stdout
    remove = ("remove", "3/003.png", "--index", "indexes/photos")
    for arguments in (("index", "photos/3"), remove):
        sentence = check_refused(run(folder, *arguments, prefix=read_only))
        assert "denied" in sentence or "Read-only" in sentence
