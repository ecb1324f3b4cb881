"""An index's folder: its parts, their checksums, and the one small file whose replacement commits a change.

A part is a file or folder beside `index.json`, which names it.  A change writes the parts that differ under new names
(`store.2` beside `store`), then replaces `index.json`; only then are the old ones removed.  So a reader, and whoever comes
after a crash, sees the old index or the new one, never a mixture.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from aesearch.arrays import read_json
from aesearch.errors import CorruptIndex, InvalidParameter, NoIndex

FORMAT = 1
FILE = "index.json"
PARTS = {"features": "features", "coder": "coder", "store": "store", "ledger": "ledger.sqlite"}
CHECKED_AT_OPENING = 64 << 20
"""Bytes: a larger file has only its size checked when the index is opened."""

SEAL = "sha256"
"""The checksum of all else that `index.json` says."""

Manifest = dict[str, Any]


def generation(folder: Path) -> int | None:
    """The number of the last commit; None where there is none, or nothing that says it."""
    try:
        found = read_json(folder / FILE).get("generation")
    except CorruptIndex:
        return None
    return found if isinstance(found, int) else None


def read_manifest(folder: Path, *, in_full: bool = False) -> Manifest:
    """What `index.json` says, once every file that it names was found to be as it was written; large ones, unless
    `in_full`, by their size.

    Raises NoIndex where there is none, CorruptIndex where a file is missing, altered or of a newer format.
    """
    if not (folder / FILE).is_file():
        raise NoIndex(f"there is no index in {folder}; make one with: aesearch index PATH --index {folder}")
    manifest = read_json(folder / FILE)
    if not isinstance(manifest.get("format"), int) or not isinstance(manifest.get("files"), dict):
        raise CorruptIndex(folder / FILE, "does not describe an index")
    if manifest["format"] > FORMAT:
        raise CorruptIndex(folder / FILE, f"is of format {manifest['format']}, newer than this aesearch (format {FORMAT})")
    if not _names_parts(manifest):
        raise CorruptIndex(folder / FILE, "does not name the parts of an index, or names files that are none of them")
    if manifest.pop(SEAL, None) not in (None, _seal(manifest)):  # older indexes have none
        raise CorruptIndex(folder / FILE, "differs from what was written")
    for name, expected in manifest["files"].items():
        _check(folder, name, expected, in_full)
    return manifest


def _check(folder: Path, name: str, expected: Mapping[str, Any], in_full: bool) -> None:
    path = folder / name
    try:
        size = path.stat().st_size
        if size != expected["bytes"]:
            raise CorruptIndex(path, f"has {size:,} bytes where {expected['bytes']:,} were written")
        if (in_full or size <= CHECKED_AT_OPENING) and _sha256(path) != expected["sha256"]:
            raise CorruptIndex(path, "differs from what was written")
    except OSError as error:
        raise CorruptIndex(path, f"cannot be opened ({error.strerror})") from None
    except (KeyError, TypeError):
        raise CorruptIndex(folder / FILE, f"says nothing of the size of {name}") from None


def commit(folder: Path, record: Mapping[str, Any], writers: Mapping[str, Callable[[Path], None]]) -> Manifest:
    """Writes the parts that have a writer, keeps the others as they are, and makes `record` and them the index.

    Each writer is called with the path that its part is to have.  Raises InvalidParameter where the folder holds something else.
    """
    old = _old(folder)
    generation = 1 + (old["generation"] if old else 0)
    folder.mkdir(parents=True, exist_ok=True)
    parts = dict(old["parts"]) if old else {}
    files = {name: seen for name, seen in (old["files"] if old else {}).items() if _part(name, parts) not in writers}
    fresh = folder / f".{FILE}.new"
    written = [fresh]
    try:
        for part, write in writers.items():
            stem, dot, ending = PARTS[part].partition(".")
            parts[part] = PARTS[part] if generation == 1 else f"{stem}.{generation}{dot}{ending}"
            written.append(folder / parts[part])
            _remove(written[-1])  # left by a change that was broken off
            write(written[-1])
            for path in _files_of(written[-1]):
                files[path.relative_to(folder).as_posix()] = {"bytes": path.stat().st_size, "sha256": _sha256(path)}
                _sync(path)
        manifest = {"format": FORMAT, "generation": generation, **record, "parts": parts, "files": files}
        fresh.write_text(json.dumps({**manifest, SEAL: _seal(manifest)}, indent=1) + "\n", encoding="utf-8")
        _sync(fresh)
    except BaseException:
        for path in written:  # on a full disk it would be in the way
            _remove(path)
        raise
    fresh.replace(folder / FILE)
    _sync(folder)
    for name in set((old or {"parts": {}})["parts"].values()) - set(parts.values()):
        _remove(folder / name)
    return manifest


def check_place(folder: Path) -> None:
    """Raises InvalidParameter where an index in `folder` would lie among, or over, something that is not one."""
    if folder.exists() and not folder.is_dir():
        raise InvalidParameter(f"{folder} is a file; name a folder for the index (--index)")
    strange = [
        path.name
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.name.partition(".")[0] not in {*(name.partition(".")[0] for name in PARTS.values()), "index", ""}
    ]
    if strange:
        raise InvalidParameter(
            f"{folder} holds {strange[0]}, which is no part of an index; name a folder of its own (--index)"
        )


def _old(folder: Path) -> Manifest | None:
    """What is there already and can be taken over, not checked; None where there is nothing, or nothing whole."""
    check_place(folder)
    try:
        old = read_json(folder / FILE)
    except CorruptIndex:
        return None
    return old if _names_parts(old) and isinstance(old.get("generation"), int) else None


def _names_parts(manifest: Manifest) -> bool:
    """Whether all parts are named, as we name them, and no file but theirs: a manifest from elsewhere must not be able to
    have us read, or remove, what is none of the index."""
    parts, files = manifest.get("parts"), manifest.get("files")
    if not isinstance(parts, dict) or not isinstance(files, dict) or parts.keys() != PARTS.keys():
        return False
    for part, place in parts.items():
        stem, dot, ending = PARTS[part].partition(".")
        if not isinstance(place, str) or not re.fullmatch(rf"{stem}(\.\d+)?{re.escape(dot + ending)}", place):
            return False
    return all(_part(name, parts) and ".." not in name.split("/") for name in files)


def _seal(manifest: Manifest) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _part(name: str, parts: Mapping[str, str]) -> str | None:
    """The part that the file `name` belongs to."""
    first = name.partition("/")[0]
    return next((part for part, place in parts.items() if place == first), None)


def _files_of(path: Path) -> Iterator[Path]:
    return (inner for inner in sorted(path.rglob("*")) if inner.is_file()) if path.is_dir() else iter([path])


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Has the system write `path` through to the disk; a folder only where the system can (not on Windows)."""
    with contextlib.suppress(PermissionError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_through(path: Path) -> None:
    """Waits until the files of `path` are on the disk."""
    for file in _files_of(path):
        _sync(file)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
