"""The command line: each command resolves its words, makes one call, prints.  Only here are errors printed, and is left.

Heavy parts (NumPy, FAISS, torch) are imported inside the commands, so that --help answers at once.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from aesearch import __version__
from aesearch.catalog import CODERS, DEFAULT_CODERS
from aesearch.cli import analysis_commands, decoder_commands, index_commands, query_commands  # noqa: F401
from aesearch.cli.options import JsonOption, app, interrupt
from aesearch.errors import AesearchError

NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


@app.command()
def coders(json: JsonOption = False) -> None:
    """The coders that --coder takes."""
    from aesearch.cli.output import print_json, print_table

    rows = [
        {
            "coder": name,
            "for": " and ".join(entry.kinds),
            "default for": " and ".join(kind for kind, usual in DEFAULT_CODERS.items() if usual == name),
            "what it is": entry.summary,
        }
        for name, entry in CODERS.items()
    ]
    if json:
        print_json(rows)
    else:
        print_table(list(rows[0]), [list(row.values()) for row in rows])


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where to lay out the example; made if it is not there.")] = Path(
        "aesearch-demo"
    ),
) -> None:
    """Index real handwritten digits and real documentation, ask both, and compare with PCA and LSA."""
    from aesearch.cli.demo import run

    run(folder)


@app.callback(invoke_without_command=True)
def top(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


def main() -> None:
    """Runs the command line: 0 done, 1 an error in one sentence, 2 wrong usage, 130 interrupted."""
    # Pillow's remarks on odd files: what it could not mend is skipped, and said with its reason.
    warnings.filterwarnings("ignore", module="PIL")
    signal.signal(signal.SIGINT, interrupt)
    try:
        app()
    except AesearchError as error:
        _fail(str(error))
    except BrokenPipeError:  # whoever read the output has left; what is still buffered must not raise again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        remedy = "; make room on the disk: what was indexed before is as it was" if error.errno in NO_ROOM else ""
        _fail(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "") + remedy)
    except KeyboardInterrupt:
        print("interrupted; what was saved is whole; run it again to go on", file=sys.stderr)
        sys.exit(130)


def _fail(sentence: str) -> None:
    from aesearch.cli.output import shown

    print(f"aesearch: {shown(sentence)}", file=sys.stderr)
    sys.exit(1)
