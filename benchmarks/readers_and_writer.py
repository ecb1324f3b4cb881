"""Processes that ask while another writes: every answer is that of one committed state.

python benchmarks/readers_and_writer.py [--count 100] [--readers 8]

A writer commits COUNT updates, each of which adds items and removes others; readers open, refresh and ask all the while,
and write down what they were answered.  Afterwards each answer is held against the state that it claims to be of, whose
distances are computed from the codes by NumPy alone.

Bars: no query fails, no answer differs from that of its state.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from measure import table
from sklearn.datasets import load_digits

from aesearch import Item, Retriever

START = 300
CHANGED = 5
"""Items added by a commit, and removed by it."""
K = 20
DIGITS = (load_digits().images * (255 / 16)).astype(np.uint8)


def item(number: int) -> Item:
    return Item(f"{number:06}", DIGITS[number % len(DIGITS)])


def asks(folder: Path, seconds_between_loads: float = 0.5) -> None:
    """What a reader does until its input ends: a line of JSON for each answer, its state's generation first."""
    asked = [item(number) for number in (7, 500, 1500)]
    index, loaded, opened = Retriever.load(folder), time.monotonic(), 1
    while not (folder.parent / "done").exists():
        if time.monotonic() - loaded > seconds_between_loads:
            index, loaded, opened = Retriever.load(folder), time.monotonic(), opened + 1
        index.refresh()
        hits = index.query_many(asked, k=K)
        generation = index.record.state
        print(json.dumps([generation, len(index), [[(hit.id, hit.distance) for hit in one] for one in hits]]), flush=True)
    print(json.dumps([opened]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="commits")
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--reads", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reads:
        asks(options.reads)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "index"
        writer = Retriever.build([item(number) for number in range(START)], coder="pca", code_size=16)
        states: list[tuple[list[str], np.ndarray]] = []

        def commit() -> None:
            """Saves, and notes what this state holds."""
            writer.record.state = len(states)
            writer.save(folder)
            rows = list(writer.ledger.all_rows())
            codes = writer.store.codes(np.array([row.key for row in rows], np.int64))
            states.append(([row.id for row in rows], np.asarray(codes, np.float64)))

        commit()
        logs = [open(Path(place) / f"reader{number}", "w+") for number in range(options.readers)]  # noqa: SIM115
        command = [sys.executable, __file__, "--reads", str(folder)]
        readers = [subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) for log in logs]
        while not all(Path(log.name).stat().st_size for log in logs):
            time.sleep(0.1)
        began = time.perf_counter()
        for number in range(options.count):
            writer.add(item(START + CHANGED * number + one) for one in range(CHANGED))
            writer.remove([f"{CHANGED * number + one:06}" for one in range(CHANGED)])
            commit()
        seconds = time.perf_counter() - began
        (Path(place) / "done").touch()
        codes = [reader.wait() for reader in readers]
        queries = writer.coder.encode(writer.featurize([item(number) for number in (7, 500, 1500)])).astype(np.float64)
        right = [expected(writer.coder.metric, ids, rows, queries) for ids, rows in states]
        rows, wrong = [], []
        for number, log in enumerate(logs):
            log.seek(0)
            said = [read(line) for line in log]
            answers = [one for one in said if isinstance(one, list) and len(one) == 3]
            failed = [one for one in said if isinstance(one, str)]
            bad = [one for one in answers if not agrees(one, states[one[0]][0], right[one[0]])]
            seen = Counter(state for state, *_ in answers)
            opened = sum(one[0] for one in said if isinstance(one, list) and len(one) == 1)
            rows.append((number, codes[number], opened, len(answers), len(seen), len(failed), len(bad)))
            wrong += [f"reader {number}: {one}" for one in (*failed, *bad)]
    print(*wrong[:50], "", sep="\n")
    print(f"{options.count} commits in {seconds:.1f} s\n")
    table(("reader", "exit code", "times opened", "answers", "states seen", "failed", "of no one state"), rows)


def read(line: str) -> Any:
    """A reader's line; where it is no JSON, what the reader said instead."""
    try:
        return json.loads(line)
    except ValueError:
        return line.strip()


def expected(metric: str, ids: list[str], rows: np.ndarray, queries: np.ndarray) -> list[dict[str, float]]:
    """The distances of all of a state's items from each query, by NumPy alone."""
    if metric == "cosine":
        far = 1 - queries @ rows.T / np.linalg.norm(queries, axis=1)[:, None] / np.linalg.norm(rows, axis=1)
    else:
        far = np.linalg.norm(queries[:, None] - rows, axis=2)
    return [dict(zip(ids, one.tolist(), strict=True)) for one in far]


def agrees(answer: list[Any], ids: list[str], right: list[dict[str, float]]) -> bool:
    """Whether an answer's items are the nearest of its state, at their distances, to float32's rounding."""
    _, length, hits = answer
    for near, all_of in zip(hits, right, strict=True):
        scale = 1e-4 * max(1.0, max(all_of.values()))
        farthest = sorted(all_of.values())[K - 1]
        if len({id for id, _ in near}) != K or not {id for id, _ in near} <= all_of.keys():
            return False
        if any(abs(all_of[id] - far) > scale or far > farthest + scale for id, far in near):
            return False
    return length == len(ids)


if __name__ == "__main__":
    main()
