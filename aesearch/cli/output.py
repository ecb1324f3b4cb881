"""Output of the commands: tables, JSON, hits and skipped files.

Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import combining, east_asian_width

from aesearch.cli.skips import describe_expected_skips
from aesearch.errors import count
from aesearch.index.modes import CHANCE
from aesearch.items import Hit, ItemKind, Skip, label_text

if TYPE_CHECKING:
    from aesearch.analysis.drift import Drift
    from aesearch.readers.folder import FileCollection

MAX_NAMED_FILES = 20
"""Files that are skipped, or read in part, and named; the remaining ones are counted."""

MAX_EXCERPT_CHARACTERS = 60
"""Characters of a document's excerpt in a table of hits."""

BOLD, NOT_BOLD = "\x1b[1m", "\x1b[22m"

TEXT_WIDTH = 80
"""Maximum width of wrapped text in columns, for terminals and files alike."""


def print_status(text: str) -> None:
    """Print a line to standard error, which carries everything except the result."""
    print(text, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """Print a value as JSON. Characters that the encoding of standard output lacks become escapes of JSON."""
    can_print_all = (sys.stdout.encoding or "utf-8").lower().replace("-", "").startswith("utf")
    print(json.dumps(value, ensure_ascii=not can_print_all, indent=1))


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows as CSV with a header."""
    csv.writer(sys.stdout, lineterminator="\n").writerows([columns, *rows])


def escape(text: object) -> str:
    """Return text with characters that could move the cursor, break the line or be invisible written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    paths: Sequence[str | None] = (),
    notes: Sequence[str] = (),
) -> None:
    """Print rows under their columns, numbers to the right. In a terminal, lines are truncated to its width.

    Parameters
    ----------
    columns : sequence of str
    rows : iterable of sequences
    paths : sequence of str or None
        The file of each row. In a terminal, the row becomes a link to it (OSC 8).
    notes : sequence of str
        Lines to print below each row, indented. Empty ones are left out.
    """
    cells = [list(columns), *([escape("" if cell is None else cell) for cell in row] for row in rows)]
    widths = [max(map(display_width, column)) for column in zip(*cells, strict=True)]
    is_numeric = [len(cells) > 1 and all(map(_is_number, column[1:])) for column in zip(*cells, strict=True)]
    terminal_width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for number, row in enumerate(cells, -1):
        padded = [_pad(cell, width, right) for cell, width, right in zip(row, widths, is_numeric, strict=True)]
        line = truncate("  ".join(padded).rstrip(), terminal_width)
        path = paths[number] if terminal_width and 0 <= number < len(paths) else None
        print(line if path is None else f"\x1b]8;;{Path(path).absolute().as_uri()}\x1b\\{line}\x1b]8;;\x1b\\")
        if 0 <= number < len(notes) and notes[number]:
            print(f"{' ' * widths[0]}  {notes[number]}")


def print_nonempty_columns(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    paths: Sequence[str | None] = (),
    notes: Sequence[str] = (),
    *,
    required: int = 0,
) -> None:
    """Print a table without the columns that are empty in every row, except the first `required` ones."""
    shown = [i for i in range(len(columns)) if i < required or any(row[i] for row in rows)]
    print_table([columns[i] for i in shown], [[row[i] for i in shown] for row in rows], paths, notes)


def print_wrapped_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their columns, with the last column wrapped so that no line is wider than TEXT_WIDTH."""
    widths = [max(map(display_width, column)) for column in list(zip(columns, *rows, strict=True))[:-1]]
    indent = sum(widths) + 2 * len(widths)
    for row in (columns, *rows):
        first, *more = textwrap.wrap(row[-1], TEXT_WIDTH - indent) or [""]
        cells = [_pad(cell, width, right=False) for cell, width in zip(row[:-1], widths, strict=True)]
        print("  ".join([*cells, first]).rstrip())
        for line in more:
            print(" " * indent + line)


def print_wrapped(text: str, indent: int = 0) -> None:
    """Print a paragraph wrapped to TEXT_WIDTH."""
    for line in textwrap.wrap(text, TEXT_WIDTH - indent):
        print(" " * indent + line)


def display_width(text: str) -> int:
    """Return the width of text in terminal columns: wide (East Asian) characters take two, combining characters none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def truncate(text: str, width: int | None) -> str:
    """Return text shortened to a width in columns, with an ellipsis at the end if anything is missing."""
    if width is None or display_width(text) <= width:
        return text
    while display_width(text) >= width:
        text = text[:-1]
    return text + "\N{HORIZONTAL ELLIPSIS}"


def _pad(cell: str, width: int, right: bool) -> str:
    spaces = " " * (width - display_width(cell))
    return spaces + cell if right else cell + spaces


def _is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).replace(",", "").removeprefix("-").isdigit() or not cell


def count_items(number: int, kind: ItemKind) -> str:
    """Return a number of items, such as "1 image" or "2,000 documents"."""
    return count(number, kind.removesuffix("s"))


def format_bytes(n_bytes: float) -> str:
    """Return a number of bytes in the unit that suits its size."""
    for unit in ("B", "KiB", "MiB"):
        if n_bytes < 1024:
            return f"{n_bytes:.4g} {unit}"
        n_bytes /= 1024
    return f"{n_bytes:.4g} GiB"


def describe_score(score: Mapping[str, Any] | None) -> str:
    """Return a label-free score, as `Score` has it, in words."""
    if score is None:
        return "not measured: too few items"
    low, high = score["interval"]
    shared = ", ".join(f"{share:.0%} of {size}" for size, share in score["agreement"].items())
    return (
        f"{score['value']:.3f} ({low:.3f} to {high:.3f}; two halves of {count(score['n_items'], 'held-out item')} share "
        f"{shared} neighbors)"
    )


def describe_drift(drift: Drift | None) -> str | None:
    """Return a warning if the coder suits recently added items much less than those it was trained on; otherwise None."""
    if drift is None or not drift.is_significant:
        return None
    return (
        f"the coder suits the last {count(drift.n_items, 'added item')} less than the items it was trained on (score "
        f"{drift.score:.2f}, at training {drift.training_score:.2f}); train it again with: "
        "aesearch index PATH --retrain"
    )


def print_hits(hits: Sequence[Hit], style: str) -> None:
    """Print hits as "table", "json" or "paths" (one per line)."""
    if style == "json":
        print_json([hit.as_dict() for hit in hits])
    elif style == "paths":
        for hit in hits:
            path = hit.path or hit.id
            print(escape(path) if sys.stdout.isatty() else path)
    elif not hits:
        print_status("no hits")
    else:
        columns = ("rank", "score", "distance", "id", "label", "where")
        rows = [_hit_cells(hit) for hit in hits]
        print_nonempty_columns(columns, rows, [hit.path for hit in hits], [_snippet_line(hit) for hit in hits], required=1)
        n_poor = sum(hit.score is not None and hit.score < CHANCE for hit in hits)
        if n_poor:
            print_status(f"{count(n_poor, 'hit')} in parentheses: no nearer than half of random pairs of items")


def _hit_cells(hit: Hit) -> list[object]:
    """Return the cells of a hit in a table."""
    score = "" if hit.score is None else f"{hit.score:.4f}"
    is_poor = hit.score is not None and hit.score < CHANCE
    distance = f"{hit.distance:.4f}" if math.isfinite(hit.distance) else ""
    return [hit.rank, f"({score})" if is_poor else score, distance, hit.id, label_text(hit.label), _place(hit)]


def _place(hit: Hit) -> str:
    """Return where in a document a hit is."""
    place = f"page {hit.page}" if hit.page else f"line {hit.line}" if hit.line and hit.line > 1 else ""
    return ", ".join(filter(None, (place, hit.heading)))


def _snippet_line(hit: Hit) -> str:
    """Return the snippet of a hit, or the beginning of a document; with matching words bold in a terminal."""
    if hit.snippet is None:
        return escape((hit.excerpt or "")[:MAX_EXCERPT_CHARACTERS])
    text, parts, position = hit.snippet.text, list[str](), 0
    is_bold = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for start, end in hit.snippet.highlights if is_bold else ():
        parts += [escape(text[position:start]), BOLD, escape(text[start:end]), NOT_BOLD]
        position = end
    return "".join([*parts, escape(text[position:])])


def print_unread(*collections: FileCollection | None) -> None:
    """Print what could not be read of collections that were iterated. None is ignored."""
    for files in filter(None, collections):
        print_skipped(files.skipped)
        print_file_warnings(files.warnings)


def print_unreadable(n_items: int, noun: str = "item") -> None:
    """Print how many indexed items could not be read again, and what to do."""
    print_status(
        f"warning: {count(n_items, noun)} could not be read again; if the files were moved, run: aesearch relocate OLD NEW"
    )


def print_file_warnings(warnings: Mapping[str, str], *, hint: str = "") -> None:
    """Name the files and rows that were read only in part on standard error; see `print_skipped`."""
    _print_reasons("read in part:", warnings, hint)


def _print_reasons(prefix: str, reasons: Mapping[str, str], hint: str) -> None:
    """Print the reason of each file, up to MAX_NAMED_FILES."""
    for path, reason in islice(reasons.items(), MAX_NAMED_FILES):
        print_status(f"{prefix} {escape(path)}: {escape(reason)}")
    if len(reasons) > MAX_NAMED_FILES:
        print_status(f"{prefix} {len(reasons) - MAX_NAMED_FILES:,} more{hint}")


def print_skipped(skipped: Mapping[str, Skip], *, hint: str = "") -> None:
    """Name the files and rows that could not be read on standard error, and count those that are skipped by design.

    Parameters
    ----------
    skipped : mapping of str to Skip
    hint : str
        Where all of them are listed, if they are too many to be named.
    """
    _print_reasons("skipped", {path: skip.reason for path, skip in skipped.items() if not skip.category.is_expected}, hint)
    if summary := describe_expected_skips(skipped):
        print_status(f"not indexed: {escape(summary)}")
