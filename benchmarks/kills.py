"""Indexing killed at random instants: the index is the old one or the new one, whole, and running again completes it.

python benchmarks/kills.py --data DATA

Each round takes one of four commands (index of a folder that has changed, add, remove, index --retrain; and a first index
where there is none), kills it and its readers by SIGKILL after a random share of the time that it takes, and looks:
the index opens and is whole (`verify`); its items and codes are those of before or those of after; every item is found as
its own nearest neighbor; and the command, run again, ends in the index that it would have made at once.  Bar: 200 of 200.
"""

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from measure import AESEARCH, arguments, table

from aesearch.errors import NoIndex
from aesearch.index.retriever import Retriever

PHOTOS = 400
PARTS_AND_MANIFEST = 5
OUTCOMES = ("killed, old", "killed, new", "ended, new", "FAILED")
SETTINGS = ("--coder", "dense", "--epochs", "3", "--code-size", "16", "--device", "cpu")


def state(index: Path) -> tuple[object, ...] | None:
    """All that an index holds; None where there is none.  Raises CorruptIndex."""
    try:
        retriever = Retriever.load(index)
    except NoIndex:
        return None
    retriever.verify()
    rows = list(retriever.ledger.all_rows())
    keys = np.array([row.key for row in rows])
    codes = retriever.store.codes(keys)
    near, _ = retriever.store.search(codes, 5)
    assert all(key in some for key, some in zip(keys.tolist(), near.tolist(), strict=True)), "an item is not near itself"
    return rows, retriever.ledger.files(), np.round(codes, 3).tolist()


def command(name: str, place: Path) -> list[object]:
    index = ("--index", place / "index")
    return {
        "first": [*AESEARCH, "index", place / "photos", *index, *SETTINGS],
        "update": [*AESEARCH, "index", place / "photos", *index],
        "retrain": [*AESEARCH, "index", place / "photos", *index, "--retrain"],
        "add": [*AESEARCH, "add", place / "more", *index],
        "remove": [*AESEARCH, "remove", *removed(place), *index],
    }[name]


def removed(place: Path) -> list[str]:
    return [path.relative_to(place / "photos").as_posix() for path in sorted((place / "photos").rglob("*.jpg"))[::9]]


def prepared(name: str, source: Path, place: Path) -> None:
    """Copies the folder, with an index or without, and changes in it what the command is to find."""
    shutil.copytree(source, place, symlinks=True)
    if name == "first":
        shutil.rmtree(place / "index")
    if name in ("update", "retrain"):
        photos = sorted((place / "photos").rglob("*.jpg"))
        for number, path in enumerate(photos[::5]):
            if number % 3 == 0:
                path.unlink()
            elif number % 3 == 1:
                path.rename(path.with_name(f"moved-{path.name}"))
            else:
                shutil.copy2(photos[5 * number + 1], path)
        for path in sorted((place / "more").rglob("*.jpg"))[:40]:
            shutil.copy2(path, place / "photos" / path.name)


def run(words: list[object], seconds: float | None = None) -> float | None:
    """Runs the command; kills it, and what it has started, after so many seconds.  Returns how long it took to its end."""
    began = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, words)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        _, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    if process.returncode:
        raise RuntimeError(said.decode())
    return time.perf_counter() - began


def looked_at(name: str, place: Path, before: object, after: object, ended: float | None) -> str:
    """What became of it."""
    now = state(place / "index")
    if now not in (before, after):
        return "FAILED: neither the old index nor the new one"
    if now == before or name not in ("add", "remove"):
        run(command("update" if now == after else name, place))
        if state(place / "index") != after:
            return "FAILED: run again, it is another index"
        kept = [path.name for path in (place / "index").iterdir()]
        beside = {path.name for path in place.iterdir()} - {"photos", "more", "index", ".index.lock"}
        if beside or len(kept) != PARTS_AND_MANIFEST:
            return f"FAILED: left behind {sorted(beside) or kept}"
    return f"{'killed' if ended is None else 'ended'}, {'new' if now == after else 'old'}"


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    found: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        source, place = Path(folder) / "source", Path(folder) / "place"
        photos = sorted((options.data / "image" / "clothing" / "train").rglob("*.jpg"))
        for part, some in (("photos", photos[:: len(photos) // PHOTOS]), ("more", photos[3 :: len(photos) // 100])):
            for path in some:
                (place / part / path.parent.name).mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, place / part / path.parent.name)
        run(command("first", place))
        place.rename(source)  # an index names the folder that it is of: every round takes place where this one did
        names = ("first", "update", "add", "remove", "retrain")
        takes, before, after = {}, {}, {}
        for name in names:  # the states that there may be, and the time that the command takes
            prepared(name, source, place)
            before[name] = state(place / "index")
            takes[name] = run(command(name, place))
            after[name] = state(place / "index")
            shutil.rmtree(place)
        for number in range(options.count):
            name = names[number % len(names)]
            prepared(name, source, place)
            instant = draw.random() * takes[name] * 1.1
            ended = run(command(name, place), instant)
            try:
                outcome = looked_at(name, place, before[name], after[name], ended)
            except Exception as error:
                outcome = f"FAILED: {type(error).__name__}: {error}"
            if outcome.startswith("FAILED"):
                print(f"round {number}, {name}, killed after {instant:.2f} s: {outcome}", flush=True)
            found[name, outcome.partition(":")[0]] += 1
            shutil.rmtree(place)
            if number % 20 == 19:
                print(f"{number + 1} rounds", flush=True)
    rows = [(name, f"{takes[name]:.1f}", *(found[name, outcome] for outcome in OUTCOMES)) for name in names]
    table(("command", "takes, s", *OUTCOMES), rows)
    failed = sum(count for (_, outcome), count in found.items() if outcome == "FAILED")
    print(f"{options.count - failed} of {options.count} as they should be")


if __name__ == "__main__":
    main()
