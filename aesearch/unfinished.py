"""A build on its way: what it has read, learnt and encoded, so that one that was broken off goes on from there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.arrays import is_sparse, read_json, write_json
from aesearch.coders.coder import Coder
from aesearch.errors import BrokenIndex
from aesearch.features.features import Features, load_features
from aesearch.ledger import Ledger
from aesearch.manifest import write_through
from aesearch.spool import Spool

if TYPE_CHECKING:
    from aesearch.arrays import Rows

PLAN, TRAINING = "plan.json", "training.safetensors"
CHECKED = 64
"""Items whose codes are made again, to see whether those that were kept are of the same coder."""
NEARLY = 1e-4


class Unfinished:
    """The work of a build in a folder of its own.

    Nothing in it is trusted further than its checksums: what a crash, or a loss of power, left half written is done again.
    What is not of the same `plan` is thrown away.

    Attributes
    ----------
    ledger : the items read, and the files wholly read.
    rows, codes : spools of their features and codes, under their keys.
    training : the file in which training keeps how far it came.
    """

    def __init__(self, folder: Path, plan: Mapping[str, Any]) -> None:
        self.folder = folder
        plan = {"version": version("aesearch"), **plan}
        if folder.exists() and not self._is_of(json.loads(json.dumps(plan))):
            shutil.rmtree(folder)
        try:
            self._open()
        except BrokenIndex:
            shutil.rmtree(folder)
            self._open()
        write_json(folder / PLAN, plan)
        self.training = folder / TRAINING

    def _is_of(self, plan: dict[str, Any]) -> bool:
        try:
            return read_json(self.folder / PLAN) == plan
        except BrokenIndex:
            return False

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ledger = Ledger.kept(self.folder / "ledger.sqlite")
        known = {row.key for row in self.ledger.all_rows()}
        self.rows = Spool(self.folder / "rows", known)
        lost = list(known.difference(self.rows.keys.tolist()))
        if lost:  # entered, but their rows never reached the disk; whatever was learnt was learnt with them
            self.ledger.remove_files(row.path for row in self.ledger.rows(lost).values() if row.path)
            self.ledger.remove(lost)
            self._forget("codes", TRAINING)
        self.codes = Spool(self.folder / "codes")
        if not np.array_equal(self.codes.keys, self.rows.keys[: len(self.codes)]):
            raise BrokenIndex(self.folder / "codes", "is not of the rows beside it")

    def _forget(self, *names: str) -> None:
        for name in names:
            if (self.folder / name).is_dir():
                shutil.rmtree(self.folder / name)
            else:
                (self.folder / name).unlink(missing_ok=True)

    def features(self) -> Features | None:
        """Those that were fitted; None where they are still to be."""
        folder = self.folder / "features"
        return load_features(folder) if folder.exists() else None

    def keep_features(self, features: Features) -> None:
        """Whole or not at all."""
        fresh = self.folder / "features.new"
        self._forget(fresh.name)
        features.save(fresh)
        write_through(fresh)
        fresh.rename(self.folder / "features")

    def codes_of(self, coder: Coder) -> Spool:
        """The spool of codes, empty unless those in it are this coder's."""
        made = len(self.codes)
        some = np.arange(max(0, made - CHECKED), made)
        if made and not self._alike(coder.encode(self.rows.rows(some)), self.codes.rows(some)):
            self.codes.close()
            self._forget("codes")
            self.codes = Spool(self.folder / "codes")
        return self.codes

    def _alike(self, found: Rows, kept: Rows) -> bool:
        if is_sparse(found):
            return not abs(found - kept).max() > NEARLY
        return found.shape == kept.shape and np.allclose(found, kept, atol=NEARLY)

    def commit(self) -> None:
        """Makes what was read so far outlive this process: the rows before the items that stand for them."""
        self.rows.flush()
        self.ledger.commit()

    def close(self) -> None:
        self.rows.close()
        self.codes.close()
        self.ledger.close()


def begun(folder: Path) -> float:
    """When the work in `folder` was last begun or gone on with, in seconds since 1970; 0 where there is none."""
    plan = folder / PLAN
    return plan.stat().st_mtime if plan.exists() else 0.0
