"""Intermediate results of a build, from which an interrupted build resumes."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Container, Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.arrays import is_sparse, read_json, write_json
from aesearch.coders.base import Coder
from aesearch.errors import CorruptIndex, InvalidParameter
from aesearch.features.base import Features, load_features
from aesearch.index.ledger import Ledger
from aesearch.index.manifest import fsync_tree
from aesearch.index.spool import Spool

if TYPE_CHECKING:
    from aesearch.arrays import Rows

FORMAT_KEY, FORMAT = "workspace of aesearch, format", 3
"""First entry of a plan. A workspace of another format is emptied."""

PLAN, LEDGER, FEATURES, ROWS, CODES = "plan.json", "ledger.sqlite", "features", "rows", "codes"
OWN_NAMES = re.compile(rf"{PLAN}|{LEDGER}.*|{FEATURES}(\.new)?|{ROWS}|{CODES}|training.*")

N_VERIFIED_CODES = 64
"""Codes that are computed again to verify that the existing codes are from the same coder."""

CODE_TOLERANCE = 1e-4
"""Largest difference between two codes of one row from the same coder."""


class Workspace:
    """The intermediate results of one build, in a folder of its own.

    An interrupted build leaves the folder behind, and the next build with the same plan resumes from it. Only what matches
    its checksum is used: what a crash or a power failure left incomplete is done again. The results of a build with another
    plan are discarded.

    Parameters
    ----------
    folder : Path
        An empty, a new or a left-behind folder.
    plan : mapping
        Everything that determines the results, as JSON values.

    Attributes
    ----------
    ledger : Ledger
        The items read so far, and the files that were read completely.
    features : Features or None
        The fitted features; None if they are not fitted yet.
    rows, codes : Spool
        Rows and codes of the items under their keys.

    Raises
    ------
    InvalidParameter
        If the folder holds other files.
    """

    def __init__(self, folder: Path, plan: Mapping[str, Any]) -> None:
        self.folder = folder
        self._open_files = ExitStack()
        expected = json.loads(json.dumps({FORMAT_KEY: FORMAT, **plan}))
        if not self._has_plan(expected):
            self._clear(expected)
        try:
            self._open()
        except CorruptIndex:
            self.close()
            self._clear(expected)
            self._open()
        os.utime(folder / PLAN)  # see last_used()

    def _has_plan(self, plan: dict[str, Any]) -> bool:
        """Return whether the folder holds results of this plan, and no symbolic links, which would be written through."""
        if any(path.is_symlink() for path in self.folder.rglob("*")):
            return False
        try:
            return read_json(self.folder / PLAN) == plan
        except CorruptIndex:
            return False

    def _clear(self, plan: dict[str, Any]) -> None:
        """Empty the folder and write the plan, which marks the folder as a workspace, before anything else."""
        self.folder.mkdir(parents=True, exist_ok=True)
        names = {path.name for path in self.folder.iterdir()}
        is_workspace = PLAN in names and _is_plan((self.folder / PLAN).read_bytes())
        foreign = {name for name in names if not is_workspace or not OWN_NAMES.fullmatch(name)}
        if foreign:
            raise InvalidParameter(
                f"{self.folder} is not a workspace: it contains {min(foreign)}; choose an empty or a new folder"
            )
        self._delete(*(names - {PLAN}))
        if (self.folder / PLAN).is_symlink():
            self._delete(PLAN)
        write_json(self.folder / PLAN, plan)
        fsync_tree(self.folder / PLAN)

    def _open(self) -> None:
        """Open the files. Raises CorruptIndex if the results do not belong together."""
        self.ledger = self._open_files.enter_context(closing(Ledger.open_exclusive(self.folder / LEDGER)))
        known_keys = {row.key for row in self.ledger.all_rows()}
        self.rows = self._open_spool(ROWS, known_keys)
        lost = list(known_keys.difference(self.rows.keys.tolist()))
        if lost:  # their rows never reached the disk, and anything trained was trained with them
            paths = {row.path for row in self.ledger.rows_by_key(lost).values()}
            self.ledger.remove_files(path for path in paths if path)
            self.ledger.remove(lost)
            self._delete(CODES, *(path.name for path in self.folder.glob("training-*")))
        self.codes = self._open_spool(CODES)
        if not np.array_equal(self.codes.keys, self.rows.keys[: len(self.codes)]):
            raise CorruptIndex(self.folder / CODES, "does not match the rows beside it")
        has_features = (self.folder / FEATURES).exists()
        if len(self.rows) and not has_features:
            raise CorruptIndex(self.folder / FEATURES, "is missing")
        self.features: Features | None = load_features(self.folder / FEATURES) if has_features else None

    def _open_spool(self, name: str, known_keys: Container[int] | None = None) -> Spool:
        return self._open_files.enter_context(closing(Spool(self.folder / name, known_keys)))

    def _delete(self, *names: str) -> None:
        """Delete files and folders of the workspace, if they exist."""
        for name in names:
            _delete(self.folder / name)

    @property
    def training_checkpoint(self) -> Path:
        """Checkpoint of the training on all rows. With more rows it is another training, and another file."""
        return self.folder / f"training-{len(self.rows)}.safetensors"

    def save_features(self, features: Features) -> None:
        """Store the fitted features atomically."""
        new = self.folder / f"{FEATURES}.new"
        self._delete(new.name)
        features.save(new)
        fsync_tree(new)
        new.rename(self.folder / FEATURES)
        self.features = features

    def codes_of(self, coder: Coder) -> Spool:
        """Return the spool of codes, which is emptied if its codes are not from this coder."""
        count = len(self.codes)
        last = np.arange(max(0, count - N_VERIFIED_CODES), count)
        if count and not _are_close(coder.encode(self.rows.rows(last)), self.codes.rows(last)):
            self.codes.close()
            self._delete(CODES)
            self.codes = self._open_spool(CODES)
        return self.codes

    def commit(self) -> None:
        """Make everything read so far durable: first the rows, then the ledger that refers to them."""
        self.rows.flush()
        self.ledger.commit()

    def close(self) -> None:
        """Close all files."""
        self._open_files.close()


def _are_close(first: Rows, second: Rows) -> bool:
    """Return whether the codes of some rows are those of the same coder."""
    if is_sparse(first):
        return not abs(first - second).max() > CODE_TOLERANCE
    return first.shape == second.shape and np.allclose(first, second, atol=CODE_TOLERANCE)


def _is_plan(content: bytes) -> bool:
    """Return whether a file is a plan of any format, or the beginning of one, which a crash may leave behind."""
    start = f'{{\n "{FORMAT_KEY}": '.encode()
    return content.startswith(start) or start.startswith(content)


def _delete(path: Path) -> None:
    """Delete a file, a link or a folder, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def delete_workspace(folder: Path) -> None:
    """Delete a workspace: its plan last, so that the rest is still known as a workspace if the deletion is interrupted."""
    for path in folder.iterdir():
        if path.name != PLAN:
            _delete(path)
    _delete(folder / PLAN)
    folder.rmdir()


def delete_outdated_workspace(folder: Path, time: float) -> None:
    """Delete a workspace that was last opened before a time, in seconds since 1970, or whose deletion was interrupted."""
    if 0 < last_used(folder) < time:
        delete_workspace(folder)
    with suppress(OSError):  # it does not exist, or is not empty
        folder.rmdir()


def last_used(folder: Path) -> float:
    """Return when the workspace in a folder was last opened, in seconds since 1970; 0 if there is none."""
    plan = folder / PLAN
    return plan.stat().st_mtime if plan.exists() else 0.0
