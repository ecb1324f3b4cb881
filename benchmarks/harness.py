"""Shared by all benchmarks: command-line options, timed processes and Markdown tables."""

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

AESEARCH = (sys.executable, "-m", "aesearch")
"""The aesearch command, run by the interpreter of the benchmark."""


class CompletedRun(NamedTuple):
    """Result of a finished process: wall-clock seconds, peak resident memory in MiB, standard output."""

    seconds: float
    peak_mib: float
    output: str


def create_parser(description: str | None, *, needs_data: bool = True) -> argparse.ArgumentParser:
    """Return a parser that prints a module's docstring as help. By default it requires the option --data."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if needs_data:
        parser.add_argument("--data", type=Path, required=True, help="folder that holds image/ and text/")
    return parser


def comma_separated(text: str) -> list[str]:
    """Parse an option such as `pca,dense`."""
    return text.split(",")


def comma_separated_ints(text: str) -> list[int]:
    """Parse an option such as `0,1,2`."""
    return [int(part) for part in text.split(",")]


def run_process(command: Sequence[object], cwd: Path | None = None) -> CompletedRun:
    """Run a command to its end. Python keeps its byte code, as in an installed package.

    Raises
    ------
    RuntimeError
        If the command fails; the message ends with its standard error.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(list(map(str, command)), cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=errors) as child,
    ):
        assert child.stdout is not None
        output = child.stdout.read().decode()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        if child.returncode:
            raise RuntimeError(f"{command} ended with exit code {child.returncode}: {errors.read().decode()}")
    return CompletedRun(seconds, usage.ru_maxrss / 1024, output)


def measure_alternately(rounds: int, *sides: Callable[[], float]) -> list[list[float]]:
    """Call the sides in turn (A B A B ...), and return the measurements of each side without those of a warm-up round."""
    measured = [[side() for side in sides] for _ in range(rounds + 1)]
    return [list(column) for column in zip(*measured[1:], strict=True)]


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """Return the median of the pairwise ratios. A machine that slows down affects both members of a pair."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table; floats have four significant digits."""
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row) + " |", flush=True)
