"""The command line application: its commands, its error messages and its exit codes."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from aesearch import __version__
from aesearch.cli import (
    analysis_commands,
    decoder_commands,
    edit_commands,
    evaluation_commands,
    index_commands,
    info_commands,
    query_commands,
)
from aesearch.cli.interrupts import handle_interrupt
from aesearch.cli.output import escape, print_status
from aesearch.errors import AesearchError

SUCCESS, FAILURE, INTERRUPTED = 0, 1, 130
"""Exit codes. Typer itself exits with 2 if the command line is invalid."""

DISK_FULL_ERRORS = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)

TEMPORARY_PREFIX = "aesearch-"
"""Beginning of the names of temporary folders."""

WRITING_COMMANDS = ("index", "add", "remove", "relocate", "demo")
"""Commands that write an index. The others write one file, which their errors name, and temporary files."""

app = typer.Typer(
    help="Similarity search that learns from your own images and documents.",
    epilog="Enable completion of commands and options in your shell with: aesearch --install-completion",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

COMMANDS: dict[str, Callable[..., None]] = {
    "index": index_commands.index,
    "add": edit_commands.add,
    "remove": edit_commands.remove,
    "relocate": edit_commands.relocate,
    "query": query_commands.query,
    "evaluate": evaluation_commands.evaluate,
    "compare": evaluation_commands.compare,
    "map": analysis_commands.draw_map,
    "outliers": analysis_commands.outliers,
    "duplicates": analysis_commands.duplicates,
    "clusters": analysis_commands.clusters,
    "explain": analysis_commands.explain,
    "reconstruct": decoder_commands.reconstruct,
    "denoise": decoder_commands.denoise,
    "sample": decoder_commands.sample,
    "list": info_commands.list_indexes,
    "info": info_commands.info,
    "stats": info_commands.stats,
    "verify": info_commands.verify,
    "doctor": info_commands.doctor,
    "coders": info_commands.coders,
    "demo": info_commands.demo,
}
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def _print_version(is_requested: bool) -> None:
    if is_requested:
        print(__version__)
        raise typer.Exit


@app.callback()
def set_global_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Handle the options that come before the command."""


def main() -> None:
    """Run the command line and exit: 0 on success, 1 on an error, 2 on invalid usage, 130 if interrupted."""
    warnings.filterwarnings("ignore", module="PIL")  # warnings about unusual files; unreadable ones are reported as skipped
    signal.signal(signal.SIGINT, handle_interrupt)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names may have characters that the encoding lacks
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command, print its error if it fails, and return the exit code."""
    command = arguments[0] if arguments else ""
    try:
        code = _run_app(arguments)
        sys.stdout.flush()
    except AesearchError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # The reader of the output has closed it. What is still buffered must not raise again when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except OSError as error:
        return _fail(_describe_os_error(error, command))
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        print_status("interrupted" + ("; run the same command again to resume" if command == "index" else ""))
    return code


def _run_app(arguments: Sequence[str]) -> int:
    """Run the application, which ends with SystemExit, and return its exit code: 130 after KeyboardInterrupt."""
    try:
        app(arguments, prog_name="aesearch")  # also if started as `python -m aesearch`
    except SystemExit as end:
        return int(end.code or SUCCESS)
    return SUCCESS


def _temporary_folder() -> str:
    """Return the folder for temporary files, or the current folder if none is writable."""
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        return os.curdir


def _describe_os_error(error: OSError, command: str) -> str:
    """Return what failed, where, and what to do."""
    message = error.strerror or str(error)
    if error.filename:
        message += f": {error.filename}"
    if error.errno not in DISK_FULL_ERRORS:
        return message
    folder = _temporary_folder()
    if os.fspath(error.filename or "").startswith(os.path.join(folder, TEMPORARY_PREFIX)):  # noqa: PTH118
        return f"{message}; free space on its disk, or set TMPDIR to a folder on another disk"
    if command in WRITING_COMMANDS:
        return f"{message}; free space on the disk and run the command again; the index is intact as last saved"
    if error.filename:
        return f"{message}; free space on its disk and run the command again"
    return f"{message} in the temporary folder {folder}; free space there, or set TMPDIR to a folder on another disk"


def _fail(message: str) -> int:
    print_status(f"aesearch: {escape(message)}")
    return FAILURE
