"""What the benchmarks share: whole processes timed in turn, and a table."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

AESEARCH = (sys.executable, "-m", "aesearch.cli")


class Run(NamedTuple):
    """A finished process."""

    seconds: float
    peak_mib: float
    output: str


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """A parser that takes --data, the folder that holds image/ and text/."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds image/ and text/")
    return parser


def process(command: Sequence[object], cwd: Path | None = None) -> Run:
    """Runs the command to its end.  Raises RuntimeError, with what it said, where it fails."""
    began = time.perf_counter()
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(list(map(str, command)), cwd=cwd, stdout=subprocess.PIPE, stderr=said) as child,
    ):
        assert child.stdout is not None
        output = child.stdout.read().decode()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        if child.returncode:
            raise RuntimeError(f"{command} ended with {child.returncode}: {said.read().decode()}")
    return Run(seconds, usage.ru_maxrss / 1024, output)


def in_turn(rounds: int, *sides: Callable[[], float]) -> list[list[float]]:
    """What each side measures, asked in turn (A B A B ...) after one round that is not counted."""
    measured = [[side() for side in sides] for _ in range(rounds + 1)]
    return [list(column) for column in zip(*measured[1:], strict=True)]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios, pair by pair: a drifting machine slows both of a pair."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints a Markdown table."""
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row) + " |", flush=True)
