"""Kill `aesearch` while it writes an index, at random times.

    python benchmarks/crash_safety.py --data DATA [--count 200] [--seed 0]

Each round runs one of five commands (a first index, an update after files changed, add, remove, and index --retrain),
kills it and its worker processes by SIGKILL at a random time, and checks that

- the index loads and passes `verify`, and every item is its own nearest neighbor;
- its items and codes are those before the command or those after it;
- running the command again produces the index that an uninterrupted run produces, and leaves no temporary files.

Target: all rounds pass.
"""

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from harness import AESEARCH, create_parser, print_table

from aesearch.errors import NoIndex
from aesearch.index.retriever import Retriever

N_PHOTOS = 400
N_MORE_PHOTOS = 100
N_INDEX_ENTRIES = 5
"""Files and folders in a committed index."""
N_NEIGHBORS = 5
COMMANDS = ("first", "update", "add", "remove", "retrain")
PARAMS = ("--coder", "dense", "--epochs", "3", "--code-size", "16", "--device", "cpu")
FAILED = "FAILED"
OUTCOMES = ("killed, old index", "killed, new index", "finished, new index", FAILED)


@dataclass(frozen=True)
class Expectation:
    """State of the index before and after an uninterrupted command, and the duration of the command."""

    before: object
    after: object
    seconds: float


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--count", type=int, default=200, help="number of rounds")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    outcomes: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as temporary:
        template, folder = Path(temporary) / "template", Path(temporary) / "work"
        create_template(options.data, template, folder)
        expected = {name: run_uninterrupted(name, template, folder) for name in COMMANDS}
        for number in range(options.count):
            name = COMMANDS[number % len(COMMANDS)]
            kill_after = rng.random() * expected[name].seconds * 1.1
            outcome = run_round(name, template, folder, expected[name], kill_after)
            if outcome.startswith(FAILED):
                print(f"round {number}, {name}, killed after {kill_after:.2f} s: {outcome}", flush=True)
            outcomes[name, outcome.partition(":")[0]] += 1
            if number % 20 == 19:
                print(f"{number + 1} rounds", flush=True)
    rows = [
        (name, f"{expected[name].seconds:.1f}", *(outcomes[name, outcome] for outcome in OUTCOMES)) for name in COMMANDS
    ]
    print_table(("command", "duration, s", *OUTCOMES), rows)
    n_failed = sum(count for (_, outcome), count in outcomes.items() if outcome == FAILED)
    print(f"{options.count - n_failed} of {options.count} rounds passed")


def create_template(data: Path, template: Path, folder: Path) -> None:
    """Create a folder of photos, a folder of more photos, and an index of the first one.

    The index is built in `folder` and then moved: it records the path of its photos, and every round runs in `folder`.
    """
    photos = sorted((data / "image" / "clothing" / "train").rglob("*.jpg"))
    parts = (("photos", photos[:: len(photos) // N_PHOTOS]), ("more", photos[3 :: len(photos) // N_MORE_PHOTOS]))
    for part, paths in parts:
        for path in paths:
            (folder / part / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, folder / part / path.parent.name)
    run_command(command_line("first", folder))
    folder.rename(template)


def command_line(name: str, folder: Path) -> list[object]:
    """Return the command to run."""
    index = ("--index", folder / "index")
    photos = sorted((folder / "photos").rglob("*.jpg"))
    return {
        "first": [*AESEARCH, "index", folder / "photos", *index, *PARAMS],
        "update": [*AESEARCH, "index", folder / "photos", *index],
        "retrain": [*AESEARCH, "index", folder / "photos", *index, "--retrain"],
        "add": [*AESEARCH, "add", folder / "more", *index],
        "remove": [*AESEARCH, "remove", *(path.relative_to(folder / "photos").as_posix() for path in photos[::9]), *index],
    }[name]


def prepare(name: str, template: Path, folder: Path) -> None:
    """Copy the template, and change the files so that the command has something to do."""
    shutil.copytree(template, folder, symlinks=True)
    if name == "first":
        shutil.rmtree(folder / "index")
    if name in ("update", "retrain"):
        photos = sorted((folder / "photos").rglob("*.jpg"))
        for number, path in enumerate(photos[::5]):
            if number % 3 == 0:
                path.unlink()
            elif number % 3 == 1:
                path.rename(path.with_name(f"moved-{path.name}"))
            else:
                shutil.copy2(photos[5 * number + 1], path)
        for path in sorted((folder / "more").rglob("*.jpg"))[:40]:
            shutil.copy2(path, folder / "photos" / path.name)


def run_uninterrupted(name: str, template: Path, folder: Path) -> Expectation:
    """Run a command to its end."""
    prepare(name, template, folder)
    before = read_state(folder / "index")
    seconds = run_command(command_line(name, folder))
    assert seconds is not None
    after = read_state(folder / "index")
    shutil.rmtree(folder)
    return Expectation(before, after, seconds)


def run_round(name: str, template: Path, folder: Path, expected: Expectation, kill_after: float) -> str:
    """Run a command, kill it, and return one of OUTCOMES, with the reason of a failure."""
    prepare(name, template, folder)
    seconds = run_command(command_line(name, folder), kill_after)
    try:
        return check_index(name, folder, expected, is_killed=seconds is None)
    except Exception as error:
        return f"{FAILED}: {type(error).__name__}: {error}"
    finally:
        shutil.rmtree(folder)


def run_command(command: Sequence[object], kill_after: float | None = None) -> float | None:
    """Run a command; return its duration in seconds, or None if it was killed with its process group."""
    start = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        _, errors = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    if process.returncode:
        raise RuntimeError(errors.decode())
    return time.perf_counter() - start


def read_state(index: Path) -> tuple[Any, ...] | None:
    """Return the content of an index, or None if there is none; raise CorruptIndex if it is damaged."""
    try:
        retriever = Retriever.load(index)
    except NoIndex:
        return None
    retriever.verify()
    rows = list(retriever.ledger.all_rows())
    keys = np.array([row.key for row in rows])
    codes = retriever.store.codes(keys)
    neighbors, _ = retriever.store.search(codes, N_NEIGHBORS)
    is_found = (neighbors == keys[:, None]).any(1)
    assert is_found.all(), f"{(~is_found).sum()} items are not among their own neighbors"
    return rows, retriever.ledger.files(), np.round(codes, 3).tolist()


def check_index(name: str, folder: Path, expected: Expectation, *, is_killed: bool) -> str:
    """Check the index, run the command again, and check it again. Return one of OUTCOMES, with the reason of a failure."""
    state = read_state(folder / "index")
    if state not in (expected.before, expected.after):
        return f"{FAILED}: neither the old index nor the new one"
    is_new = state == expected.after
    if not is_new or name not in ("add", "remove"):
        run_command(command_line("update" if is_new else name, folder))
        if read_state(folder / "index") != expected.after:
            return f"{FAILED}: running the command again made another index"
        entries = sorted(path.name for path in (folder / "index").iterdir())
        left_over = sorted({path.name for path in folder.iterdir()} - {"photos", "more", "index", ".index.lock"})
        if left_over or len(entries) != N_INDEX_ENTRIES:
            return f"{FAILED}: temporary files remain: {left_over or entries}"
    return f"{'killed' if is_killed else 'finished'}, {'new' if is_new else 'old'} index"


if __name__ == "__main__":
    main()
