"""The application: help, usage errors, error messages and exit codes."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from aesearch import __version__
from aesearch.cli import app, main
from aesearch.cli.main import COMMANDS, run
from aesearch.errors import AesearchError

if TYPE_CHECKING:
    from .conftest import Cli

MAX_SUMMARY_CHARACTERS = 61
"""Longer first lines are cut off in the list of commands, which is 80 columns wide."""

APPLICATION: Any = typer.main.get_command(app)


def parameters(command: Any) -> Iterator[Any]:
    return (parameter for parameter in command.params if parameter.name != "help")


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_help_for_itself_and_every_parameter(tmp_cli: Cli, name: str) -> None:
    command = APPLICATION.commands[name]
    summary = command.help.splitlines()[0]
    assert summary.endswith(".")
    assert len(summary) <= MAX_SUMMARY_CHARACTERS
    for parameter in parameters(command):
        assert parameter.help, parameter.name
        assert parameter.help[0].isupper(), parameter.name
    text = tmp_cli.succeed(name, "--help").stdout
    assert "Usage:" in text
    assert max(map(len, text.splitlines())) <= 80
    for parameter in parameters(command):
        assert max(parameter.opts, key=len) in text or parameter.metavar in text


def test_help_lists_every_command_in_full(tmp_cli: Cli) -> None:
    text = tmp_cli.succeed("--help").stdout
    for name, command in APPLICATION.commands.items():
        assert f"  {name} " in text
        assert command.help.splitlines()[0] in text
    assert "--install-completion" in text
    assert list(APPLICATION.commands) == list(COMMANDS)


def test_version_is_printed(tmp_cli: Cli) -> None:
    assert tmp_cli.succeed("--version").stdout == f"{__version__}\n"


def test_completion_offers_names_of_the_catalog(tmp_cli: Cli) -> None:
    request = {"_AESEARCH_COMPLETE": "complete_bash", "COMP_WORDS": "aesearch coders conv", "COMP_CWORD": "2"}
    assert tmp_cli.with_environment(**request).run().stdout.split() == ["convolutional"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("query",),
        ("query", "a.png", "--text", "b"),
        ("query", "a.png", "--max-distance", "2", "--rerank"),
        ("query", "x", "--format", "xml"),
        ("index",),
        ("index", "notes", "--budget", "soon"),
        ("index", "notes", "--layers", "many"),
        ("sample", "-n", "100000"),
        ("reconstruct", "indexes/photos", "more", "--limit", "100000"),
        ("explain", "a.png", "-k", "1000000000"),
        ("index", "notes", "--set", "noise"),
        ("index", "notes", "--set", "code_size=8"),
        ("index", "notes", "--epochs", "2", "--set", "epochs=3"),
        ("evaluate", "--queries", "more", "--k", "ten"),
        ("remove",),
        ("dance",),
    ],
)
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...], cli: Cli) -> None:
    assert "Usage:" in cli.misuse(*arguments)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("index", "photos", "--coder", "convolutonal", "--index", "x/1"), 'did you mean "convolutional"'),
        (("index", "photos", "--coder", "lsa", "--index", "x/1"), "for images choose from"),
        (("index", "notes", "--bits", "--code-size", "12", "--index", "x/1"), "multiple of 8"),
        (("index", "nowhere"), "check the spelling"),
        (("index", "empty"), "holds no images, documents or vectors"),
        (("index", "notes", "--kind", "images", "--index", "x/1"), "no images"),
        (("index", "notes", "--index", "photos"), "photos"),
        (("index", "notes", "--coder", "neighbors", "--noise", "fog", "--index", "x/1"), "unknown noise"),
        (("index", "notes", "--image-size", "16", "--index", "x/1"), 'not of "bag-of-words"; remove it'),
        (("index", "photos", "--vocabulary-size", "16", "--index", "x/1"), 'not of "pixels"; remove it'),
        (("index", "photos", "--features", "bag-of-words", "--index", "x/1"), "not for images"),
        (("index", "photos", "--features", "pixel", "--index", "x/1"), 'did you mean "pixels"'),
        (("index", "photos", "--features", "missing.onnx", "--index", "x/1"), "missing.onnx"),
        (("index", "notes", "--coder", "lsa", "--epochs", "3", "--index", "x/1"), 'no parameter "epochs"'),
        (("index", "notes", "--set", "epoch=2", "--coder", "dense", "--index", "x/1"), 'did you mean "epochs"'),
        (("index", "notes", "--store", "flt", "--index", "x/1"), 'did you mean "flat"'),
        (("index", "notes", "--coder", "raw", "--store", "flat", "--index", "x/1"), "sparse codes"),
        (("index", "photos", "--coder", "neighbors", "--set", "noise=none"), "cannot set coder, noise"),
        (
            ("index", "notes", "--coder", "neighbors", "--set", "rounds=two", "--index", "x/1"),
            'parameter "rounds" cannot be two',
        ),
        (("compare", "notes", "--coders", "lsa", "--set", "items=2"), 'unknown parameter "items"'),
        (("compare", "notes", "--coders", "lsa", "--epochs", "2"), "epochs"),
        (("compare", "photos", "--coders", "lsa"), "lsa"),
        (("query", "more/0", "--index", "indexes/photos"), "is a folder"),
        (("query", "--text", "qqqq", "--index", "indexes/photos"), "no document contains"),  # photos has one text
        (("query", "--text", "qqqq", "--index", "indexes/notes"), "query with other words"),
        (("query", "nowhere.png"), "check the spelling"),
        (("query", "program.exe"), "no known file type"),
        (("query", "--text", "x", "--index", "nowhere"), "nowhere"),
        (("info", "--index", "photos"), "photos"),
        (("evaluate", "--queries", "photos"), "index"),
        (("coders", "nobody"), 'unknown coder "nobody"'),
        (("sample", "--index", "indexes/photos"), "variational"),
        (("reconstruct", "indexes/photos", "notes"), "documents"),
        (("denoise", "notes", "--index", "indexes/notes", "-o", "x/denoised"), "only images"),
        (("duplicates", "--index", "indexes/notes", "--sheet", "x/sheet.png"), "only images"),
        (("map", "--index", "indexes/photos", "-o", "x/map.txt"), "file type"),
        (("clusters", "--index", "indexes/notes", "-k", "1000000000"), "choose 1 to 80"),
        (("add", "notes", "--index", "indexes/photos"), "documents"),
        (("remove", "nothing", "--index", "indexes/photos"), "no item was removed"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_error_message_names_cause_and_remedy(arguments: tuple[str, ...], expected: str, cli: Cli) -> None:
    assert expected in cli.fail(*arguments)
    assert not list(cli.folder.glob("x/*/index.json"))


@pytest.mark.parametrize(
    ("error", "exit_code", "message"),
    [
        (AesearchError("it failed: a \x1b[2J reason; a remedy"), 1, "aesearch: it failed: a \\x1b[2J reason; a remedy\n"),
        (PermissionError(errno.EACCES, "Permission denied", "photos"), 1, "aesearch: Permission denied: photos\n"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "set TMPDIR to a folder on another disk"),
        (OSError(errno.ENOSPC, "No space left on device", "a.html"), 1, "a.html; free space on its disk"),
        (KeyboardInterrupt(), 130, "interrupted\n"),  # only "aesearch index" can resume
    ],
)
def test_exception_becomes_message_and_exit_code(
    tmp_cli: Cli, error: BaseException, exit_code: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise error

    monkeypatch.setattr("aesearch.cli.param_docs.describe_params", fail)
    result = tmp_cli.run("coders", "pca")
    assert result.exit_code == exit_code
    assert message in result.stderr


def test_main_exits_with_the_code_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["aesearch", "dance"])
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == run(["dance"]) == 2
