"""How an index is built: read, learn, encode, store; each file read once, memory bounded by the training sample."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.agreement import score_coder
from aesearch.arrays import is_sparse
from aesearch.catalog import CODERS, DEFAULT_CODERS, DEFAULT_FEATURES, FEATURES, STORES, create_coder, lookup
from aesearch.coders.base import Coder, Epoch
from aesearch.coders.itq import ITQ
from aesearch.errors import InvalidParameter, NoItems
from aesearch.features.base import Features
from aesearch.index.ledger import Ledger
from aesearch.index.spool import Spool
from aesearch.index.sync import UNSETTLED, Settled
from aesearch.index.workspace import Workspace
from aesearch.items import Item, ItemCollection, ItemKind
from aesearch.readers.folder import FileCollection
from aesearch.stores.base import Store

if TYPE_CHECKING:
    from aesearch.arrays import Rows

READ_BATCH = 128
"""Items read at a time: few, so that the workers that decode do not wait while features are made of a batch."""

COMMIT_EVERY = 2.0
"""Seconds of reading that a build which is broken off may have to do again.  Each commit writes most pages of the ledger
anew, since its keys are in no order: one a batch would cost as much as entering the items, and more the more there are."""

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


ProgressCallback = Callable[[Progress], None]

Parts = tuple[Features, Coder, Store, Ledger, dict[str, Any]]


def build(
    items: ItemCollection,
    *,
    features: Features | None,
    coder: Coder | str | None,
    code_size: int | None,
    bits: bool,
    store: str | None,
    sample: int,
    workspace: Path | None,
    on_progress: ProgressCallback,
    settings: dict[str, Any],
) -> Parts:
    """The four parts of an index of the items, and its record; see `Retriever.build`."""
    if iter(items) is items:
        raise InvalidParameter("items can be gone through only once; pass a list of them, or a folder")
    if workspace is not None and not isinstance(items, FileCollection):
        raise InvalidParameter(
            "only a build from files can be gone on with; leave `unfinished` out for items made in memory"
        )
    kind = kind_of(items)
    features = features or lookup(FEATURES, "features", DEFAULT_FEATURES[kind]).load()()
    rows = features.row_kind
    if isinstance(coder, str) or coder is None:
        coder = coder or DEFAULT_CODERS[rows]
        # An hour of reading should not end in a word misspelt: the settings are tried before it.
        tried = create_coder(coder, rows, **settings, **({} if code_size is None else {"code_size": code_size}))
        if bits:
            ITQ(tried)
    record: dict[str, Any] = {"kind": kind}
    if isinstance(items, FileCollection):
        record["source"] = source_of(items)
    plan = {
        **record,
        "features": [features.name, features.get_params()],
        "coder": [coder, settings] if isinstance(coder, str) else [coder.name, coder.get_params()],
        "code_size": code_size,
        "bits": bits,
        "sample": sample,
    }
    seconds: dict[str, float] = defaultdict(float)
    with ExitStack() as closing:
        work = Workspace(workspace or Path(closing.enter_context(TemporaryDirectory(prefix="aesearch-"))), plan)
        closing.callback(work.close)
        if len(work.rows):
            record["taken_over"] = len(work.rows)
        with timed(seconds, "read"):
            features = read(items, features, work, on_progress)
        with timed(seconds, "train"):
            X = work.rows.sample(sample)
            fitted = chosen_coder(coder, rows, code_size, bits, settings, X)
            epochs = learn(fitted, X, None if workspace is None else work.training, on_progress)
            del X
        kept = encode_and_store(work.rows, work.codes_of(fitted), fitted, store, seconds, on_progress)
        agreed = score_coder(fitted, kept, work.rows.sample(SCORED))
        ledger = work.ledger.copy()
    record |= {
        "seconds": {stage: seconds[stage] for stage in ("read", "train", "encode", "store")},
        "epochs": [asdict(epoch) for epoch in epochs],
        "agreement": agreed,
        "far": usual_distance(kept),
        "remarks": fitted.training_warnings(),
    }
    return features, fitted, kept, ledger, record


def source_of(files: FileCollection) -> dict[str, Any]:
    """What is kept of where the items came from."""
    return {"root": str(files.root.resolve()), "lone": files.is_single_file, "fields": asdict(files.fields)}


def kind_of(items: ItemCollection) -> ItemKind:
    """What the collection holds.  Raises NoItems where it is empty."""
    if isinstance(items, FileCollection):
        return items.kind
    for item in items:
        return item.kind
    raise NoItems("there are no items; pass at least one")


def spread(items: ItemCollection, number: int) -> list[Item]:
    """At least so many items, if there are, from all over the collection where it can be cut."""
    if isinstance(items, FileCollection):
        return list(islice(items.sample(number), number))
    if isinstance(items, list | tuple):
        return list(items[:: max(1, len(items) // number)])
    return list(islice(items, number))


def read(items: ItemCollection, features: Features, work: Workspace, on_progress: ProgressCallback) -> Features:
    """Fits the features, and spools the rows of all items and enters them in the ledger, committing now and then.

    Returns the features, which are those of the work where it has them: files that it has read are passed over then.
    Raises NoItems where no item could be read.
    """
    total = len(items) if isinstance(items, Sized) else None
    on_progress(Progress("read", len(work.rows), total))
    looked_at: list[Item] = []
    if work.features is None:
        try:
            looked_at = [] if features.fit_sample_size is None else spread(items, features.fit_sample_size)
            features.fit(looked_at or items)  # where none of these can be read, others may be
        except NoItems as error:
            raise NoItems(f"{error}{_reasons(items)}") from None
        work.keep_features(features)
    features = work.features or features
    known: set[str] = set()
    begun: set[str] = set()
    if isinstance(items, FileCollection):
        done = work.ledger.files()
        items = items.subset([path for path in items.paths if path not in done])
        items = items.with_image_size(features.image_size).with_cached(looked_at)
        # A table that was read in part is read again, but for the rows that are there.
        for row in work.ledger.all_rows():
            if row.path is not None and row.path not in done:
                known.add(row.id)
                begun.add(row.path)
    settled = Settled(work.ledger, items)
    committed = time.monotonic()
    for batch in batches(items):
        left_out: dict[str, str] = {}
        fresh = [item for item in batch if item.id not in known]
        known.difference_update(item.id for item in batch)
        entered = enter(work.ledger, fresh, features, left_out)
        if entered:
            work.rows.append(np.array(list(entered), np.int64), features.transform(list(entered.values())))
        settled.up_to(batch[-1].path, left_out)
        if time.monotonic() - committed >= COMMIT_EVERY:
            work.commit()
            committed = time.monotonic()
        on_progress(Progress("read", len(work.rows), total))
    settled.up_to(None)
    work.ledger.set_files(dict.fromkeys(begun, UNSETTLED))  # what is there of them may have changed meanwhile
    work.commit()
    if not len(work.rows):
        raise NoItems(f"none of the items could be read{_reasons(items)}")
    on_progress(Progress("read", len(work.rows), len(work.rows)))
    return features


def _reasons(items: ItemCollection) -> str:
    """Why the first few files were skipped, for the end of a sentence."""
    skipped = items.skipped if isinstance(items, FileCollection) else {}
    named = "; ".join(f"{path}: {reason}" for path, reason in islice(skipped.items(), 3))
    return f" ({named})" if named else ""


def chosen_coder(
    coder: Coder | str, kind: ItemKind, code_size: int | None, bits: bool, settings: dict[str, Any], X: Rows
) -> Coder:
    """The coder to fit to X."""
    if isinstance(coder, str):
        sized = {} if coder == "raw" else {"code_size": code_size or min(CODE_SIZE, largest_code(coder, X))}
        floats: Coder = create_coder(coder, kind, **sized, **settings)
    else:
        floats = coder
    return ITQ(floats) if bits else floats


def learn(coder: Coder, X: Rows, checkpoint: Path | None, on_progress: ProgressCallback) -> list[Epoch]:
    """Fits the coder to X, keeping in the file `checkpoint`, if one is given, how far it came.  Returns the epochs."""
    epochs: list[Epoch] = []

    def on_epoch(epoch: Epoch) -> None:
        epochs.append(epoch)
        on_progress(Progress("train", epoch.number, epoch.total, epoch))

    coder.fit(X, on_epoch, checkpoint)
    return epochs


def encode_and_store(
    rows: Spool, codes: Spool, coder: Coder, name: str | None, seconds: dict[str, float], on_progress: ProgressCallback
) -> Store:
    """A store of the codes of all spooled rows, under their keys; those that are in `codes` are not made again."""
    with timed(seconds, "encode"):
        for numbers in _portions(len(codes), len(rows)):
            codes.append(rows.keys[numbers], coder.encode(rows.rows(numbers)))
            codes.flush()
            on_progress(Progress("encode", len(codes), len(rows)))
    with timed(seconds, "store"):
        store: Store | None = None
        for numbers in _portions(0, len(codes)):
            some = codes.rows(numbers)
            store = store or empty_store(name, coder, some)
            store.add(codes.keys[numbers], some)
    assert store is not None  # read() has found at least one item
    on_progress(Progress("store", len(store), len(store)))
    return store


def _portions(begin: int, end: int) -> Iterator[np.ndarray]:
    """The numbers from `begin` to `end`, a batch at a time."""
    for start in range(begin, end, BATCH):
        yield np.arange(start, min(start + BATCH, end))


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, READ_BATCH)):
        yield batch


def enter(ledger: Ledger, items: Iterable[Item], features: Features, left_out: dict[str, str]) -> dict[int, Item]:
    """Enters the items in the ledger: by their keys.  One whose id is there already, or that the features cannot take, is
    noted in `left_out` instead."""
    fitting = []
    for item in items:
        if rejection_reason := features.rejection_reason(item):
            left_out[item.id] = rejection_reason
        else:
            fitting.append(item)
    entered: dict[int, Item] = {}
    for item, key in zip(fitting, ledger.add(fitting), strict=True):
        if key is None:
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
    store: Store = lookup(STORES, "store", name).load()(coder.metric, codes.shape[1])
    return store


def usual_distance(store: Store) -> float | None:
    """The distance to the nearest other item that USUAL percent of the items do not exceed, by SCORED of them at most.

    None where there are fewer than 100: of so few no such share can be told.
    """
    if len(store) < 100:
        return None
    keys = np.random.default_rng(0).permutation(np.sort(store.keys()))[:SCORED]
    return float(np.percentile(np.concatenate([far[:, 0] for _, far in store.neighbors_of(keys, 1)]), USUAL))


@contextmanager
def timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    began = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] += time.perf_counter() - began
