"""A disk that is full, or cannot be written: one sentence, exit code 1, and the index that was there is as it was."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

resource = pytest.importorskip("resource", reason="limits of a process are Unix's")


def run(
    *words: object, cwd: Path, prepare: Callable[[], None] | None = None, before: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith("AESEARCH_")}
    command = [*before, sys.executable, "-m", "aesearch.cli", *map(str, words)]
    return subprocess.run(
        command, cwd=cwd, env=surroundings, capture_output=True, text=True, timeout=120, preexec_fn=prepare
    )


def room_for(size: int) -> Callable[[], None]:
    """No file may grow beyond `size`: what a full disk does to a writer, without filling one."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    *_, sentence = done.stderr.strip().splitlines()
    assert sentence.startswith("aesearch: ")
    return sentence


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.fixture
def place(digit_folder: Path) -> Iterator[Path]:
    """A folder with photos and their index, which anybody may read."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        for digit in "34":
            shutil.copytree(digit_folder / "train" / digit, place / "photos" / digit)
        assert run("index", "photos", "--coder", "pca", "--code-size", "16", cwd=place).returncode == 0
        yield place


@pytest.mark.parametrize("room", [0, 500, 25_000, 60_000])
def test_without_room_an_index_stays_as_it_was(room: int, place: Path, digit_folder: Path) -> None:
    query = ("query", "photos/3/0003.png", "--index", "indexes/photos", "--format", "json")
    before, files = run(*query, cwd=place).stdout, names(place / "indexes")
    shutil.copytree(digit_folder / "train" / "5", place / "photos" / "5")
    refused(run("index", "photos", cwd=place, prepare=room_for(room)))
    assert run(*query, cwd=place).stdout == before != ""
    assert names(place / "indexes") == files, "what was half written is taken away again"
    assert run("verify", "--index", "indexes/photos", cwd=place).returncode == 0
    done = run("index", "photos", cwd=place)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("room", [500, 30_000])
def test_without_room_no_half_of_an_index_is_left(room: int, place: Path) -> None:
    refused(run("index", "photos", "--coder", "pca", "--index", "new/photos", cwd=place, prepare=room_for(room)))
    assert {name for name in names(place / "new") if not name.startswith(".")} <= {"photos"}


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights of files are Unix's")
def test_where_nothing_may_be_written_an_index_is_still_asked(place: Path) -> None:
    (place / "photos" / "3" / "new.png").write_bytes((place / "photos" / "3" / "0003.png").read_bytes() + b" ")
    for path in (place, *place.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    locked = [
        "sh",
        "-c",
        f'mount --bind {place} {place} && mount -o remount,bind,ro {place} && cd {place} && exec "$@"',
        "sh",
    ]
    # Root may write whatever its rights: for it the folder is one that was mounted to be read only.
    before = ["unshare", "-m", *locked] if os.geteuid() == 0 else []
    try:
        if before and subprocess.run([*before, "true"], cwd=place, capture_output=True).returncode:
            pytest.skip("root may not mount here")
        asked = run("query", "photos/3/0003.png", "--index", "indexes/photos", cwd=place, before=before)
        assert asked.returncode == 0, asked.stderr
        for words in (("index", "photos"), ("remove", "3/0003.png", "--index", "indexes/photos"), ("index", "photos/3")):
            said = refused(run(*words, cwd=place, before=before))
            assert "denied" in said or "Read-only" in said
    finally:
        for path in (place, *place.rglob("*")):
            path.chmod(0o755)
