"""What a person or a program is shown: tables, JSON, bare paths, and how far a long run has come."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import combining, east_asian_width

from aesearch.index.build import Progress, ProgressCallback
from aesearch.items import Hit

if TYPE_CHECKING:
    from aesearch.analysis.drift import Drift

SHOWN_SKIPS = 20
PASSED_OVER = ("hidden", "no reader", "one of the", "an index", "a link", "neither")
"""Reasons of files that were never meant to be indexed; they are counted, and the others named."""

MOST_THUMBNAILS = 60

PLAIN_LINES = 5
"""Lines on training where no bar can be drawn."""

STAGES = {"read": "reading", "train": "training", "encode": "encoding", "store": "storing"}


def say(text: str) -> None:
    """A line on standard error, where everything goes that is not the result."""
    print(text, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))


def shown(text: object) -> str:
    """`text` with whatever could move the cursor, break the line or hide letters written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], paths: Sequence[str | None] = ()) -> None:
    """Rows under their columns, numbers to the right; cut to the width of a terminal, whole elsewhere.

    paths : of each row, the file that it tells of: in a terminal the row is a link to it (OSC 8).
    """
    cells = [list(columns), *([shown("" if cell is None else cell) for cell in row] for row in rows)]
    widths = [max(map(width_of, column)) for column in zip(*cells, strict=True)]
    right = [len(cells) > 1 and all(map(_is_number, column[1:])) for column in zip(*cells, strict=True)]
    most = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for number, row in enumerate(cells, -1):
        padded = [
            " " * (width - width_of(cell)) + cell if to_right else cell + " " * (width - width_of(cell))
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ]
        line = cut("  ".join(padded).rstrip(), most)
        path = paths[number] if most and 0 <= number < len(paths) else None
        print(line if path is None else f"\x1b]8;;{Path(path).absolute().as_uri()}\x1b\\{line}\x1b]8;;\x1b\\")


def width_of(text: str) -> int:
    """Columns of a terminal that `text` takes: two for a wide letter (Chinese, Japanese, Korean), none for an accent."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, most: int | None) -> str:
    """`text`, shortened with an ellipsis if it takes more than `most` columns."""
    if most is None or width_of(text) <= most:
        return text
    while width_of(text) >= most:
        text = text[:-1]
    return text + "\N{HORIZONTAL ELLIPSIS}"


def _is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).replace(",", "").removeprefix("-").isdigit() or not cell


def print_hits(hits: Sequence[Hit], style: str) -> None:
    """The hits as "table", "json" or "paths", one a line."""
    if style == "json":
        print_json([hit.as_dict() for hit in hits])
    elif style == "paths":
        for hit in hits:
            path = hit.path or hit.id
            print(shown(path) if sys.stdout.isatty() else path)
    else:
        columns = ["rank", "distance", "id", "label", "begins"]
        rows = [[hit.rank, f"{hit.distance:.4f}", hit.id, hit.label, (hit.excerpt or "")[:60]] for hit in hits]
        kept = [i for i in range(len(columns)) if i < 3 or any(row[i] for row in rows)]
        print_table([columns[i] for i in kept], ([row[i] for i in kept] for row in rows), [hit.path for hit in hits])


def print_thumbnails(captions: Sequence[object], paths: Sequence[str | None], how: str) -> None:
    """The pictures in these files, the first MOST_THUMBNAILS, each over its caption; in a terminal that shows them alone.

    how : "kitty", "iterm2" or "sixel"; "auto" for what the terminal is known to show; "none".  Raises MissingExtra.
    """
    if how == "none" or not sys.stdout.isatty():
        return
    from aesearch.cli.thumbnails import cell_size, lines, protocol_of
    from aesearch.readers.images import opened

    protocol: Any = protocol_of(os.environ) if how == "auto" else how
    if protocol is None:
        return
    pictures = [opened(path) if path else None for path in paths[:MOST_THUMBNAILS]]
    if any(pictures):
        named = [str(caption) for caption in captions[:MOST_THUMBNAILS]]
        for line in lines(pictures, named, protocol, shutil.get_terminal_size().columns, cell_size(sys.stdout)):
            print(line)


def say_skipped(skipped: Mapping[str, str]) -> None:
    """Names what could not be read, and counts what was passed over."""
    named = {path: why for path, why in skipped.items() if not why.startswith(PASSED_OVER)}
    for path, why in list(named.items())[:SHOWN_SKIPS]:
        say(f"skipped {shown(path)}: {shown(why)}")
    if len(named) > SHOWN_SKIPS:
        say(f"skipped {len(named) - SHOWN_SKIPS:,} more that could not be read (all of them with --json)")
    for why, count in Counter(why for path, why in skipped.items() if path not in named).most_common():
        say(f"passed over {count:,}: {shown(why)}")


def size(number: float) -> str:
    """Bytes as a person reads them."""
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.4g} {unit}"
        number /= 1024
    return f"{number:.4g} GiB"


def print_report(report: dict[str, Any], as_json: bool) -> None:
    """What indexing did: the result on standard output, what was skipped on standard error."""
    skipped = {skip["path"]: skip["reason"] for skip in report["skipped"]}
    say_skipped(skipped)
    if as_json:
        print_json(report)
        return
    counts = ", ".join(f"{report[word]:,} {word}" for word in ("added", "updated", "removed") if report[word])
    print(
        f"{report['items']:,} {report['kind']} indexed in {shown(report['index'])} ({counts or 'nothing has changed'}); "
        f"{len(skipped):,} skipped; {report['coder']}, {report['bytes_per_item']:,.0f} bytes an item"
    )


def print_facts(facts: dict[str, Any]) -> None:
    """What an index holds and how it was made, for a person."""
    epochs, new = facts["epochs"], facts["added_since_training"]
    last = epochs[-1] if epochs else None
    training = f"{len(epochs)} epochs, {facts['seconds'].get('train', 0):.0f} s" if last else "none (a baseline)"
    if last:
        training += f", loss {last['train_loss']:.4g}"
        training += "" if last["validation_loss"] is None else f" (held out {last['validation_loss']:.4g})"
    settings = ", ".join(f"{name} {value}" for name, value in facts["settings"].items() if value is not None)
    rows = [
        ("index", facts["index"]),
        ("kind", facts["kind"]),
        ("items", f"{facts['items']:,}" + (f", {new:,} of them added since the coder was trained" if new else "")),
        ("skipped", f"{facts['skipped']:,}"),
        ("source", facts["source"]),
        ("features", f"{facts['features']}, {' x '.join(map(str, facts['shape']))}"),
        ("coder", facts["coder"]),
        ("settings", settings),
        ("code size", f"{facts['code_size']:,}"),
        ("bytes an item", f"{facts['bytes_per_item']:,.0f}"),
        ("metric", facts["metric"]),
        ("training", training),
        ("agreement", agreement_in_words(facts["agreement"])),
        *(("remark", remark) for remark in facts["remarks"]),
        ("on disk", size(facts["bytes_on_disk"])),
    ]
    print_table(("what", "value"), rows)


def drift_in_words(found: Drift | None) -> list[str]:
    """What a user should know of how items added since training fare; nothing, if that is well."""
    if found is None or not found.clear:
        return []
    return [
        f"the last {found.items:,} items added suit the coder less than those it was trained on (agreement "
        f"{found.agreement:.2f}, then {found.trained:.2f}); train it anew with: aesearch index PATH --retrain"
    ]


def agreement_in_words(share: float | None) -> str:
    """The label-free score, for a person."""
    if share is None:
        return "not measured (too few items)"
    return f"{share:.3f}: {share:.0%} of the neighbors of an item's two halves are the same, beyond chance"


def print_measures(found: dict[str, Any]) -> None:
    """What `evaluate` found, for a person."""
    rows = [("queries", f"{found['queries']:,}")]
    for k, precision in found["precision"].items():
        rows.append((f"precision at {k}" + (" (1-NN accuracy)" if k == "1" else ""), f"{precision:.4f}"))
    if found["map@1000"] is not None:
        rows.append(("mean average precision at 1000", f"{found['map@1000']:.4f}"))
    if found["reconstruction_sse"] is not None:
        rows.append(("reconstruction error (SSE an item)", f"{found['reconstruction_sse']:.4f}"))
    if found["agreement"] is not None:
        rows.append(("agreement (label-free)", agreement_in_words(found["agreement"])))
    rows.append(("queries a second", f"{found['queries_per_second']:,.0f}"))
    print_table(("measure", "value"), rows)


@contextmanager
def progress() -> Iterator[ProgressCallback]:
    """Draws the stages of a build on standard error; where that is no terminal, a line when a stage ends."""
    if not sys.stderr.isatty():
        yield _plain_lines()
        return
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

        def watch(step: Progress) -> None:
            if step.stage not in tasks:
                tasks[step.stage] = bars.add_task(STAGES[step.stage], total=step.total, note="")
            bars.update(tasks[step.stage], completed=step.done, total=step.total, note=_note(step))

        yield watch


def _note(step: Progress) -> str:
    if step.epoch is None:
        return ""
    note = f"loss {step.epoch.train_loss:.4g}"
    if step.epoch.validation_loss is not None:
        note += f", held out {step.epoch.validation_loss:.4g}"
    return note if step.epoch.agreement is None else f"{note}, agreement {step.epoch.agreement:.3f}"


def _plain_lines() -> ProgressCallback:
    said: set[str] = set()

    def watch(step: Progress) -> None:
        if step.epoch is not None:
            if step.done % max(1, step.epoch.total // PLAIN_LINES) and step.done != step.total:
                return
            left = (step.epoch.total - step.epoch.number) * step.epoch.seconds
            say(f"training: epoch {step.done} of {step.total}, {_note(step)}, about {left:.0f} s left")
        elif step.done == step.total and step.stage not in said:
            said.add(step.stage)
            say(f"{STAGES[step.stage]}: {step.done:,} done")

    return watch
