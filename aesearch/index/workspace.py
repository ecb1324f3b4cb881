"""A build on its way: what it has read, learned and encoded, so that one that was broken off goes on from there."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.arrays import is_sparse, read_json, write_json
from aesearch.coders.base import Coder
from aesearch.errors import CorruptIndex, InvalidParameter
from aesearch.features.base import Features, load_features
from aesearch.index.ledger import Ledger
from aesearch.index.manifest import write_through
from aesearch.index.spool import Spool

if TYPE_CHECKING:
    from aesearch.arrays import Rows

MARK, FORMAT = "unfinished index of aesearch, format", 1
"""What a plan begins with; work of another format is thrown away."""

PLAN, LEDGER, FEATURES, ROWS, CODES = "plan.json", "ledger.sqlite", "features", "rows", "codes"
OURS = re.compile(rf"{PLAN}|{LEDGER}.*|{FEATURES}(\.new)?|{ROWS}|{CODES}|training.*")
"""What lies in the folder."""

CHECKED = 64
"""Items whose codes are made again, to see whether those that were kept are of the same coder."""
NEARLY = 1e-4


class Workspace:
    """The work of a build in a folder of its own, which is empty, or holds the work of an earlier one.

    Nothing in it is trusted further than its checksums: what a crash, or a loss of power, left half written is done again.
    What is not of the same `plan` is thrown away.  Raises InvalidParameter where the folder holds something else.

    Attributes
    ----------
    ledger : the items read, and the files wholly read.
    features : those that were fitted; None where they are still to be.
    rows, codes : spools of the features of the items and of their codes, under their keys.
    """

    def __init__(self, folder: Path, plan: Mapping[str, Any]) -> None:
        self.folder = folder
        expected = json.loads(json.dumps({MARK: FORMAT, **plan}))
        if not self._is_of(expected):
            self._begin(expected)
        try:
            self._open()
        except CorruptIndex:
            self._begin(expected)
            self._open()
        os.utime(folder / PLAN)  # see begun()

    def _is_of(self, plan: dict[str, Any]) -> bool:
        try:
            return read_json(self.folder / PLAN) == plan
        except CorruptIndex:
            return False

    def _begin(self, plan: dict[str, Any]) -> None:
        """Empties the folder and puts the plan in it, first of all: by it the folder is known as ours."""
        self.folder.mkdir(parents=True, exist_ok=True)
        names = {path.name for path in self.folder.iterdir()}
        plan_is_ours = PLAN in names and _is_ours((self.folder / PLAN).read_bytes())
        strange = {name for name in names if not plan_is_ours or not OURS.fullmatch(name)}
        if strange:
            raise InvalidParameter(
                f"{self.folder} holds {min(strange)}, which is no work on an index; name a folder of its own"
            )
        self._forget(*(names - {PLAN}))
        write_json(self.folder / PLAN, plan)
        write_through(self.folder / PLAN)

    def _open(self) -> None:
        self.ledger = Ledger.kept(self.folder / LEDGER)
        known = {row.key for row in self.ledger.all_rows()}
        self.rows = Spool(self.folder / ROWS, known)
        lost = list(known.difference(self.rows.keys.tolist()))
        if lost:  # entered, but their rows never reached the disk; whatever was learned was learned with them
            self.ledger.remove_files(row.path for row in self.ledger.rows_by_key(lost).values() if row.path)
            self.ledger.remove(lost)
            self._forget(CODES, *(path.name for path in self.folder.glob("training-*")))
        self.codes = Spool(self.folder / CODES)
        if not np.array_equal(self.codes.keys, self.rows.keys[: len(self.codes)]):
            raise CorruptIndex(self.folder / CODES, "is not of the rows beside it")
        there = (self.folder / FEATURES).exists()
        if len(self.rows) and not there:
            raise CorruptIndex(self.folder / FEATURES, "is missing")
        self.features: Features | None = load_features(self.folder / FEATURES) if there else None

    def _forget(self, *names: str) -> None:
        for name in names:
            if (self.folder / name).is_dir():
                shutil.rmtree(self.folder / name)
            else:
                (self.folder / name).unlink(missing_ok=True)

    @property
    def training(self) -> Path:
        """The file in which training on all rows keeps how far it came; with more rows it is another training."""
        return self.folder / f"training-{len(self.rows)}.safetensors"

    def keep_features(self, features: Features) -> None:
        """Whole or not at all."""
        fresh = self.folder / f"{FEATURES}.new"
        self._forget(fresh.name)
        features.save(fresh)
        write_through(fresh)
        fresh.rename(self.folder / FEATURES)
        self.features = features

    def codes_of(self, coder: Coder) -> Spool:
        """The spool of codes, empty unless those in it are this coder's."""
        made = len(self.codes)
        some = np.arange(max(0, made - CHECKED), made)
        if made and not _alike(coder.encode(self.rows.rows(some)), self.codes.rows(some)):
            self.codes.close()
            self._forget(CODES)
            self.codes = Spool(self.folder / CODES)
        return self.codes

    def commit(self) -> None:
        """Makes what was read so far outlive this process: the rows before the items that stand for them."""
        self.rows.flush()
        self.ledger.commit()

    def close(self) -> None:
        self.rows.close()
        self.codes.close()
        self.ledger.close()


def _alike(found: Rows, kept: Rows) -> bool:
    if is_sparse(found):
        return not abs(found - kept).max() > NEARLY
    return found.shape == kept.shape and np.allclose(found, kept, atol=NEARLY)


def _is_ours(plan: bytes) -> bool:
    """Whether it is a plan of any format, or the beginning of one, as a crash may leave it."""
    begins = f'{{\n "{MARK}": '.encode()
    return plan.startswith(begins) or begins.startswith(plan)


def begun(folder: Path) -> float:
    """When the work in `folder` was last begun or gone on with, in seconds since 1970; 0 where there is none."""
    plan = folder / PLAN
    return plan.stat().st_mtime if plan.exists() else 0.0
