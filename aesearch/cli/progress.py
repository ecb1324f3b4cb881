"""Progress of long commands on standard error: bars in a terminal, otherwise a few lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aesearch.cli.interrupts import raise_if_interrupted
from aesearch.cli.output import print_status
from aesearch.index.progress import Progress, ProgressCallback

if TYPE_CHECKING:
    from aesearch.coders.base import Epoch

STAGE_NAMES = {"read": "reading", "train": "training", "encode": "encoding", "store": "storing"}

TRAINING_LINES = 5
"""Approximate number of lines about training if there is no bar."""


@contextmanager
def show_progress() -> Iterator[ProgressCallback]:
    """Yield a callback that shows the progress of a build or a sync.

    The callback raises KeyboardInterrupt if there was an interrupt, even one that a library swallowed.
    """
    with _show_bars() if sys.stderr.isatty() else _show_lines() as show:

        def on_progress(progress: Progress) -> None:
            raise_if_interrupted()
            show(progress)

        yield on_progress


@contextmanager
def _show_bars() -> Iterator[ProgressCallback]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:>9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def show(progress: Progress) -> None:
            if progress.stage not in tasks:
                tasks[progress.stage] = bars.add_task(STAGE_NAMES[progress.stage], total=progress.total, note="")
            note = "" if progress.epoch is None else describe_epoch(progress.epoch)
            bars.update(tasks[progress.stage], completed=progress.done, total=progress.total, note=note)

        yield show


@contextmanager
def _show_lines() -> Iterator[ProgressCallback]:
    finished: set[str] = set()

    def show(progress: Progress) -> None:
        epoch = progress.epoch
        if epoch is not None:
            if epoch.number % max(1, epoch.total // TRAINING_LINES) == 0 or epoch.number == epoch.total:
                seconds_left = (epoch.total - epoch.number) * epoch.seconds
                print_status(f"training: {describe_epoch(epoch)}, at most {seconds_left:.0f} s left")
        elif progress.done == progress.total and progress.stage not in finished:
            finished.add(progress.stage)
            print_status(f"{STAGE_NAMES[progress.stage]}: {progress.done:,} done")

    yield show


def describe_epoch(epoch: Epoch) -> str:
    """Return the number and the result of an epoch, or of a round, in words."""
    return f"{epoch.unit} {epoch.number} of {epoch.total}, {describe_result(epoch)}"


def describe_result(epoch: Epoch) -> str:
    """Return the losses of an epoch, and the label-free score if there is one, in words."""
    parts = [f"loss {epoch.train_loss:.4g}"]
    if epoch.validation_loss is not None:
        parts.append(f"validation loss {epoch.validation_loss:.4g}")
    if epoch.score is not None:
        parts.append(f"score {epoch.score:.3f}")
    return ", ".join(parts)
