"""The command line in this process, and a working directory with images, documents and their indexes.

Running commands in this process is much faster than starting one for each.
"""

import contextlib
import io
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from aesearch.cli.main import run
from aesearch.items import Item

N_NOTES = 80


@dataclass(frozen=True)
class Result:
    """Result of one command."""

    exit_code: int
    stdout: str
    stderr: str


class Cli:
    """The command line in a working directory.

    Parameters
    ----------
    folder : Path
        Working directory of the commands.
    **environment : str
        Environment variables. Those of aesearch are unset otherwise.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.environment = folder, environment

    def with_environment(self, **environment: str) -> "Cli":
        """Return the same command line with other environment variables."""
        return Cli(self.folder, **environment)

    def run(self, *arguments: object, stdin: bytes = b"") -> Result:
        """Run a command."""
        unset = {name: "" for name in os.environ if name.startswith("AESEARCH_")}
        stdout, stderr = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, unset | self.environment),
            patch("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin))),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(stdout),
            contextlib.redirect_stderr(stderr),
        ):
            exit_code = run([str(argument) for argument in arguments])
        return Result(exit_code, stdout.getvalue(), stderr.getvalue())

    def succeed(self, *arguments: object, stdin: bytes = b"") -> Result:
        """Run a command that must succeed."""
        result = self.run(*arguments, stdin=stdin)
        assert result.exit_code == 0, result.stderr
        return result

    def json(self, *arguments: object) -> Any:
        """Run a command that must succeed, and return the JSON that it prints."""
        return json.loads(self.succeed(*arguments).stdout)

    def fail(self, *arguments: object, stdin: bytes = b"") -> str:
        """Run a command that must exit with 1 and print one message, and return the message."""
        result = self.run(*arguments, stdin=stdin)
        assert result.exit_code == 1, result.stdout + result.stderr
        assert result.stdout == ""
        message = result.stderr.strip().splitlines()[-1]
        assert message.startswith("aesearch: ")
        return message

    def misuse(self, *arguments: object) -> str:
        """Run a command that must exit with 2, and return what it prints to standard error."""
        result = self.run(*arguments)
        assert result.exit_code == 2, result.stdout + result.stderr
        return result.stderr


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory, digit_folder: Path, documents: list[Item]) -> Path:
    """Return a folder with photos, notes, held-out photos (`more`), indexes of photos and notes, and their reports.

    Tests must not change it.
    """
    folder = tmp_path_factory.mktemp("workspace")
    for label in "012":
        shutil.copytree(digit_folder / "train" / label, folder / "photos" / label)
        shutil.copytree(digit_folder / "test" / label, folder / "more" / label)
    (folder / "photos" / "broken.png").write_bytes(b"not an image")
    (folder / "photos" / "notes.txt").write_text("a document among images")
    for item in documents[:N_NOTES]:
        (folder / "notes" / item.id).parent.mkdir(parents=True, exist_ok=True)
        (folder / "notes" / item.id).write_text(str(item.content))
    (folder / "empty").mkdir()
    cli = Cli(folder)
    report = cli.json(
        "index",
        "photos",
        "--coder",
        "neighbors",
        "--rounds",
        "2",
        "--set",
        "first_steps=50",
        "--set",
        "steps_per_round=50",
        "--json",
    )
    (folder / "report.json").write_text(json.dumps(report))
    (folder / "program.exe").write_bytes(b"MZ")
    cli.succeed("index", "notes", "--coder", "lsa", "--code-size", "16")
    return folder


@pytest.fixture(scope="session")
def cli(workspace: Path) -> Cli:
    """Return the command line in the workspace."""
    return Cli(workspace)


@pytest.fixture
def tmp_cli(tmp_path: Path) -> Cli:
    """Return the command line in an empty directory."""
    return Cli(tmp_path)


@pytest.fixture(scope="session")
def photo(workspace: Path) -> Path:
    """Return an image that is in no index."""
    return min((workspace / "more" / "0").iterdir())


@pytest.fixture(scope="session")
def pca_index(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an index of the photos by a coder that is fast to train."""
    folder = tmp_path_factory.mktemp("indexes") / "pca"
    Cli(workspace).succeed("index", "photos", "--coder", "pca", "--code-size", "8", "--index", folder)
    return folder
