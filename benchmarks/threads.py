"""Threads that share a retriever: 8 query it, 2 change it, and 1 saves it and refreshes a second one, which is queried.

Every answer is compared with brute force over each state that the index may have had. Usage:

    python benchmarks/threads.py [--seconds 60] [--store float|bits|sparse]
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from aesearch.arrays import is_sparse
from aesearch.errors import AesearchError
from aesearch.index.retriever import Retriever
from aesearch.items import Item

BUILDS: dict[str, dict[str, Any]] = {
    "float": {"coder": "lsa", "code_size": 16},
    "bits": {"coder": "lsa", "code_size": 16, "bits": True},
    "sparse": {"coder": "raw"},
}

N_QUERY_THREADS = 8
N_WRITERS = 2
N_ITEMS = 300
N_ADDED = 40
"""Items that each writer adds in one step, and removes in one step."""
N_QUERIES = 20
K = 10
TOLERANCE = 1e-4


def make_items(prefix: str, n_items: int, seed: int) -> list[Item]:
    """Return documents of random words."""
    rng = random.Random(seed)
    words = [f"word{number}" for number in range(60)]
    return [Item(f"{prefix}{number}", " ".join(rng.choices(words, k=12))) for number in range(n_items)]


class Expected:
    """Brute force over all states that the index may have.

    Parameters
    ----------
    retriever : Retriever
        Index of the items that never change.
    added : sequence of list of Item
        The items that each writer adds and removes.
    queries : list of Item
    """

    def __init__(self, retriever: Retriever, added: Sequence[list[Item]], queries: list[Item]) -> None:
        groups = [[row.id for row in retriever.ledger.all_rows()], *([item.id for item in items] for items in added)]
        for items in added:
            retriever.add(items)
        rows = list(retriever.ledger.all_rows())
        codes = retriever.store.codes(np.array([row.key for row in rows]))
        query_codes = retriever.coder.encode(retriever.features.transform(queries))
        distances = brute_force(retriever.store.metric, query_codes, codes)
        self.distances = [{row.id: d for row, d in zip(rows, line, strict=True)} for line in distances.tolist()]
        self.states = []
        for is_added in product([False, True], repeat=len(added)):
            self.states.append({id for group, used in zip(groups, [True, *is_added], strict=True) if used for id in group})
        self.nearest = [[sorted(by_id[id] for id in state)[:K] for state in self.states] for by_id in self.distances]
        for items in added:
            retriever.remove([item.id for item in items])

    def judge(self, query: int, ids: list[str], distances: list[float]) -> str:
        """Return "right", "short" or "wrong" for the hits of a query."""
        if len(ids) < K:
            return "short"
        by_id = self.distances[query]
        if len(set(ids)) < K or not np.allclose([by_id[id] for id in ids], distances, atol=TOLERANCE):
            return "wrong"
        for state, nearest in zip(self.states, self.nearest[query], strict=True):
            if state.issuperset(ids) and np.allclose(distances, nearest, atol=TOLERANCE):
                return "right"
        return "wrong"


def brute_force(metric: str, queries: Any, codes: Any) -> np.ndarray:
    """Return the distances of all codes to all queries, [n_queries, n_items]."""
    queries, codes = (np.asarray(X.toarray() if is_sparse(X) else X) for X in (queries, codes))
    if metric == "hamming":
        return np.unpackbits(queries[:, None] ^ codes[None], axis=2).sum(2).astype(np.float32)
    queries, codes = (X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-12) for X in (queries, codes))
    return 1 - queries @ codes.T


def run_threads(store: str, seconds: float, folder: Path) -> Counter[str]:
    """Query and change an index by threads, and return how many answers were right, wrong and short, and how many failed.

    Parameters
    ----------
    store : {"float", "bits", "sparse"}
    seconds : float
    folder : Path
        Folder for the index.
    """
    items = make_items("item", N_ITEMS, 0)
    retriever = Retriever.build(items, **BUILDS[store])
    added = [make_items(f"added{writer}-", N_ADDED, writer + 1) for writer in range(N_WRITERS)]
    queries = make_items("query", N_QUERIES, 99)
    expected = Expected(retriever, added, queries)
    retriever.save(folder)
    reader = Retriever.load(folder)
    counts: Counter[str] = Counter()
    counting, stop = threading.Lock(), time.monotonic() + seconds

    def repeat(name: str, step: Callable[[int], str]) -> None:
        number = 0
        while time.monotonic() < stop:
            try:
                result = step(number)
            except AesearchError as error:
                result = f"failed: {name}: {error}"
            except Exception as error:
                result = f"failed: {name}: {type(error).__name__}: {error}"
            with counting:
                counts[result] += 1
            number += 1

    def query(number: int) -> str:
        position = number % N_QUERIES
        index = reader if number % 3 == 0 else retriever
        if number % 2:  # by words, too: an item that is never removed is found by its text
            hits = index.query(items[position], k=K)
            return "right" if hits[0].id == items[position].id and len(hits) == K else "wrong"
        hits = index.query(queries[position], k=K, mode="semantic")
        return expected.judge(position, [hit.id for hit in hits], [hit.distance for hit in hits])

    def write(items: list[Item]) -> Callable[[int], str]:
        def step(number: int) -> str:
            if number % 2:
                retriever.remove([item.id for item in items])
            else:
                retriever.add(items)
            return "changes"

        return step

    def save_and_refresh(_: int) -> str:
        retriever.save(folder)
        reader.refresh()
        reader.verify()
        return "saves"

    steps = [query] * N_QUERY_THREADS + [write(items) for items in added] + [save_and_refresh]
    threads = [threading.Thread(target=repeat, args=(str(number), step)) for number, step in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts


def main() -> None:
    """Run each store in turn and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--store", choices=[*BUILDS])
    options = parser.parse_args()
    for store in [options.store] if options.store else BUILDS:
        with tempfile.TemporaryDirectory() as folder:
            counts = run_threads(store, options.seconds, Path(folder) / "index")
        print(store, dict(counts.most_common()), flush=True)


if __name__ == "__main__":
    main()
