"""Three processes that change, index and query one folder of documents, and are killed at random.

    python benchmarks/soak.py [--minutes 10] [--seed 0] [--folder FOLDER]

Each process repeats random steps: it adds, changes, removes and renames files and folders, makes a linked folder and linked
files unreachable, indexes the folder (rarely from scratch, or with a new training), refreshes an open index and queries it.
Every few seconds, one of them is killed with its workers by SIGKILL, and started again.

At the end, links are restored or removed, and the folder is indexed once more. The index must then pass `verify`, and hold
the items, codes, skips and warnings of a fresh index by the same coder, with the same results of queries. No step may fail,
except if the index is busy, or if a sync is refused because most items would be removed.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from harness import create_parser, print_table
from soak_steps import FileSteps, make_text

from aesearch import Busy, Retriever
from aesearch.catalog import create_store
from aesearch.errors import AesearchError, NoKnownTerms, TooManyRemovals
from aesearch.index.ledger import Ledger
from aesearch.index.storage import load_state
from aesearch.index.sync import Changes
from aesearch.index.update import index_files
from aesearch.readers.folder import FileCollection, read_files

N_PROCESSES = 3
MIN_KILL_SECONDS, MAX_KILL_SECONDS = 1.0, 6.0
"""Seconds between two kills."""
N_START_FILES = 150
CODER: dict[str, Any] = {"coder": "lsa", "code_size": 16}
N_QUERIES = 100
K = 10
TOLERANCE = 1e-4
SLOW_STEPS = {"index": 12, "rebuild": 1, "retrain": 1, "query": 15}
"""Steps on the index, and how often each is taken. Steps on the files have their own weights."""
COLUMNS = ("step", "done", "busy", "refused", "killed", "failed")
MAX_WAIT_SECONDS = 2.0


class Worker:
    """A process that takes random steps until it is killed.

    Parameters
    ----------
    folder : Path
        Holds the folder of files, that of the index, and the log.
    seed : str
    """

    def __init__(self, folder: Path, seed: str) -> None:
        self._folder, self._rng = folder, random.Random(seed)
        self._files = FileSteps(folder, self._rng)
        self._retriever: Retriever | None = None

    def run(self) -> None:
        """Take random steps, and write the name and the result of each to the standard output."""
        weights = SLOW_STEPS | self._files.weights
        while True:
            (name,) = self._rng.choices(list(weights), list(weights.values()))
            print(name, "started", flush=True)
            print(name, self._take(name), flush=True)

    def _take(self, name: str) -> str:
        """Take a step, and return its result."""
        try:
            if name in SLOW_STEPS:
                getattr(self, f"_{name}")()
            else:
                self._files.take(name)
        except Busy:
            return "busy"
        except TooManyRemovals:
            return "refused"
        except Exception:
            return f"failed {traceback.format_exc()!r}"
        return "done"

    def _index(self, **params: Any) -> None:
        wait_seconds = self._rng.uniform(0, MAX_WAIT_SECONDS)
        index_files(self._folder / "index", collect(self._folder), wait_seconds=wait_seconds, **params)

    def _rebuild(self) -> None:
        self._index(rebuild=True, allow_removals=self._rng.random() < 0.5, **CODER)

    def _retrain(self) -> None:
        self._index(retrain=True, allow_removals=self._rng.random() < 0.5)

    def _query(self) -> None:
        self._retriever = self._retriever or Retriever.load(self._folder / "index")
        self._retriever.refresh()
        texts = [make_text(self._rng) for _ in range(self._rng.randrange(1, 5))]
        for text in texts:
            with suppress(NoKnownTerms):
                hits = self._retriever.query(text, k=K, mode="semantic")
                distances = [hit.distance for hit in hits]
                assert len({hit.id for hit in hits}) == min(K, len(self._retriever)), f"{len(hits)} hits"
                assert distances == sorted(distances), distances


def main() -> None:
    parser = create_parser(__doc__, needs_data=False)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="keep the files and the index in this new folder")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        Worker(options.folder, options.worker).run()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        create_files(folder, options.seed)
        n_kills = run_processes(folder, options.minutes * 60, options.seed)
        results = read_logs(folder)
        names = sorted({name for name, _ in results})
        print_table(COLUMNS, [(name, *(results[name, column] for column in COLUMNS[1:])) for name in names])
        failures = [line for line in read_lines(folder, "*.log") if " failed " in line] + list(
            read_lines(folder, "*.errors")
        )
        differences = list(compare_with_fresh(folder))
        print(f"\n{n_kills} kills; {len(Retriever.load(folder / 'index')):,} items at the end")
    print(*failures, *differences, sep="\n")
    print("FAILED" if failures or differences else "no failure; the index equals a fresh one")
    raise SystemExit(bool(failures or differences))


def collect(folder: Path) -> FileCollection:
    """Return the documents of the folder."""
    return read_files(folder / "files", kind="documents")


def create_files(folder: Path, seed: int) -> None:
    """Write the first files and their index."""
    files = FileSteps(folder, random.Random(seed))
    files.create_folders()
    for _ in range(N_START_FILES):
        files.take("add")
    index_files(folder / "index", collect(folder), **CODER)


def run_processes(folder: Path, seconds: float, seed: int) -> int:
    """Run the workers, and kill and restart them at random. Return the number of kills."""
    rng = random.Random(f"kills {seed}")
    n_kills = 0
    workers = [start_worker(folder, number, f"{seed} {number} 0") for number in range(N_PROCESSES)]
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            time.sleep(min(rng.uniform(MIN_KILL_SECONDS, MAX_KILL_SECONDS), max(0.0, end - time.monotonic())))
            number = rng.randrange(N_PROCESSES)
            kill(workers[number])
            n_kills += 1
            workers[number] = start_worker(folder, number, f"{seed} {number} {n_kills}")
    finally:
        for worker in workers:
            kill(worker)
    return n_kills


def start_worker(folder: Path, number: int, seed: str) -> subprocess.Popen[bytes]:
    """Start a worker in a process group of its own, with its readers."""
    command = [sys.executable, __file__, "--folder", str(folder), "--worker", seed]
    with (folder / f"{number}.log").open("ab") as log, (folder / f"{number}.errors").open("ab") as errors:
        return subprocess.Popen(command, stdout=log, stderr=errors, start_new_session=True)


def kill(worker: subprocess.Popen[bytes]) -> None:
    """Kill a worker and its readers."""
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


def read_lines(folder: Path, pattern: str) -> Iterator[str]:
    """Yield the lines of the files of all workers."""
    for path in sorted(folder.glob(pattern)):
        yield from path.read_text().splitlines()


def read_logs(folder: Path) -> Counter[tuple[str, str]]:
    """Return how often each step had each result. A step without a result was killed."""
    results: Counter[tuple[str, str]] = Counter()
    for line in read_lines(folder, "*.log"):
        name, _, result = line.partition(" ")
        results[name, result.partition(" ")[0]] += 1
    for name in {name for name, _ in results}:
        n_finished = sum(results[name, column] for column in COLUMNS[1:])
        results[name, "killed"] = results[name, "started"] - n_finished
    return results


def compare_with_fresh(folder: Path) -> Iterator[str]:
    """Index the files once more, and yield how the index differs from a fresh one by the same coder."""
    FileSteps(folder, random.Random(0)).restore_links()
    index = folder / "index"
    try:
        index_files(index, collect(folder), allow_removals=True)
        retriever, fresh = Retriever.load(index), create_fresh(folder)
        retriever.verify()
        changes = retriever.sync(collect(folder))
    except AesearchError as error:
        yield f"{type(error).__name__}: {error}"
        return
    if changes != Changes(0, 0, 0):
        yield f"syncing again: {changes}"
    for part in ("rows", "files", "skipped", "warnings"):
        old, new = (read_ledger(each.ledger)[part] for each in (retriever, fresh))
        different = [key for key in old | new if old.get(key) != new.get(key)]
        yield from (f"{part}: {key}: {old.get(key)}, fresh: {new.get(key)}" for key in different)
    yield from compare_results(retriever, fresh)


def create_fresh(folder: Path) -> Retriever:
    """Return a new index of the files, with the features and the coder of the index."""
    state = load_state(folder / "index")
    store = state.store
    state.store = create_store(store.name, store.metric, store.width, is_sparse=store.is_sparse)
    state.ledger = Ledger.create()
    retriever = Retriever(state)
    retriever.sync(collect(folder))
    return retriever


def read_ledger(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Return the contents of a ledger by table."""
    rows = {row.id: row for row in ledger.all_rows()}
    texts = {row.id: ledger.texts.documents([row.key]) for row in rows.values()}
    return {
        "rows": rows,
        "files": ledger.files(),
        "skipped": ledger.skipped,
        "warnings": ledger.warnings,
        "texts": texts,
        "metadata": ledger.count_values(),
    }


def compare_results(retriever: Retriever, fresh: Retriever) -> Iterator[str]:
    """Yield how codes and results of queries differ."""
    keys = np.array([row.key for row in fresh.ledger.all_rows()], np.int64)
    if not np.array_equal(np.sort(retriever.store.keys()), np.sort(keys)):
        yield "the stores hold different items"
        return
    difference = np.abs(retriever.store.codes(keys) - fresh.store.codes(keys)).max()
    if difference > TOLERANCE:
        yield f"codes differ by {difference}"
    rng = random.Random(0)
    texts = [make_text(rng) for _ in range(N_QUERIES)]
    pairs = zip(retriever.query_many(texts, k=K), fresh.query_many(texts, k=K), strict=True)
    for text, (hits, expected) in zip(texts, pairs, strict=True):
        scores = {hit.id: hit.score for hit in fresh.query(text, k=len(fresh))}
        if not np.allclose([scores[hit.id] for hit in hits], [hit.score for hit in expected], atol=TOLERANCE):
            yield f"query {text!r}: {hits}, fresh: {expected}"
        by_words, expected_by_words = (index.query(text, k=K, mode="lexical") for index in (retriever, fresh))
        if [hit.score for hit in by_words] != [hit.score for hit in expected_by_words]:
            yield f"query {text!r} by words: {by_words}, fresh: {expected_by_words}"


if __name__ == "__main__":
    main()
