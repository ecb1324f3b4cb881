"""Where indexes are stored by default, and which index a command means."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

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


def search_folders() -> list[Path]:
    """Return the folders in which indexes are looked for: `indexes` here or in a folder above, then AESEARCH_HOME."""
    current = Path.cwd()
    projects = [folder / "indexes" for folder in (current, *current.parents)]
    above = next((folder for folder in projects if any(folder.glob(f"*/{MANIFEST_FILE}"))), None)
    folders = [] if above is None else [Path("indexes") if above == projects[0] else above]
    return folders if home() in folders else [*folders, home()]


def list_indexes(kind: ItemKind | None = None) -> list[Path]:
    """Return the folders of all indexes of a kind, of all `search_folders`, the most recently written of each first.

    Parts beside another index come last: they hold the less frequent items of a folder (`part_folder`).
    """
    manifests = [
        path
        for folder in search_folders()
        for path in sorted(folder.glob(f"*/{MANIFEST_FILE}"), key=lambda path: path.stat().st_mtime, reverse=True)
    ]
    found = [path.parent for path in manifests if kind is None or _read_kind(path) == kind]
    return sorted(found, key=_is_part)


def _is_part(folder: Path) -> bool:
    main, _, kind = folder.name.rpartition(".")
    return kind in ITEM_KINDS and (folder.with_name(main) / MANIFEST_FILE).is_file() if main else False


class IndexChoice(NamedTuple):
    """The index that a command means if none is named, and why.

    Attributes
    ----------
    folder : Path
    n_choices : int
        Number of indexes of this kind.
    contains_query : bool
        Whether the index was built from files that contain the query; otherwise it is the newest.
    """

    folder: Path
    n_choices: int
    contains_query: bool


def choose_newest(kind: ItemKind | None = None, query: Path | None = None) -> IndexChoice:
    """Return the index whose source contains a queried file, or else the most recently written one.

    Parameters
    ----------
    kind : ItemKind, optional
        Consider only indexes of this kind.
    query : Path, optional
        The queried file.

    Raises
    ------
    NoIndex
        If there is no index.
    WrongKind
        If there are only indexes of other kinds.
    """
    found = list_indexes(kind)
    if found:
        path = None if query is None else query.resolve()
        roots = {folder: read_source(folder) for folder in found} if path else {}
        containing = [folder for folder, root in roots.items() if path and root and path.is_relative_to(root)]
        if containing:
            deepest = max(containing, key=lambda folder: len(str(roots[folder])))
            return IndexChoice(deepest, len(found), contains_query=True)
        return IndexChoice(found[0], len(found), contains_query=False)
    places = " and ".join(map(str, search_folders()))
    remedy = "create one with: aesearch index PATH, or choose one with --index"
    if list_indexes():
        raise WrongKind(f"there is no index of {kind} in {places}, only of other kinds; {remedy}")
    raise NoIndex(f"there is no index{f' of {kind}' if kind else ''} in {places}; {remedy}")


def read_source(folder: Path) -> Path | None:
    """Return the folder that an index was built from; None for a single file, or items in memory, or if it is not known."""
    try:
        manifest = read_json(folder / MANIFEST_FILE)
        source = manifest["record"]["source"]
        return None if source is None or source["is_single_file"] else Path(source["root"])
    except (CorruptIndex, OSError, KeyError, TypeError):
        return None


def read_summary(folder: Path) -> dict[str, Any]:
    """Return the kind, the number of items, the source and the last change of an index, as `aesearch list` shows them."""
    path = folder / MANIFEST_FILE
    try:
        manifest = read_json(path)
    except (CorruptIndex, OSError):
        manifest = {}
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC).astimezone().isoformat(" ", "minutes")
    source = read_source(folder)
    return {
        "index": str(folder),
        "kind": manifest.get("kind"),
        "items": manifest.get("items"),
        "source": None if source is None else str(source),
        "changed": changed[:16],
    }


def index_kind(folder: Path) -> ItemKind | None:
    """Return the kind of the index in a folder; None if there is no index, or it cannot be read.

    Pass it to `read_files` before an index is updated: in a folder of images and documents, the more frequent kind may have
    changed since the build.
    """
    return _read_kind(folder / MANIFEST_FILE)


def part_folder(folder: Path, kind: ItemKind) -> Path:
    """Return the folder of the index of another kind beside an index."""
    return folder.with_name(f"{folder.name}.{kind}")


def find_part(folder: Path, kind: ItemKind) -> Path:
    """Return the index of a kind: the one in a folder, or the part beside it, if that is of this kind."""
    part = part_folder(folder, kind)
    return part if index_kind(folder) != kind and index_kind(part) == kind else folder


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
