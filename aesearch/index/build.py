"""Building an index: read, train, encode, store. Each file is read once, and memory is bounded by the training sample."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sized
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from aesearch.arrays import is_sparse
from aesearch.catalog import create_store
from aesearch.coders.auto import AutoCoder
from aesearch.coders.base import Coder, Epoch
from aesearch.coders.validation import can_cross_fit, cross_fit, score_coder
from aesearch.errors import InvalidParameter, NoItems
from aesearch.features.base import Features
from aesearch.index.calibration import random_distances
from aesearch.index.edits import READ_BATCH, batches, prepare_rows, register_items
from aesearch.index.known_items import choose_lexical_weight
from aesearch.index.ledger import Ledger
from aesearch.index.passage_codes import encode_stored_passages
from aesearch.index.pending import PENDING
from aesearch.index.plan import BuildPlan
from aesearch.index.progress import Progress, ProgressCallback, Stage, ignore_progress
from aesearch.index.record import BuildRecord
from aesearch.index.spool import Spool
from aesearch.index.storage import IndexState
from aesearch.index.sync import Synchronizer
from aesearch.index.tracking import FileTracker
from aesearch.index.workspace import Workspace
from aesearch.items import Item, ItemCollection, Skip
from aesearch.readers.folder import FileCollection
from aesearch.scoring import hold_out
from aesearch.stores.base import Store

if TYPE_CHECKING:
    from aesearch.arrays import Rows

MAX_REFITTED_ITEMS = 10_000
"""In larger collections, the held-out items are too few for another fit that includes them."""

MAX_NOVELTY_ITEMS = 1000
"""Items of a finished index that its novelty threshold is estimated from."""

NOVELTY_PERCENTILE = 99
MIN_NOVELTY_ITEMS = 100
"""Minimum number of items for a novelty threshold. A 99th percentile of fewer distances is unreliable."""


@dataclass(frozen=True)
class Batching:
    """How many items a build processes at a time, and how often it commits what it has read.

    Parameters
    ----------
    read : int
        Items per batch while reading.
    encode : int
        Items per batch while encoding and storing.
    commit_seconds : float
        Seconds between two commits while reading. An interrupted build repeats at most this much. Committing every batch
        would cost as much as adding the items: each commit rewrites most pages of the ledger, since keys have no order.
    """

    read: int = READ_BATCH
    encode: int = 1024
    commit_seconds: float = 2.0


def build_index(
    plan: BuildPlan,
    workspace: Path | None = None,
    on_progress: ProgressCallback = ignore_progress,
    batching: Batching = Batching(),
) -> IndexState:
    """Build an index in memory.

    Parameters
    ----------
    plan : BuildPlan
    workspace : Path, optional
        Folder for intermediate results; see `Retriever.build`.
    on_progress : callable, optional
    batching : Batching, optional

    Raises
    ------
    NoItems
        If no item can be read.
    InvalidParameter
        If a parameter does not suit the items, or the workspace holds other files or is for items in memory.
    """
    if workspace is not None and not isinstance(plan.items, FileCollection):
        raise InvalidParameter("only a build from files can be resumed; do not pass `workspace` with items in memory")
    record = BuildRecord(plan.kind, plan.source, plan.passages, plan.keep_content)
    with ExitStack() as stack:
        folder = workspace or Path(stack.enter_context(TemporaryDirectory(prefix="aesearch-")))
        work = stack.enter_context(closing(Workspace(folder, plan.as_dict())))
        record.resumed_items = len(work.rows)
        with _timed(record, "read"):
            features = read_items(plan, work, on_progress, batching)
        with _timed(record, "train"):
            checkpoint = None if workspace is None else work.training_checkpoint
            coder = train(plan, work.rows.sample(plan.training_sample), record, checkpoint, on_progress)
        with _timed(record, "encode"):
            codes = encode_rows(work, coder, on_progress, batching.encode)
        with _timed(record, "store"):
            store = store_codes(codes, coder, plan.store, on_progress, batching.encode)
            passages = store_passages(work.ledger, features, coder, store)
        ledger = work.ledger.copy()
    record.novelty_threshold = novelty_threshold(store)
    record.random_distances = random_distances(store)
    index = IndexState(features, coder, store, passages, ledger, record)
    record.lexical_weight = choose_lexical_weight(index)
    if record.resumed_items and isinstance(plan.items, FileCollection):
        synchronizer = Synchronizer(index, plan.items, allow_removals=True)  # what was built exists nowhere yet
        synchronizer.run(on_progress, batching.read)  # files may have changed since the interruption
    return index


def read_items(plan: BuildPlan, work: Workspace, on_progress: ProgressCallback, batching: Batching) -> Features:
    """Fit the features, store the rows of all items in the workspace, and return the features.

    A workspace left behind by an interrupted build keeps its features and its rows. Only the other files are read.

    Raises
    ------
    NoItems
        If no item can be read.
    """
    items = plan.items
    total = len(items) if isinstance(items, Sized) else None
    on_progress(Progress("read", len(work.rows), total))
    features, sample = work.features, list[Item]()
    if features is None:
        features, sample = _fit_features(plan)
        work.save_features(features)
    known_ids, partial_files = set[str](), set[str]()
    if isinstance(items, FileCollection):
        known_ids, partial_files = _unfinished_tables(work)
        finished = work.ledger.files()
        items = items.subset([path for path in items.paths if path not in finished])
        items = items.with_image_size(features.image_size).with_cached(sample)
    tracker = FileTracker(work.ledger, items)
    last_commit = time.monotonic()
    for batch in batches(items, batching.read):
        skips: dict[str, Skip] = {}
        new = [item for item in batch if item.id not in known_ids]
        known_ids.difference_update(item.id for item in batch)
        prepared = prepare_rows(new, features, skips, plan.passages if plan.keep_content else None)
        registered, _ = register_items(work.ledger, prepared, features, skips)
        if registered:
            work.rows.append(np.array(list(registered), np.int64), prepared.rows_of(registered.values()))
        tracker.finish_before(batch[-1].path, skips, prepared.warnings)
        if time.monotonic() - last_commit >= batching.commit_seconds:
            work.commit()
            last_commit = time.monotonic()
        on_progress(Progress("read", len(work.rows), total))
    tracker.finish_before(None)
    work.ledger.set_files(dict.fromkeys(partial_files, PENDING))  # they may have changed since the interruption
    work.commit()
    if not len(work.rows):
        raise NoItems(f"none of the items can be read{_first_skips(plan.items)}")
    on_progress(Progress("read", len(work.rows), len(work.rows)))
    return features


def _unfinished_tables(work: Workspace) -> tuple[set[str], set[str]]:
    """Return the ids of the rows, and the paths, of tables that an interrupted build has read in part.

    Such a table is read again, and the rows with these ids are ignored.
    """
    finished = work.ledger.files()
    rows = [row for row in work.ledger.all_rows() if row.path is not None and row.path not in finished]
    return {row.id for row in rows}, {str(row.path) for row in rows}


def _fit_features(plan: BuildPlan) -> tuple[Features, list[Item]]:
    """Return the fitted features, and the items that were read to fit them, which need not be read again."""
    features = plan.features
    try:
        sample = [] if features.fit_sample_size is None else spread_sample(plan.items, features.fit_sample_size)
        features.fit(sample or plan.items)  # other items may be readable even if none of the sample is
    except NoItems as error:
        raise NoItems(f"{error}{_first_skips(plan.items)}") from None
    return features, sample


def spread_sample(items: ItemCollection, n_items: int) -> list[Item]:
    """Return up to `n_items` items, spread over the collection if it allows random access."""
    if isinstance(items, FileCollection):
        return list(islice(items.sample(n_items), n_items))
    if isinstance(items, list | tuple):
        return list(items[:: max(1, len(items) // n_items)])
    return list(islice(items, n_items))


def _first_skips(items: ItemCollection) -> str:
    """Return why the first files were skipped, in parentheses, to be appended to a message; "" if none was skipped."""
    skipped = items.skipped if isinstance(items, FileCollection) else {}
    skipped = {path: skip for path, skip in skipped.items() if not skip.category.is_expected}
    listed = "; ".join(f"{path}: {skip.reason}" for path, skip in islice(skipped.items(), 3))
    return f" ({listed})" if listed else ""


def train(plan: BuildPlan, X: Rows, record: BuildRecord, checkpoint: Path | None, on_progress: ProgressCallback) -> Coder:
    """Fit the coder of a plan to rows X, and score it on items that it was not fitted to. The record notes the results."""

    def on_epoch(epoch: Epoch) -> None:
        record.epochs.append(epoch)
        on_progress(Progress("train", epoch.number, epoch.total, epoch))

    coder = plan.create_coder(X)
    base = coder.base
    training, held_out = hold_out(X, np.random.default_rng(0))
    if held_out is not None and coder.code_size > training.shape[0]:
        training, held_out = X, None  # a linear code may need all rows
    coder = coder.fit(training, on_epoch, checkpoint, held_out).resolve()
    record.trials = base.trials if isinstance(base, AutoCoder) else []
    record.warnings = base.training_warnings()
    if held_out is not None:
        record.score = score_coder(coder, training, held_out).summarize()
    elif can_cross_fit(coder, X):
        record.score = cross_fit(coder, X).summarize()
    if coder.base.is_fast_to_fit and X.shape[0] <= MAX_REFITTED_ITEMS:
        coder.fit(X)
    return coder


def encode_rows(work: Workspace, coder: Coder, on_progress: ProgressCallback, batch_size: int) -> Spool:
    """Encode all rows of a workspace and return the spool of codes. Codes that exist are not computed again."""
    rows, codes = work.rows, work.codes_of(coder)
    for positions in _position_batches(len(codes), len(rows), batch_size):
        codes.append(rows.keys[positions], coder.encode(rows.rows(positions)))
        codes.flush()
        on_progress(Progress("encode", len(codes), len(rows)))
    return codes


def store_codes(codes: Spool, coder: Coder, name: str | None, on_progress: ProgressCallback, batch_size: int) -> Store:
    """Return a store of all codes under their keys."""
    store: Store | None = None
    for positions in _position_batches(0, len(codes), batch_size):
        batch = codes.rows(positions)
        store = store or create_store(name, coder.metric, batch.shape[1], is_sparse=is_sparse(batch))
        store.add(codes.keys[positions], batch)
    assert store is not None  # read_items() has found at least one item
    on_progress(Progress("store", len(store), len(store)))
    return store


def store_passages(ledger: Ledger, features: Features, coder: Coder, store: Store) -> Store:
    """Return a store, of the class of the store of items, with the codes of the passages of long documents."""
    passages: Store = type(store)(store.metric, store.width)
    encode_stored_passages(ledger.texts, store.keys().tolist(), features, coder, passages)
    return passages


def _position_batches(start: int, stop: int, size: int) -> Iterator[np.ndarray]:
    """Yield the positions from `start` to `stop` in batches."""
    for first in range(start, stop, size):
        yield np.arange(first, min(first + size, stop))


def novelty_threshold(store: Store) -> float | None:
    """Return the 99th percentile of the distances of items to their nearest other item; None for fewer than 100 items."""
    if len(store) < MIN_NOVELTY_ITEMS:
        return None
    keys = np.random.default_rng(0).permutation(np.sort(store.keys()))[:MAX_NOVELTY_ITEMS]
    nearest = np.concatenate([distances[:, 0] for _, distances in store.neighbors_of(keys, 1)])
    return float(np.percentile(nearest, NOVELTY_PERCENTILE))


@contextmanager
def _timed(record: BuildRecord, stage: Stage) -> Iterator[None]:
    """Record the duration of a stage."""
    start = time.perf_counter()
    yield
    record.seconds[stage] = time.perf_counter() - start
