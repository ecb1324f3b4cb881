"""Where indexes live that no path was given for, and which of them is meant."""

from __future__ import annotations

import os
from pathlib import Path

from aesearch.arrays import read_json
from aesearch.errors import CorruptIndex, NoIndex, WrongKind
from aesearch.items import ItemKind

MANIFEST = "index.json"


def home() -> Path:
    """AESEARCH_HOME, or `indexes` under the current folder."""
    return Path(os.environ.get("AESEARCH_HOME") or "indexes")


def default_index(path: Path) -> Path:
    """The index of that folder or file: `<home>/<its name>`."""
    name = path.resolve().name
    return home() / (name if path.is_dir() else name.partition(".")[0] or name)


def newest_index(kind: ItemKind | None = None) -> tuple[Path, int]:
    """The index in the home that was written last, of those of `kind`; and how many there were to choose from.

    Raises NoIndex where there is none, WrongKind where there are only others.
    """
    found = sorted(home().glob(f"*/{MANIFEST}"), key=lambda path: path.stat().st_mtime, reverse=True)
    fitting = [path for path in found if kind is None or _kind_of(path) == kind]
    if fitting:
        return fitting[0].parent, len(fitting)
    what = f"index of {kind}" if kind else "index"
    remedy = "make one with: aesearch index PATH, or name one with --index"
    if found:
        raise WrongKind(f"there is no {what} in {home()}, only of other things; {remedy}")
    raise NoIndex(f"there is no {what} in {home()}; {remedy}")


def _kind_of(path: Path) -> str | None:
    try:
        return read_json(path).get("kind")
    except CorruptIndex:
        return None  # it will say so itself when it is asked by name
