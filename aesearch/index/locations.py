"""Where indexes are stored by default, and which index a command means."""

from __future__ import annotations

import os
from pathlib import Path

from aesearch.arrays import read_json
from aesearch.errors import CorruptIndex, NoIndex, WrongKind
from aesearch.items import ITEM_KINDS, ItemKind

MANIFEST_FILE = "index.json"


def home() -> Path:
    """Return the default parent folder of indexes: AESEARCH_HOME, or `indexes` in the current folder."""
    return Path(os.environ.get("AESEARCH_HOME") or "indexes")


def default_index(path: Path) -> Path:
    """Return the default index of a folder or file: `<home>/<its name>`."""
    name = path.resolve().name
    return home() / (name if path.is_dir() else name.partition(".")[0] or name)


def newest_index(kind: ItemKind | None = None) -> tuple[Path, int]:
    """Return the most recently written index, and the number of indexes to choose from.

    Parameters
    ----------
    kind : ItemKind, optional
        Consider only indexes of this kind.

    Raises
    ------
    NoIndex
        If there is no index.
    WrongKind
        If there are only indexes of other kinds.
    """
    manifests = sorted(home().glob(f"*/{MANIFEST_FILE}"), key=lambda path: path.stat().st_mtime, reverse=True)
    matching = [path for path in manifests if kind is None or _read_kind(path) == kind]
    if matching:
        return matching[0].parent, len(matching)
    remedy = "create one with: aesearch index PATH, or choose one with --index"
    if manifests:
        raise WrongKind(f"there is no index of {kind} in {home()}, only of other kinds; {remedy}")
    raise NoIndex(f"there is no index{f' of {kind}' if kind else ''} in {home()}; {remedy}")


def index_kind(folder: Path) -> ItemKind | None:
    """Return the kind of the index in a folder; None if there is no index, or it cannot be read.

    Pass it to `read_files` before an index is updated: in a folder of images and documents, the more frequent kind may have
    changed since the build.
    """
    return _read_kind(folder / MANIFEST_FILE)


def _read_kind(path: Path) -> ItemKind | None:
    """Return the kind in `index.json`; None if it cannot be read."""
    try:
        kind = read_json(path).get("kind")
    except (CorruptIndex, OSError):
        return None  # whoever opens it by name gets the error
    return kind if kind in ITEM_KINDS else None


def temporary_folder() -> Path:
    """Return the folder in which SQLite stores large temporary databases; see https://sqlite.org/tempfiles.html."""
    candidates = [os.environ.get("SQLITE_TMPDIR"), os.environ.get("TMPDIR"), "/var/tmp", "/usr/tmp", "/tmp"]
    usable = (Path(name) for name in candidates if name and Path(name).is_dir() and os.access(name, os.W_OK | os.X_OK))
    return next(usable, Path())
