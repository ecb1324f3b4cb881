"""Queries while another process commits updates.

    python benchmarks/concurrency.py [--count 100] [--readers 8]

A writer commits COUNT updates; each adds and removes items. Meanwhile, readers load, refresh and query the index, and log
their results. Afterwards, each result is compared with that of the commit it belongs to, with distances computed by NumPy
alone.

Target: no query fails, and every result belongs to exactly one commit.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
from harness import create_parser, print_table
from sklearn.datasets import load_digits

from aesearch import Item, Retriever

N_START = 300
"""Items of the first commit."""
N_CHANGED = 5
"""Items that each commit adds, and items that it removes."""
K = 20
QUERY_NUMBERS = (7, 500, 1500)
RELOAD_SECONDS = 0.5
RELATIVE_TOLERANCE = 1e-4
MAX_PRINTED_FAILURES = 50
DIGITS = (load_digits().images * (255 / 16)).astype(np.uint8)
COLUMNS = ("reader", "exit code", "loads", "results", "commits seen", "failed", "of no commit")

Distances = dict[str, float]
"""Distance of every item of a commit from one query, by id."""


class Result(NamedTuple):
    """Result of the queries of a reader.

    Attributes
    ----------
    commit : int
        Number of the commit.
    size : int
        Number of items in the index.
    hits : list of list of (str, float)
        Id and distance of the hits of each query.
    """

    commit: int
    size: int
    hits: list[list[tuple[str, float]]]


def create_item(number: int) -> Item:
    """Return an item with a digit as content."""
    return Item(f"{number:06}", DIGITS[number % len(DIGITS)])


def main() -> None:
    parser = create_parser(__doc__, needs_data=False)
    parser.add_argument("--count", type=int, default=100, help="number of commits")
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--read-index", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read_index:
        read_repeatedly(options.read_index)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "index"
        retriever = Retriever.build([create_item(number) for number in range(N_START)], coder="pca", code_size=16)
        commits = [commit(retriever, folder)]
        logs = [open(Path(temporary) / f"reader{number}", "w+") for number in range(options.readers)]  # noqa: SIM115
        command = [sys.executable, __file__, "--read-index", str(folder)]
        readers = [subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) for log in logs]
        while not all(Path(log.name).stat().st_size for log in logs):
            time.sleep(0.1)
        start = time.perf_counter()
        for number in range(options.count):
            first_new = N_START + N_CHANGED * number
            retriever.add(create_item(first_new + offset) for offset in range(N_CHANGED))
            retriever.remove([f"{N_CHANGED * number + offset:06}" for offset in range(N_CHANGED)])
            commits.append(commit(retriever, folder))
        seconds = time.perf_counter() - start
        (Path(temporary) / "done").touch()
        exit_codes = [reader.wait() for reader in readers]
        rows, failures = [], []
        for number, log in enumerate(logs):
            row, failed = check_log(log, commits)
            rows.append((number, exit_codes[number], *row))
            failures += [f"reader {number}: {failure}" for failure in failed]
    print(*failures[:MAX_PRINTED_FAILURES], "", sep="\n")
    print(f"{options.count} commits in {seconds:.1f} s\n")
    print_table(COLUMNS, rows)


def commit(retriever: Retriever, folder: Path) -> list[Distances]:
    """Save the index; return the distances of its items from each query."""
    retriever.save(folder)
    rows = list(retriever.ledger.all_rows())
    codes = np.asarray(retriever.store.codes(np.array([row.key for row in rows], np.int64)), np.float64)
    queries = retriever.coder.encode(retriever.featurize([create_item(number) for number in QUERY_NUMBERS]))
    distances = compute_distances(retriever.coder.metric, codes, queries.astype(np.float64))
    return [dict(zip([row.id for row in rows], row_distances.tolist(), strict=True)) for row_distances in distances]


def compute_distances(metric: str, codes: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Return the distances between queries [Q, D] and codes [N, D], by NumPy alone: [Q, N]."""
    if metric == "cosine":
        lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(codes, axis=1)
        return 1 - queries @ codes.T / lengths
    return np.linalg.norm(queries[:, None] - codes, axis=2)


def read_repeatedly(folder: Path) -> None:
    """Query the index until the writer is done. Print each Result as a line of JSON, and finally the number of loads."""
    queries = [create_item(number) for number in QUERY_NUMBERS]
    retriever, last_load, n_loads = Retriever.load(folder), time.monotonic(), 1
    while not (folder.parent / "done").exists():
        if time.monotonic() - last_load > RELOAD_SECONDS:
            retriever, last_load, n_loads = Retriever.load(folder), time.monotonic(), n_loads + 1
        retriever.refresh()
        hits = [[(hit.id, hit.distance) for hit in hits] for hits in retriever.query_many(queries, k=K)]
        # Each commit removes the oldest items, so that the lowest id tells the number of the commit.
        first_id = min(row.id for row in retriever.ledger.all_rows())
        print(json.dumps(Result(int(first_id) // N_CHANGED, len(retriever), hits)), flush=True)
    print(json.dumps(n_loads), flush=True)


def check_log(log: TextIO, commits: Sequence[list[Distances]]) -> tuple[tuple[int, ...], list[object]]:
    """Return the figures of a reader's log (loads, results, commits seen, failed, of no commit), and all its failures."""
    log.seek(0)
    lines = [parse_line(line) for line in log]
    results = [Result(*line) for line in lines if isinstance(line, list)]
    n_loads = sum(line for line in lines if isinstance(line, int))
    errors = [line for line in lines if isinstance(line, str)]
    wrong = [result for result in results if not is_result_of(result, commits[result.commit])]
    n_commits = len({result.commit for result in results})
    return (n_loads, len(results), n_commits, len(errors), len(wrong)), [*errors, *wrong]


def parse_line(line: str) -> Any:
    """Return the JSON value of a line, or the line itself if it is an error message."""
    try:
        return json.loads(line)
    except ValueError:
        return line.strip()


def is_result_of(result: Result, expected: list[Distances]) -> bool:
    """Return whether the hits are the K nearest items of a commit, at their distances up to float32 rounding."""
    for hits, distances in zip(result.hits, expected, strict=True):
        tolerance = RELATIVE_TOLERANCE * max(1.0, *distances.values())
        farthest = sorted(distances.values())[K - 1]
        ids = {id for id, _ in hits}
        if len(ids) != K or not ids <= distances.keys():
            return False
        if any(abs(distances[id] - found) > tolerance or found > farthest + tolerance for id, found in hits):
            return False
    return result.size == len(expected[0])


if __name__ == "__main__":
    main()
