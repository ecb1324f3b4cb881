"""Corrupt the files of an index at random.

    python benchmarks/corruption.py [--count 2000] [--only NUMBER]

The indexes hold images and documents, with floats, bits and sparse rows. A corruption flips bits of a file, truncates or
extends it, overwrites a part of it, removes it, swaps it with another file, or replaces it by the file of a twin: an
index of the same items with another seed. A separate process with limited time and memory loads, queries and verifies
each corrupted index. Everything runs twice: as usual, and as if all files were so large that loading compares only their
sizes.

Target: each corruption is rejected by name when the index is loaded, found by `verify`, or changes no result. Nothing
crashes or hangs.
"""

import argparse
import json
import os
import random
import resource
import select
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from harness import create_parser, print_table

from aesearch import AesearchError, Retriever
from aesearch.cli.demo import write_digit_images, write_documentation_texts
from aesearch.index.manifest import MAX_CHECKED_BYTES
from aesearch.index.storage import load_state
from aesearch.readers.folder import read_files

CHECK_TIMEOUT_SECONDS = 20
MAX_MEMORY_BYTES = 4 << 30
INDEXES: dict[str, dict[str, Any]] = {
    "digits, neighbors": {"coder": "neighbors", "code_size": 16, "rounds": 1},
    "digits, convolutional bits": {"coder": "convolutional", "code_size": 16, "epochs": 1, "bits": True},
    "digits, pca": {"coder": "pca", "code_size": 16},
    "documentation, dense": {"coder": "dense", "code_size": 16, "epochs": 1},
    "documentation, neighbors bits": {"coder": "neighbors", "code_size": 16, "rounds": 1, "bits": True},
    "documentation, raw": {"coder": "raw"},
}
UNSEEDED_CODERS = ("raw", "pca")
TWIN_SUFFIX = " (twin)"
N_QUERIES = 4
FAILED = "FAILED"
OUTCOMES = ("rejected by load", "found by verify", "harmless", FAILED)

Corrupt = Callable[[random.Random, Path, Path, Path], object]
"""Corrupts a file, given another file of the same index, and the same file of the twin."""


def flip_bits(rng: random.Random, file: Path, *unused: Path) -> None:
    """Flip one or more bits, half of them near the start or the end, where formats have their headers."""
    content = bytearray(file.read_bytes())
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        anywhere = rng.random() < 0.5
        position = rng.randrange(len(content)) if anywhere else rng.randrange(-128, 128) % len(content)
        content[position] ^= 1 << rng.randrange(8)
    file.write_bytes(content)


def truncate(rng: random.Random, file: Path, *unused: Path) -> None:
    """Cut off the end."""
    os.truncate(file, rng.randrange(file.stat().st_size))


def zero_range(rng: random.Random, file: Path, *unused: Path) -> None:
    """Set a range of bytes to zero."""
    content = bytearray(file.read_bytes())
    start, end = sorted((rng.randrange(len(content)), rng.randrange(len(content) + 1)))
    content[start:end] = bytes(end - start)
    file.write_bytes(content)


def copy_range(rng: random.Random, file: Path, *unused: Path) -> None:
    """Overwrite a range of bytes with another range of the same file."""
    content = bytearray(file.read_bytes())
    length = min(len(content), rng.choice((4, 8, 64, 4096)))
    source, target = rng.randrange(len(content) - length + 1), rng.randrange(len(content) - length + 1)
    content[target : target + length] = content[source : source + length]
    file.write_bytes(content)


def extend(rng: random.Random, file: Path, *unused: Path) -> None:
    """Append random bytes."""
    file.write_bytes(file.read_bytes() + rng.randbytes(rng.choice((1, 16, 5000))))


def swap(rng: random.Random, file: Path, other: Path, twin: Path) -> None:
    """Exchange the contents of two files of the index."""
    content, other_content = file.read_bytes(), other.read_bytes()
    file.write_bytes(other_content)
    other.write_bytes(content)


CORRUPTIONS: dict[str, Corrupt] = {
    "bits flipped": flip_bits,
    "truncated": truncate,
    "range zeroed": zero_range,
    "range copied": copy_range,
    "extended": extend,
    "swapped": swap,
    "replaced by twin": lambda rng, file, other, twin: shutil.copy(twin, file),
    "removed": lambda rng, file, other, twin: file.unlink(),
}


def main() -> None:
    parser = create_parser(__doc__, needs_data=False)
    parser.add_argument("--count", type=int, default=2000, help="number of corruptions")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="run only this corruption, and print the messages")
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--sizes-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.check:
        serve_checks(0 if options.sizes_only else MAX_CHECKED_BYTES)
        return
    numbers = range(options.count) if options.only is None else [options.only]
    with tempfile.TemporaryDirectory() as temporary:
        indexes = Path(temporary) / "indexes"
        queries = build_indexes(indexes, Path(temporary) / "data")
        rows: list[tuple[Any, ...]] = []
        for sizes_only in (False, True):
            rows += run_corruptions(numbers, indexes, queries, sizes_only, is_verbose=options.only is not None)
    print_table(("checked by load", "corruption", *OUTCOMES), rows)


def build_indexes(indexes: Path, data: Path) -> dict[str, list[str]]:
    """Build all indexes and their twins. Return the query files of each."""
    write_digit_images(data / "digits")
    write_documentation_texts(data / "documentation")
    queries = {}
    for name, params in INDEXES.items():
        folder = data / name.split(",")[0]
        items = list(read_files(folder / "train"))[::4]
        is_seeded = params["coder"] not in UNSEEDED_CODERS
        Retriever.build(items, **params).save(indexes / name)
        twin_params = {**params, "seed": 1} if is_seeded else params
        Retriever.build(items if is_seeded else items[::2], **twin_params).save(indexes / (name + TWIN_SUFFIX))
        paths = sorted((folder / "test").rglob("*.*"))
        queries[name] = [str(path) for path in paths[:: 360 // N_QUERIES][:N_QUERIES]]
    return queries


def run_corruptions(
    numbers: Iterable[int], indexes: Path, queries: dict[str, list[str]], sizes_only: bool, *, is_verbose: bool
) -> Iterator[tuple[Any, ...]]:
    """Corrupt and check indexes, print failures, and yield the rows of the table."""
    checker, folder = Checker(sizes_only), indexes.parent / "corrupted"
    checked = "sizes" if sizes_only else "checksums"
    expected = {name: checker.check(indexes / name, queries[name])["results"] for name in INDEXES}
    counts: dict[str, Counter[str]] = {corruption: Counter() for corruption in CORRUPTIONS}
    for number in numbers:
        name, corruption, file = corrupt_index(number, indexes, folder)
        outcome, message = judge(checker.check(folder, queries[name]), expected[name], folder)
        counts[corruption][outcome] += 1
        if outcome == FAILED or is_verbose:
            print(f"{number}: {name}, {file} {corruption}, {checked} checked: {outcome}: {message}", flush=True)
    for corruption, count in counts.items():
        yield (checked, corruption, *(count[outcome] for outcome in OUTCOMES))
    yield (checked, "all", *(sum(count[outcome] for count in counts.values()) for outcome in OUTCOMES))


def corrupt_index(number: int, indexes: Path, folder: Path) -> tuple[str, str, str]:
    """Write a corrupted copy of an index, which depends only on the number.

    Returns
    -------
    name, corruption, file : str
        The index, the corruption, and the path of the file in the index.
    """
    rng = random.Random(number)
    name, corruption = rng.choice(list(INDEXES)), rng.choice(list(CORRUPTIONS))
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(indexes / name, folder)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    file, other = rng.sample(files, 2)
    CORRUPTIONS[corruption](rng, folder / file, folder / other, indexes / (name + TWIN_SUFFIX) / file)
    return name, corruption, file.as_posix()


def judge(report: dict[str, Any], expected: list[Any], folder: Path) -> tuple[str, str]:
    """Return one of OUTCOMES, and the message of the error."""
    if "failure" in report:
        return FAILED, report["failure"]
    if "rejection" in report:
        message = report["rejection"]
        names_cause_and_remedy = str(folder) in message and ";" in message
        return ("rejected by load", message) if names_cause_and_remedy else (FAILED, f"unclear message: {message}")
    if "verification" in report:
        return "found by verify", report["verification"]
    return ("harmless", "") if report["results"] == expected else (FAILED, "other results, which verify does not find")


class Checker:
    """A process that loads, queries and verifies indexes. It is restarted if it crashes or takes too long.

    Parameters
    ----------
    sizes_only : bool
        Whether loading compares only the sizes of the files.
    """

    def __init__(self, sizes_only: bool) -> None:
        self.command = [sys.executable, __file__, "--check", *(["--sizes-only"] if sizes_only else [])]
        self._start()

    def _start(self) -> None:
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def check(self, folder: Path, queries: list[str]) -> dict[str, Any]:
        """Return the report of `check_index`; if the process dies or takes too long, a "failure"."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(folder), queries]).encode() + b"\n")
        self.process.stdin.flush()
        is_late = not select.select([self.process.stdout], [], [], CHECK_TIMEOUT_SECONDS)[0]
        line = b"" if is_late else self.process.stdout.readline()
        if line:
            report: dict[str, Any] = json.loads(line)
            return report
        self.process.kill()
        exit_code = self.process.wait()
        self._start()
        return {"failure": f"took longer than {CHECK_TIMEOUT_SECONDS} s" if is_late else f"exit code {exit_code}"}


def serve_checks(max_checked_bytes: int) -> None:
    """Check an index for each line of standard input: the main function of the process of a Checker."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    for line in sys.stdin:
        folder, queries = json.loads(line)
        report = check_index(Path(folder), [Path(path) for path in queries], max_checked_bytes)
        print(json.dumps(report), flush=True)


def check_index(folder: Path, queries: list[Path], max_checked_bytes: int) -> dict[str, Any]:
    """Load, query and verify an index.

    Returns
    -------
    dict
        "results" of the queries, or the message of the "rejection" by load; the message of the "verification" if it fails;
        "failure" if anything raises an error that is not an AesearchError.
    """
    report: dict[str, Any] = {}
    try:
        retriever = Retriever(load_state(folder, max_checked_bytes=max_checked_bytes))
        results = retriever.query_many(queries)
        report["results"] = [[[hit.id, hit.distance, hit.label, hit.path, hit.excerpt] for hit in hits] for hits in results]
        report["results"].append([retriever.is_out_of_distribution(hits) for hits in results])
    except AesearchError as error:
        return {"rejection": str(error)}
    except Exception as error:
        return {"failure": f"{type(error).__name__}: {error}"}
    try:
        retriever.verify()
    except AesearchError as error:
        report["verification"] = str(error)
    except Exception as error:
        report["failure"] = f"verify: {type(error).__name__}: {error}"
    return report


if __name__ == "__main__":
    main()
