"""Training beside other processes: its duration, and whether it gives the same codes.

    python benchmarks/busy_machine.py --data DATA [--rounds 3]

Trains the network on clothing photos in a process of its own: alone, beside two processes that only calculate, and three
times at once. Then indexes very small collections with the default parameters. Run it on an idle machine of two cores.

Targets: three trainings at once take at most 4 times as long as one alone (the fair share is 3); beside two busy processes,
a training takes at most 2.4 times as long (the fair share is 2); all codes are identical. Indexing takes at most 2.5 s for
one file, 4 s for 16 photos, 8 s for 300 documents.
"""

import hashlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
from datasets import read_json_lines, set_path
from harness import AESEARCH, create_parser, print_table, run_process

from aesearch import Retriever

N_BUSY = 2
N_AT_ONCE = 3
TRAINING = ("--coder", "neighbors", "--rounds", "2")


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    photos = set_path(options.data, "clothing", "database")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        alone, busy, at_once = [], [], []
        codes = set()
        for number in range(options.rounds):
            indexes = [folder / f"{number}-{run}" for run in range(2 + N_AT_ONCE)]
            alone.append(train(photos, indexes[0]))
            with busy_processes():
                busy.append(train(photos, indexes[1]))
            with ThreadPoolExecutor(N_AT_ONCE) as pool:
                at_once.append(max(pool.map(lambda index: train(photos, index), indexes[2:])))
            codes |= {hash_codes(index) for index in indexes}
        one, beside, three = map(statistics.median, (alone, busy, at_once))
        rows = [
            ("alone", one, 1.0, ""),
            (f"beside {N_BUSY} busy processes", beside, beside / one, 2.4),
            (f"{N_AT_ONCE} at once", three, three / one, 4),
        ]
        print_table(("training", "median, s", "ratio", "target"), rows)
        print(f"\ndifferent codes: {len(codes)}\n")
        print_table(("collection", "seconds to index", "target"), list(time_small_collections(options.data, folder)))


def train(photos: Path, index: Path) -> float:
    """Index photos in a process, and return the seconds of the training."""
    run_process([*AESEARCH, "index", photos, "--index", index, *TRAINING])
    return float(Retriever.load(index).record.seconds["train"])


@contextmanager
def busy_processes() -> Iterator[None]:
    """Run processes that only calculate."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(N_BUSY)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def hash_codes(index: Path) -> str:
    """Return a checksum of the codes of all items."""
    store = Retriever.load(index).store
    return hashlib.sha256(np.ascontiguousarray(store.codes(np.sort(store.keys()))).tobytes()).hexdigest()


def time_small_collections(data: Path, folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield the seconds that it takes to index very small collections."""
    messages = [row["text"] for row in islice(read_json_lines(set_path(data, "20news", "database")), 300)]
    for n_documents, target in ((1, 2.5), (300, 8.0)):
        documents = folder / f"{n_documents}-documents"
        documents.mkdir()
        for number, message in enumerate(messages[:n_documents]):
            (documents / f"{number}.txt").write_text(message, encoding="utf-8")
        yield f"{n_documents} documents", time_index(documents), target
    photos = folder / "photos"
    photos.mkdir()
    for photo in sorted(set_path(data, "clothing", "database").rglob("*.jpg"))[:16]:
        shutil.copy(photo, photos)
    yield "16 photos", time_index(photos), 4.0


def time_index(collection: Path) -> float:
    """Return the median seconds of three builds."""
    seconds = []
    for number in range(3):
        start = time.perf_counter()
        run_process([*AESEARCH, "index", collection, "--index", f"{collection}-{number}"])
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
