"""An open index, and how it is saved, loaded, refreshed and verified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from aesearch.catalog import STORES, lookup
from aesearch.coders.base import Coder
from aesearch.coders.loading import load_coder
from aesearch.errors import Busy, CorruptIndex, NoIndex, count
from aesearch.features.base import Features, load_features
from aesearch.index import manifest
from aesearch.index.ledger import Ledger
from aesearch.index.locking import write_lock
from aesearch.index.record import BuildRecord
from aesearch.stores.base import Store

MAX_LOAD_ATTEMPTS = 10
"""Loading is tried this many times. It fails if a writer commits meanwhile."""


@dataclass
class IndexState:
    """An open index: its parts, and how they relate to its folder.

    `store.lock` protects the store and the ledger together. A query holds it for reading while it searches the store and
    looks up the rows of the hits; a change holds it for writing while it changes both.

    Attributes
    ----------
    features, coder, store, passages, ledger, record
        The parts of the index. `passages` holds the codes of the passages of long documents, by the ids of the passages.
    folder : Path or None
        Absolute path of the folder that the index was loaded from or saved to; None if there is none.
    generation : int
        The commit that was loaded or saved last.
    encoder_only : bool
        Whether the coder was loaded without its decoder.
    unsaved : set of str
        The parts that differ from the folder.
    """

    features: Features
    coder: Coder
    store: Store
    passages: Store
    ledger: Ledger
    record: BuildRecord
    folder: Path | None = None
    generation: int = 0
    encoder_only: bool = False
    unsaved: set[str] = field(default_factory=lambda: set(manifest.PARTS))

    def require_folder(self) -> Path:
        """Return the folder. Raises NoIndex if the index was never saved."""
        if self.folder is None:
            raise NoIndex("the index has no folder: it was never saved; save it first")
        return self.folder


def save_state(state: IndexState, folder: Path) -> None:
    """Write an index to a folder in one commit: only the changed parts if it was loaded from there, otherwise all.

    Raises
    ------
    Busy
        If another process is writing the index, or has written it since it was loaded.
    InvalidParameter
        If the folder holds other files.
    """
    with write_lock(folder):
        _save_locked(state, folder)


def _save_locked(state: IndexState, folder: Path) -> None:
    """Write an index, once this process holds its write lock."""
    if not state.ledger.has_keys(state.store.keys()):
        counts = f"{count(len(state.store), 'code')} for {count(len(state.ledger), 'item')}"
        if len(state.store) == len(state.ledger):
            counts = "codes that do not belong to its items"
        raise CorruptIndex(folder, f"was not changed, because it would hold {counts}; load it again and repeat the change")
    writers: dict[str, Callable[[Path], None]] = {
        "features": state.features.save,
        "coder": state.coder.save,
        "store": state.store.save,
        "passages": state.passages.save,
        "ledger": state.ledger.save,
    }
    generation = manifest.read_generation(folder)
    if generation is not None and state.folder == folder.resolve():
        if generation != state.generation:
            raise Busy(f"cannot save {folder}: another process has changed it; load it again and repeat the change")
        writers = {part: write for part, write in writers.items() if part in state.unsaved}
    contents = {
        "kind": state.record.kind,
        "items": len(state.store),
        "store": {"name": state.store.name, "metric": state.store.metric, "width": state.store.width},
        "record": state.record.as_dict(),
    }
    state.generation = manifest.commit(folder, contents, writers)
    state.folder = folder.resolve()
    state.unsaved = set()


def load_state(
    folder: Path, *, encoder_only: bool = True, max_checked_bytes: float = manifest.MAX_CHECKED_BYTES
) -> IndexState:
    """Load an index, always in the state of one commit, even if a writer commits meanwhile.

    Raises
    ------
    NoIndex
        If there is no index in the folder.
    CorruptIndex
        If a part is missing or altered.
    Busy
        If writers commit faster than the index can be loaded.
    """
    for _ in range(MAX_LOAD_ATTEMPTS):
        generation = manifest.read_generation(folder)
        try:
            return _load_once(folder, encoder_only, max_checked_bytes)
        except (CorruptIndex, OSError):
            # If a writer has committed meanwhile, the parts that were listed are gone, and others have replaced them.
            if manifest.read_generation(folder) == generation:
                raise
    raise Busy(f"cannot load {folder}: other processes change it faster than it can be read; try again")


def _load_once(folder: Path, encoder_only: bool, max_checked_bytes: float) -> IndexState:
    """Load an index. Raises CorruptIndex or OSError if a writer commits meanwhile, too."""
    contents = manifest.read_manifest(folder, max_checked_bytes=max_checked_bytes)
    parts = {part: folder / name for part, name in contents["parts"].items()}
    try:
        saved = contents["store"]
        store_class = lookup(STORES, "store", saved["name"]).load()
        state = IndexState(
            load_features(parts["features"]),
            load_coder(parts["coder"], encoder_only=encoder_only),
            store_class.load(parts["store"], saved["metric"], saved["width"]),
            store_class.load(parts["passages"], saved["metric"], saved["width"]),
            Ledger.load(parts["ledger"]),
            BuildRecord.from_dict(contents["record"]),
            folder.resolve(),
            contents["generation"],
            encoder_only,
            unsaved=set(),
        )
        if not len(state.store) == len(state.ledger) == contents["items"]:
            counts = f"{count(len(state.store), 'code')} and {count(len(state.ledger), 'item')}"
            raise CorruptIndex(folder, f"holds {counts} instead of {contents['items']:,}")
        if state.coder.shape != state.features.shape:
            shapes = f"has a coder for rows of shape {state.coder.shape}, and features of shape {state.features.shape}"
            raise CorruptIndex(folder, shapes)
    except (KeyError, TypeError) as error:
        raise CorruptIndex(folder / manifest.MANIFEST_FILE, f"lacks what an index needs ({error})") from None
    return state


def refresh_state(state: IndexState) -> IndexState | None:
    """Load the index again if another process has committed a newer version; return None if not.

    Raises
    ------
    NoIndex
        If the index was never saved.
    """
    folder = state.require_folder()
    if manifest.read_generation(folder) == state.generation:
        return None
    return load_state(folder, encoder_only=state.encoder_only)


def verify_state(state: IndexState) -> None:
    """Compare every file with its checksum, and the keys of the store with those of the ledger.

    Raises
    ------
    CorruptIndex
        If anything differs.
    NoIndex
        If the index was never saved.
    """
    folder = state.require_folder()
    manifest.read_manifest(folder, max_checked_bytes=float("inf"))
    keys = np.array([row.key for row in state.ledger.all_rows()], np.int64)
    if not np.array_equal(np.sort(state.store.keys()), np.sort(keys)):
        raise CorruptIndex(folder, "holds codes that do not belong to its items")
    passages = state.passages.keys().tolist()
    if len(state.ledger.texts.items_of(passages)) != len(passages):
        raise CorruptIndex(folder, "holds codes that do not belong to its passages")
