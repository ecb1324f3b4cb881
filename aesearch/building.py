"""How an index is built: read, learn, encode, store; each file read once, memory bounded by the training sample."""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.agreement import score
from aesearch.arrays import is_sparse
from aesearch.catalog import CODERS, DEFAULT_CODER, DEFAULT_FEATURES, FEATURES, STORES, look_up, new_coder
from aesearch.coders.bits import Bits
from aesearch.coders.coder import Coder, Epoch
from aesearch.errors import BadSetting, NothingToIndex
from aesearch.features.features import Features
from aesearch.items import Item, Items, Kind
from aesearch.ledger import Ledger
from aesearch.readers.folder import Files
from aesearch.spool import Spool
from aesearch.stores.store import Store

if TYPE_CHECKING:
    from aesearch.arrays import Rows

READ_BATCH = 128
"""Items read at a time: few, so that the workers that decode do not wait while features are made of a batch."""

BATCH = 1024
"""Items coded and stored at a time."""

SAMPLE = 60_000
"""Items that a coder learns from; of a larger collection so many are drawn at random, and all are encoded."""

CODE_SIZE = 64

SCORED = 1000
"""Items by whose views the finished index is scored, at most."""

USUAL = 99
"""Percent of the items that have another within the distance beyond which a query is unlike the whole collection."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build has come.  `stage` is "read", "train", "encode" or "store"; items, or for "train" epochs."""

    stage: str
    done: int
    total: int | None
    epoch: Epoch | None = None


WatchBuild = Callable[[Progress], None]

Parts = tuple[Features, Coder, Store, Ledger, dict[str, Any]]


def build(
    items: Items,
    *,
    features: Features | None,
    coder: Coder | str | None,
    code_size: int | None,
    bits: bool,
    store: str | None,
    sample: int,
    workspace: Path | None,
    watch: WatchBuild,
    settings: dict[str, Any],
) -> Parts:
    """The four parts of an index of the items, and its record; see `Retriever.build`."""
    if iter(items) is items:
        raise BadSetting("items can be gone through only once; pass a list of them, or a folder")
    kind = kind_of(items)
    features = features or look_up(FEATURES, "features", DEFAULT_FEATURES[kind]).load()()
    rows = features.coded_as
    if isinstance(coder, str) or coder is None:
        coder = coder or DEFAULT_CODER[rows]
        # An hour of reading should not end in a word misspelt: the settings are tried before it.
        tried = new_coder(coder, rows, **settings, **({} if code_size is None else {"code_size": code_size}))
        if bits:
            Bits(tried)
    seconds: dict[str, float] = defaultdict(float)
    epochs: list[Epoch] = []

    def on_epoch(epoch: Epoch) -> None:
        epochs.append(epoch)
        watch(Progress("train", epoch.number, epoch.of, epoch))

    ledger = Ledger.new()
    with tempfile.TemporaryDirectory(prefix="aesearch-", dir=workspace) as folder:
        spool = Spool(Path(folder))
        with timed(seconds, "read"):
            keys = read(items, features, ledger, spool, watch)
        with timed(seconds, "train"):
            X = spool.sample(sample)
            fitted = chosen_coder(coder, rows, code_size, bits, settings, X).fit(X, on_epoch)
            del X
        kept = encode_and_store(spool, keys, fitted, store, seconds, watch)
        agreed = score(fitted, kept, spool.sample(SCORED))
        spool.close()
    stages = {stage: seconds[stage] for stage in ("read", "train", "encode", "store")}
    record: dict[str, Any] = {
        "kind": kind,
        "seconds": stages,
        "epochs": [asdict(epoch) for epoch in epochs],
        "agreement": agreed,
        "far": usual_distance(kept),
        "remarks": fitted.remarks(),
    }
    if isinstance(items, Files):
        ledger.enter_files(items.paths)
        record["source"] = {"root": str(items.root.resolve()), "lone": items.lone, "fields": asdict(items.fields)}
    return features, fitted, kept, ledger, record


def kind_of(items: Items) -> Kind:
    """What the collection holds.  Raises NothingToIndex where it is empty."""
    if isinstance(items, Files):
        return items.kind
    for item in items:
        return item.kind
    raise NothingToIndex("there are no items; pass at least one")


def spread(items: Items, needs: int | None) -> Iterable[Item]:
    """As many items as are needed, from all over the collection where it can be cut."""
    if needs is None:
        return items
    if isinstance(items, Files):
        return islice(items.spread(needs), needs)
    if isinstance(items, list | tuple):
        return items[:: max(1, len(items) // needs)]
    return islice(items, needs)


def read(items: Items, features: Features, ledger: Ledger, spool: Spool, watch: WatchBuild) -> np.ndarray:
    """Fits the features, spools the rows of all items and enters them in the ledger.  Returns their keys [N] int64.

    Raises NothingToIndex where no item could be read.
    """
    total = len(items) if isinstance(items, Sized) else None
    watch(Progress("read", 0, total))
    try:
        features.fit(spread(items, features.fit_needs))
    except NothingToIndex as error:
        raise NothingToIndex(f"{error}{_reasons(items)}") from None
    if isinstance(items, Files):
        items = items.sized(features.picture_size)
    keys: list[int] = []
    left_out: dict[str, str] = {}
    for batch in batches(items):
        entered = enter(ledger, batch, features, left_out)
        if not entered:
            continue
        spool.append(features.transform(list(entered.values())))
        keys += entered
        watch(Progress("read", len(spool), total))
    ledger.skipped = (items.skipped if isinstance(items, Files) else {}) | left_out
    if not keys:
        raise NothingToIndex(f"none of the items could be read{_reasons(items)}")
    watch(Progress("read", len(spool), len(spool)))
    return np.array(keys, np.int64)


def _reasons(items: Items) -> str:
    """Why the first few files were skipped, for the end of a sentence."""
    skipped = items.skipped if isinstance(items, Files) else {}
    named = "; ".join(f"{path}: {reason}" for path, reason in islice(skipped.items(), 3))
    return f" ({named})" if named else ""


def chosen_coder(
    coder: Coder | str, kind: Kind, code_size: int | None, bits: bool, settings: dict[str, Any], X: Rows
) -> Coder:
    """The coder to fit to X."""
    if isinstance(coder, str):
        sized = {} if coder == "raw" else {"code_size": code_size or min(CODE_SIZE, largest_code(coder, X))}
        floats: Coder = new_coder(coder, kind, **sized, **settings)
    else:
        floats = coder
    return Bits(floats) if bits else floats


def encode_and_store(
    spool: Spool, keys: np.ndarray, coder: Coder, name: str | None, seconds: dict[str, float], watch: WatchBuild
) -> Store:
    """A store of the codes of all spooled rows, under their keys."""
    store: Store | None = None
    for start in range(0, len(spool), BATCH):
        numbers = np.arange(start, min(start + BATCH, len(spool)))
        with timed(seconds, "encode"):
            codes = coder.encode(spool.rows(numbers))
        watch(Progress("encode", start + len(numbers), len(spool)))
        with timed(seconds, "store"):
            store = store or empty_store(name, coder, codes)
            store.add(keys[numbers], codes)
    assert store is not None  # read() has found at least one item
    watch(Progress("store", len(store), len(store)))
    return store


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, READ_BATCH)):
        yield batch


def enter(ledger: Ledger, items: Iterable[Item], features: Features, left_out: dict[str, str]) -> dict[int, Item]:
    """Enters the items in the ledger: by their keys.  One whose id is there already, or that the features cannot take, is
    noted in `left_out` instead."""
    entered: dict[int, Item] = {}
    for item in items:
        why_not = features.why_not(item)
        key = None if why_not else ledger.add(item)
        if why_not:
            left_out[item.id] = why_not
        elif key is None:
            left_out[item.id] = "an item of the same id came before it"
        else:
            entered[key] = item
    return entered


def largest_code(coder: str, X: Rows) -> int:
    """The code size used at most where none is named: half a row's numbers, and for a linear code no more than items."""
    half = max(1, prod(X.shape[1:]) // 2)
    most = min(half, X.shape[0]) if CODERS[coder].target.startswith("aesearch.coders.linear") else half
    return most - most % 8 if most >= 8 else most


def empty_store(name: str | None, coder: Coder, codes: Rows) -> Store:
    """An empty store for such codes."""
    name = name or ("sparse" if is_sparse(codes) else "faiss")
    store: Store = look_up(STORES, "store", name).load()(coder.metric, codes.shape[1])
    return store


def usual_distance(store: Store) -> float | None:
    """The distance to the nearest other item that USUAL percent of the items do not exceed, by SCORED of them at most.

    None where there are fewer than 100: of so few no such share can be told.
    """
    if len(store) < 100:
        return None
    keys = np.random.default_rng(0).permutation(np.sort(store.keys()))[:SCORED]
    return float(np.percentile(np.concatenate([far[:, 0] for _, far in store.others(keys, 1)]), USUAL))


@contextmanager
def timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    began = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] += time.perf_counter() - began
