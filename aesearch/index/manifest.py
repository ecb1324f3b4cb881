"""The folder of an index: its parts, their checksums, and `index.json`, whose replacement commits a change.

A part is a file or a folder beside `index.json`, which lists it. A commit writes the changed parts under new names
(`store.2` beside `store`), then replaces `index.json`, and finally removes the old parts. Therefore a reader, or the next
process after a crash, sees the old index or the new one, never a mixture.
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

from aesearch.arrays import read_json, write_json
from aesearch.errors import CorruptIndex, InvalidParameter, NoIndex, UnsupportedFormat, count
from aesearch.index.locations import MANIFEST_FILE

FORMAT = 5
PARTS = {"features": "features", "coder": "coder", "store": "store", "passages": "passages", "ledger": "ledger.sqlite"}
"""The parts of an index, and their names in the first commit."""

MAX_CHECKED_BYTES = 64 << 20
"""Loading an index compares the checksums of files up to this size. Of larger files it compares only the size."""

CHECKSUM_KEY = "sha256"
"""Key of the checksum that covers the rest of `index.json`."""

Manifest = dict[str, Any]


def read_generation(folder: Path) -> int | None:
    """Return the number of the last commit; None if there is none, or it cannot be read."""
    try:
        generation = read_json(folder / MANIFEST_FILE).get("generation")
    except CorruptIndex:
        return None
    return generation if isinstance(generation, int) else None


def read_manifest(folder: Path, *, max_checked_bytes: float = MAX_CHECKED_BYTES) -> Manifest:
    """Read `index.json` and check every file that it lists.

    Parameters
    ----------
    folder : Path
    max_checked_bytes : float
        Size of the largest file whose checksum is compared. Of larger files only the size is compared.

    Raises
    ------
    NoIndex
        If there is no index in the folder.
    UnsupportedFormat
        If another version of aesearch has written it.
    CorruptIndex
        If a file is missing or altered.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise NoIndex(f"there is no index in {folder}; create one with: aesearch index PATH --index {folder}")
    manifest = read_json(path)
    if not isinstance(manifest.get("format"), int) or not isinstance(manifest.get("files"), dict):
        raise CorruptIndex(path, "does not describe an index")
    if manifest["format"] != FORMAT:
        raise UnsupportedFormat(folder, manifest["format"], FORMAT)
    if not _lists_known_parts(manifest):
        raise CorruptIndex(path, "does not list the parts of an index, or lists other files")
    if manifest.pop(CHECKSUM_KEY, None) != _checksum(manifest):
        raise CorruptIndex(path, "does not match its checksum")
    for name, expected in manifest["files"].items():
        _check_file(folder, name, expected, max_checked_bytes)
    return manifest


def _check_file(folder: Path, name: str, expected: Mapping[str, Any], max_checked_bytes: float) -> None:
    """Raise CorruptIndex if a file does not have the size and the checksum that the manifest lists."""
    path = folder / name
    try:
        size = path.stat().st_size
        if size != expected["bytes"]:
            raise CorruptIndex(path, f"has {count(size, 'byte')} instead of {expected['bytes']:,}")
        if size <= max_checked_bytes and _sha256(path) != expected["sha256"]:
            raise CorruptIndex(path, "does not match its checksum")
    except OSError as error:
        raise CorruptIndex(path, f"cannot be opened ({error.strerror})") from None
    except (KeyError, TypeError):
        raise CorruptIndex(folder / MANIFEST_FILE, f"lacks the size or the checksum of {name}") from None


def commit(folder: Path, contents: Mapping[str, Any], writers: Mapping[str, Callable[[Path], None]]) -> int:
    """Write parts of an index and commit them. Parts without a writer stay as they are.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    contents : mapping
        JSON values to store in `index.json`.
    writers : mapping
        For each part to write, a function that writes it to a path.

    Returns
    -------
    int
        The number of the commit.

    Raises
    ------
    InvalidParameter
        If the folder holds other files.
    """
    previous = _read_previous(folder)
    generation = 1 + (previous["generation"] if previous else 0)
    folder.mkdir(parents=True, exist_ok=True)
    parts = dict(previous["parts"]) if previous else {}
    old_files = previous["files"] if previous else {}
    files = {name: entry for name, entry in old_files.items() if _part_of(name, parts) not in writers}
    new_manifest = folder / f".{MANIFEST_FILE}.new"
    written = [new_manifest]
    try:
        for part, write in writers.items():
            parts[part] = _part_name(part, generation)
            written.append(folder / parts[part])
            files |= _write_part(folder, parts[part], write)
        manifest = {"format": FORMAT, "generation": generation, **contents, "parts": parts, "files": files}
        manifest[CHECKSUM_KEY] = _checksum(manifest)
        _remove(new_manifest)  # it may be a link to another file
        write_json(new_manifest, manifest)
        _fsync(new_manifest)
    except BaseException:
        for path in written:  # on a full disk they would be in the way
            _remove(path)
        raise
    new_manifest.replace(folder / MANIFEST_FILE)
    _fsync(folder)
    remove_outdated_parts(folder)
    return generation


def remove_outdated_parts(folder: Path) -> None:
    """Remove the parts that the manifest does not list, which interrupted commits leave behind.

    The caller holds the write lock.
    """
    manifest = _read_previous(folder)
    if manifest is not None:
        for path in list(folder.iterdir()):
            if path.name not in manifest["parts"].values() and any(_is_name_of(part, path.name) for part in PARTS):
                _remove(path)


def _part_name(part: str, generation: int) -> str:
    """Return the name of a part that a commit writes: "store" in the first commit, "store.2" in the second."""
    stem, dot, ending = PARTS[part].partition(".")
    return PARTS[part] if generation == 1 else f"{stem}.{generation}{dot}{ending}"


def _write_part(folder: Path, name: str, write: Callable[[Path], None]) -> dict[str, dict[str, Any]]:
    """Write a part, flush its files to the disk, and return the size and checksum of each."""
    path = folder / name
    _remove(path)  # an interrupted commit may have left it behind
    write(path)
    files = {}
    for file in _files_in(path):
        files[file.relative_to(folder).as_posix()] = {"bytes": file.stat().st_size, "sha256": _sha256(file)}
        _fsync(file)
    return files


def check_location(folder: Path) -> None:
    """Raise InvalidParameter if a folder is not an index and holds other files."""
    if folder.exists() and not folder.is_dir():
        raise InvalidParameter(f"{folder} is a file, not a folder; choose a folder for the index (--index)")
    own = {*(name.partition(".")[0] for name in PARTS.values()), "index", ""}
    foreign = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    foreign = [name for name in foreign if name.partition(".")[0] not in own]
    if foreign:
        raise InvalidParameter(
            f"{folder} is not an index: it contains {foreign[0]}; choose an empty or a new folder for the index (--index)"
        )


def _read_previous(folder: Path) -> Manifest | None:
    """Return the manifest of the index in the folder, without checking its files; None if there is no usable one."""
    check_location(folder)
    try:
        previous = read_json(folder / MANIFEST_FILE)
    except CorruptIndex:
        return None
    return previous if _lists_known_parts(previous) and isinstance(previous.get("generation"), int) else None


def _lists_known_parts(manifest: Manifest) -> bool:
    """Return whether a manifest lists all parts under the names that `commit` gives them, and only their files.

    A hostile manifest must not cause files outside the index to be read or removed.
    """
    parts, files = manifest.get("parts"), manifest.get("files")
    if not isinstance(parts, dict) or not isinstance(files, dict) or parts.keys() != PARTS.keys():
        return False
    if not all(isinstance(name, str) and _is_name_of(part, name) for part, name in parts.items()):
        return False
    return all(_part_of(name, parts) and ".." not in name.split("/") for name in files)


def _is_name_of(part: str, name: str) -> bool:
    """Return whether a commit may give a part this name."""
    stem, dot, ending = PARTS[part].partition(".")
    return re.fullmatch(rf"{stem}(\.\d+)?{re.escape(dot + ending)}", name) is not None


def _checksum(manifest: Manifest) -> str:
    """Return the checksum of a manifest that does not contain it yet."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _part_of(file: str, parts: Mapping[str, str]) -> str | None:
    """Return the part that a file belongs to; None if it belongs to none."""
    first = file.partition("/")[0]
    return next((part for part, name in parts.items() if name == first), None)


def _files_in(path: Path) -> Iterator[Path]:
    return (inner for inner in sorted(path.rglob("*")) if inner.is_file()) if path.is_dir() else iter([path])


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fsync_tree(path: Path) -> None:
    """Flush a file, or all files of a folder, to the disk."""
    for file in _files_in(path):
        _fsync(file)


def _fsync(path: Path) -> None:
    """Flush a file to the disk. Folders are flushed only if the operating system can (Windows cannot)."""
    with contextlib.suppress(PermissionError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove(path: Path) -> None:
    """Remove a file, a folder or a symbolic link, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
