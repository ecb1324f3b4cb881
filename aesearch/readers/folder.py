"""Find the items of a folder or of one file."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from aesearch.catalog import READERS, find_reader
from aesearch.errors import NoItems
from aesearch.items import ITEM_KINDS, ItemKind, Skip, SkipCategory
from aesearch.readers.collection import FILES_PER_REQUEST, FileCollection
from aesearch.readers.encodings import check_encoding
from aesearch.readers.ignore import Globs
from aesearch.readers.tables import TableFields
from aesearch.readers.walk import FileStat, walk_folder
from aesearch.readers.workers import WorkerPool

__all__ = ["FileCollection", "FileStat", "read_files"]

MAX_LISTED_ENDINGS = 20
"""Name endings that an error message lists."""


def read_files(
    path: str | os.PathLike[str],
    *,
    kind: ItemKind | None = None,
    fields: TableFields | None = None,
    encoding: str | None = None,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    start_workers: bool = False,
) -> FileCollection:
    """Return the items of a folder and its subfolders, or of one file. Files are read when the result is iterated.

    Hidden files, indexes, special files, folders of system files and files without a reader are skipped. Every folder is
    walked only once, even if several links lead to it.

    Parameters
    ----------
    path : path-like
        A folder, or a file.
    kind : ItemKind, optional
        What to read in a folder; files of other kinds are skipped. By default the kind with the most files, of which
        logs, configurations and files without a suffix do not count, and source code counts beside other documents.
    fields : TableFields, optional
        Fields of table rows.
    encoding : str, optional
        Encoding of all texts, web pages and tables, as Python names it. By default it is detected for each file.
    include, exclude : iterable of str
        Patterns of files and folders below a folder, in the syntax of `.gitignore` (`aesearch.readers.ignore`). If there
        are patterns to include, only files that match one are read. A file `.aesearchignore` excludes, too.
    start_workers : bool
        Whether to start worker processes while the folder is walked. Use it if all files are read immediately.

    Raises
    ------
    NoItems
        If the path does not exist or cannot be opened, is neither a folder nor a regular file, or no file has a reader.
    InvalidParameter
        If there is no such encoding, or a pattern is too complex.
    """
    root = Path(path)
    include, exclude = tuple(include), tuple(exclude)
    globs = Globs(include, exclude)
    fields = fields or TableFields()
    check_encoding(encoding)
    found = _stat(root)
    if stat.S_ISDIR(found.st_mode):
        files = _read_folder(root, kind, fields, globs, start_workers)
        return replace(files, encoding=encoding, include=include, exclude=exclude)
    return replace(_read_single_file(root, found, fields), encoding=encoding)


def _stat(root: Path) -> os.stat_result:
    """Return the status of a file or folder that the user named."""
    try:
        return root.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise NoItems(f"{root} does not exist; check the spelling") from None
    except OSError as error:
        raise NoItems(f"cannot open {root}: {error.strerror or error}") from None


def _read_single_file(root: Path, found: os.stat_result, fields: TableFields) -> FileCollection:
    """Return the items of one file; see `read_files`."""
    if not stat.S_ISREG(found.st_mode):  # reading a named pipe or a device could wait forever
        raise NoItems(f"cannot read {root}: it is neither a folder nor a regular file; copy its content to a file")
    entry = find_reader(root)
    if entry is None:
        raise NoItems(f"no reader for {root}; use a folder or a file whose name ends in {_endings()}")
    paths = {root.name: FileStat(found.st_size, found.st_mtime_ns)}
    return FileCollection(root.parent, paths, entry.kinds[0], fields, is_single_file=True)


def _read_folder(
    root: Path, kind: ItemKind | None, fields: TableFields, globs: Globs, start_workers: bool
) -> FileCollection:
    """Return the items of a folder; see `read_files`."""
    skipped: dict[str, Skip] = {}
    inaccessible: dict[str, str] = {}
    by_kind: dict[ItemKind, dict[str, FileStat]] = {each: {} for each in ITEM_KINDS}
    pool = WorkerPool()
    n_isolated = 0
    for path, found in walk_folder(root, skipped, inaccessible, globs):
        entry = find_reader(path)
        if entry is None:
            skipped[path] = Skip(SkipCategory.UNSUPPORTED, "no reader for files of this type")
            continue
        by_kind[entry.kinds[0]][path] = found
        if start_workers and entry.is_isolated and kind in (None, entry.kinds[0]):
            if n_isolated % FILES_PER_REQUEST == 0:
                pool.worker(n_isolated // FILES_PER_REQUEST)  # start it
            n_isolated += 1
    chosen = kind or _most_frequent_kind(by_kind)
    if not by_kind[chosen]:
        raise _no_items(root, kind, inaccessible)
    for other in ITEM_KINDS:
        if other != chosen:
            reason = f"{other} are skipped in a collection of {chosen}; choose the kind with --kind"
            skipped.update(dict.fromkeys(by_kind[other], Skip(SkipCategory.OTHER_KIND, reason)))
    others = tuple(each for each in ITEM_KINDS if each != chosen and any(map(_is_item, by_kind[each])))
    return FileCollection(
        root,
        by_kind[chosen],
        chosen,
        fields,
        other_kinds=others,
        skipped=skipped,
        inaccessible=inaccessible,
        _idle_pools=[pool],
    )


def _is_item(path: str) -> bool:
    """Return whether a file is not a sidecar or source code; see `CatalogEntry.role`."""
    entry = find_reader(path)
    return entry is not None and entry.role == "item"


def _most_frequent_kind(by_kind: Mapping[ItemKind, Iterable[str]]) -> ItemKind:
    """Return the kind with the most files. Sidecars and source code count as `CatalogEntry.role` describes."""
    n_files: dict[ItemKind, Counter[str]] = {}
    for kind, paths in by_kind.items():
        n_files[kind] = Counter(entry.role for entry in map(find_reader, paths) if entry is not None)
    has_items = any(counts["item"] for counts in n_files.values())

    def votes(kind: ItemKind) -> int:
        counts = n_files[kind]
        if not has_items:
            return counts.total()
        return counts["item"] + (counts["code"] if counts["item"] else 0)

    return max(ITEM_KINDS, key=votes)


def _no_items(root: Path, kind: ItemKind | None, inaccessible: Mapping[str, str]) -> NoItems:
    """Return the error for a folder without items."""
    if inaccessible:
        path, reason = next(iter(inaccessible.items()))
        return NoItems(f"{root / path}: {reason}, and the rest of {root} holds no {kind or 'items'}")
    what = kind or "images, documents or vectors"
    return NoItems(f"{root} holds no {what}; supported file names end in {_endings(kind)}")


def _endings(kind: ItemKind | None = None) -> str:
    """Return the name endings that have a reader, for a message."""
    endings = [
        ending for ending, entry in READERS.items() if entry.role == "item" and (kind is None or kind in entry.kinds)
    ]
    n_others = len(endings) - MAX_LISTED_ENDINGS
    return " ".join(endings[:MAX_LISTED_ENDINGS]) + (f" and {n_others} others" if n_others > 0 else "")
