"""What needs a process of its own: signals, locks, pipes, terminals, encodings."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aesearch import __version__
from aesearch.index.retriever import Retriever

if TYPE_CHECKING:
    from .conftest import Cli

COMMAND = (sys.executable, "-m", "aesearch")
PCA = ("--coder", "pca", "--code-size", "4")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("AESEARCH_"):
            monkeypatch.delenv(name)


def test_module_can_be_run(tmp_path: Path) -> None:
    result = subprocess.run([*COMMAND, "--version"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (0, f"{__version__}\n")


def test_document_can_be_piped_in(workspace: Path) -> None:
    arguments = ("query", "-", "-k", "1", "--format", "paths", "--index", "indexes/notes")
    note = min((workspace / "notes").rglob("*.txt"))
    result = subprocess.run([*COMMAND, *arguments], cwd=workspace, input=note.read_bytes(), capture_output=True, timeout=60)
    assert workspace / result.stdout.decode().strip() == note


@pytest.mark.parametrize("reader", ["head -n 1", "true"])
def test_closed_pipe_causes_no_error_message(reader: str, tmp_path: Path) -> None:
    script = f"{' '.join(COMMAND)} coders | {reader}"
    result = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, timeout=60)
    assert result.returncode == 0
    assert result.stderr == b""


def test_characters_missing_from_the_encoding_are_escaped(
    tmp_cli: Cli, workspace: Path, pca_index: Path, tmp_path: Path
) -> None:
    shutil.copytree(workspace / "more" / "0", tmp_path / "photos" / "日本")
    tmp_cli.succeed("index", "photos", *PCA)
    arguments = ("query", str(min((tmp_path / "photos" / "日本").iterdir())), "-k", "1")
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    result = subprocess.run([*COMMAND, *arguments], cwd=tmp_path, env=environment, capture_output=True, timeout=60)
    assert result.returncode == 0
    assert b"\\u65e5\\u672c" in result.stdout


@pytest.mark.parametrize("style", ["table", "json", "paths"])
def test_emoji_in_names_can_be_printed_in_any_encoding(style: str, tmp_cli: Cli, workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "more" / "0", tmp_path / "photos" / "\N{GRINNING FACE}")
    tmp_cli.succeed("index", "photos", *PCA)
    query = str(min((tmp_path / "photos" / "\N{GRINNING FACE}").iterdir()))
    arguments = ("query", query, "-k", "1", "--format", style)
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    result = subprocess.run([*COMMAND, *arguments], cwd=tmp_path, env=environment, capture_output=True, timeout=60)
    assert result.returncode == 0
    assert b"Traceback" not in result.stderr
    if style == "json":
        assert json.loads(result.stdout.decode("cp1252"))[0]["path"] == query
    else:
        assert b"\\U0001f600" in result.stdout


@pytest.mark.parametrize(("answer", "exit_code"), [("\n", 1), ("n\n", 1), ("y\n", 0)])
def test_removal_of_most_items_is_confirmed_in_a_terminal(
    answer: str, exit_code: int, tmp_cli: Cli, workspace: Path, tmp_path: Path
) -> None:
    shutil.copytree(workspace / "more" / "0", tmp_path / "photos")
    tmp_cli.succeed("index", "photos", *PCA, "--index", "i")
    n_items = len(Retriever.load(tmp_path / "i"))
    for path in list((tmp_path / "photos").iterdir())[1:]:
        path.unlink()
    controller, terminal = pty.openpty()
    os.write(controller, answer.encode())
    arguments = [*COMMAND, "index", "photos", "--index", "i"]
    result = subprocess.run(arguments, cwd=tmp_path, stdin=terminal, stdout=terminal, stderr=terminal, timeout=60)
    os.close(terminal)
    output = os.read(controller, 1 << 16).decode()
    os.close(controller)
    assert result.returncode == exit_code
    assert f"Remove {n_items - 1} of {n_items} items? [y/N]" in output
    assert "Traceback" not in output
    assert len(Retriever.load(tmp_path / "i")) == (1 if exit_code == 0 else n_items)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("duplicates", "--index", "{index}"), "set TMPDIR to a folder on another disk"),
        (("map", "-o", "map.html", "--index", "{index}"), "map.html; free space on its disk"),
        (("map", "-o", "map.png", "--index", "{index}"), "map.png; free space on its disk"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_full_disk_is_named(arguments: tuple[str, ...], expected: str, pca_index: Path, tmp_path: Path) -> None:
    limited = ["bash", "-c", 'ulimit -f 2; exec "$@"', "bash", *COMMAND]  # files of 2 KiB at most, as on a full disk
    command = [*limited, *(argument.format(index=pca_index) for argument in arguments)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    message = result.stderr.splitlines()[-1]
    assert expected in message
    assert "the index is intact" not in message


def test_hits_are_links_in_a_terminal(workspace: Path, photo: Path) -> None:
    arguments = ("query", str(photo), "-k", "2", "--index", "indexes/photos", "--thumbnails", "none")
    controller, terminal = pty.openpty()
    subprocess.run([*COMMAND, *arguments], cwd=workspace, stdout=terminal, check=True, timeout=60)
    os.close(terminal)
    links = re.findall(r"\x1b\]8;;(file://[^\x1b]+)\x1b", os.read(controller, 1 << 16).decode())
    os.close(controller)
    assert len(links) == 2
    assert all(Path(link.removeprefix("file://")).is_file() for link in links)


def test_interrupt_exits_with_130_and_leaves_no_partial_index(workspace: Path, tmp_path: Path) -> None:
    options = ("--coder", "dense", "--epochs", "100000", "--set", "patience=100000", "--index", str(tmp_path / "i"))
    arguments = [*COMMAND, "index", str(workspace / "photos"), *options]
    with subprocess.Popen(arguments, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        wait_for_line(process.stderr, "reading: ")
        wait_for_training(tmp_path)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read().endswith("interrupted; run the same command again to resume\n")
    assert not (tmp_path / "i").exists()


def wait_for_line(stream: object, start: str) -> None:
    for line in stream:  # type: ignore[attr-defined]
        if line.startswith(start):
            return
    pytest.fail(f"no line starts with {start!r}")


def wait_for_training(folder: Path, timeout_seconds: float = 60) -> None:
    """Wait until the first checkpoint of a training below a folder is written."""
    event = threading.Event()
    for _ in range(int(timeout_seconds * 10)):
        if any(path.name.startswith("training") for path in folder.rglob("*.safetensors")):
            return
        event.wait(0.1)
    pytest.fail("training has not begun")


def run_script(script: str, cwd: Path) -> int:
    return subprocess.run([sys.executable, "-c", script], cwd=cwd, capture_output=True, timeout=60).returncode


def test_interrupt_that_a_library_swallows_still_ends_the_command(workspace: Path, tmp_path: Path) -> None:
    arguments = ["aesearch", "index", "photos", *PCA, "--index", str(tmp_path / "i")]
    script = f"""
import os, signal, sys, time
from aesearch import cli
from aesearch.coders.linear import PCA
fit = PCA.fit
def interrupted_fit(*args):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    except KeyboardInterrupt:
        pass
    return fit(*args)
PCA.fit = interrupted_fit
sys.argv = {arguments!r}
cli.main()
"""
    assert run_script(script, workspace) == 130
    assert not (tmp_path / "i").exists()


def test_killed_update_resumes_from_its_last_save(tmp_cli: Cli, digit_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(digit_folder / "train" / "1", tmp_path / "photos" / "1")
    arguments = ["index", "photos", "--index", "i"]
    tmp_cli.succeed(*arguments, *PCA)
    before = len(Retriever.load(tmp_path / "i"))
    for label in "23":
        shutil.copytree(digit_folder / "train" / label, tmp_path / "photos" / label)
    script = f"""
import os, sys
from functools import partial
from aesearch import cli
from aesearch.index import autosave, update
update.Autosave = partial(update.Autosave, interval_seconds=0)
save_state = autosave.save_state
def save_and_die(*args):
    save_state(*args)
    os._exit(9)
autosave.save_state = save_and_die
sys.argv = ["aesearch", *{arguments!r}]
cli.main()
"""
    assert run_script(script, tmp_path) == 9
    saved = len(Retriever.load(tmp_path / "i"))
    report = tmp_cli.json(*arguments, "--json")
    assert before < saved < report["items"] == saved + report["added"]


def test_second_writer_names_holder_of_the_lock(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "indexes" / "notes", tmp_path / "i")
    index = ("--index", tmp_path / "i")
    script = f"""
import time
from pathlib import Path
from aesearch.index.locking import write_lock
with write_lock(Path({str(tmp_path / "i")!r})):
    print("locked", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert f"process {holder.pid}" in cli.fail("add", "notes", *index)
        cli.succeed("query", "--text", "thread", *index)  # readers need no lock
        holder.kill()
    cli.succeed("add", "notes", *index)  # the operating system has released the lock


def test_index_follows_a_watched_folder(digit_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(digit_folder / "test" / "3", tmp_path / "photos" / "3")
    arguments = [*COMMAND, "index", "photos", *PCA, "--watch", "--allow-removals", "--index", "photos/index", "--json"]
    process = subprocess.Popen(arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stdout is not None
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    try:
        wait_for_line(process.stderr, "watching")
        shutil.copytree(digit_folder / "test" / "4", tmp_path / "photos" / "4")
        wait_for_line(process.stderr, "encoding")
        shutil.rmtree(tmp_path / "photos" / "3")
        wait_for_line(process.stderr, "found")
        wait_until_labels(tmp_path / "photos" / "index", {"4"})
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    finally:
        watchdog.cancel()
        process.kill()
        output, _ = process.communicate()
    reports = [json.loads(report) for report in re.split(r"(?<=^\})\n", output, flags=re.MULTILINE) if report.strip()]
    assert sum(report["added"] for report in reports) == len(list((digit_folder / "test").glob("[34]/*")))
    assert reports[-1]["removed"]


def wait_until_labels(index: Path, labels: set[str], timeout_seconds: float = 60) -> None:
    """Wait until an index holds items with these labels only."""
    event = threading.Event()
    for _ in range(int(timeout_seconds * 10)):
        if {row.label for row in Retriever.load(index).ledger.all_rows()} == labels:
            return
        event.wait(0.1)
    pytest.fail("the index has not followed the folder")
