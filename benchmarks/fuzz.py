"""Index damaged and hostile files of every format among good ones.

    python benchmarks/fuzz.py --data DATA [--count 5000] [--kind images] [--keep FOLDER]

Photos, messages and vectors are written in every format that aesearch reads, and damaged at random: bytes are replaced,
deleted, repeated and inserted, and numbers are set to extreme values, also under compression and valid checksums. Hostile
files are added: decompression bombs, deep nesting, tables without rows. All files of a kind are indexed together.

Targets: exit code 0, every file is indexed or skipped by name with a reason, all good files are indexed, at most 1,536
MiB in any process, at most 600 s. A bug of a decoder costs only its own file ("reader failed" in the table).
"""

import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import read_json_lines, set_path
from fuzz_damage import damage, hostile_files
from fuzz_formats import FORMATS, ROWS_PER_FILE
from harness import AESEARCH, create_parser, print_table, run_process
from PIL import Image

from aesearch import Retriever
from aesearch.readers.folder import read_files

N_GOOD_FILES = 20
"""Undamaged files of each format."""
MAX_PEAK_MIB = 1536
TIMEOUT_SECONDS = 600
CODERS = {"images": "pca", "documents": "lsa", "vectors": "pca"}
READER_FAILURES = ("the reader failed", "the decoder crashed", "reading took longer")
"""Reasons that begin like this tell of a decoder's bug: it does no harm, but a better reason could be given."""


@dataclass(frozen=True)
class IndexedFiles:
    """Result of indexing a folder.

    Attributes
    ----------
    files : list of str
        All files of the kind.
    indexed : Counter
        Number of items by file.
    reasons : dict
        Reason of each skipped file or row.
    """

    files: list[str]
    indexed: Counter[str]
    reasons: dict[str, str]

    @property
    def skipped(self) -> set[str]:
        """Files that were skipped, at least one row of them."""
        return {path.partition("#")[0] for path in self.reasons}

    def is_reader_failure(self, path: str) -> bool:
        """Return whether a file was skipped because of a decoder's bug."""
        return self.reasons.get(path, "").startswith(READER_FAILURES)


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--count", type=int, default=5000, help="number of damaged files")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="write the files here, and keep them")
    parser.add_argument("--kind", choices=list(FORMATS), help="only files of this kind")
    options = parser.parse_args()
    n_damaged = -(-options.count // sum(map(len, FORMATS.values())))
    rows: list[tuple[Any, ...]] = []
    failures: list[str] = []
    runs: list[tuple[str, float, float]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for kind in [options.kind] if options.kind else FORMATS:
            folder = Path(options.keep or temporary) / kind
            write_files(folder, options.data, kind, n_damaged)
            index = Path(temporary) / "indexes" / kind
            arguments = ("index", folder, "--kind", kind, "--coder", CODERS[kind], "--index", index, "--json")
            run = run_process(["timeout", "--foreground", TIMEOUT_SECONDS, *AESEARCH, *arguments])
            runs.append((kind, run.seconds, run.peak_mib))
            reasons = {skip["path"]: skip["reason"] for skip in json.loads(run.output)["skipped"]}
            indexed = Counter(row.path or "" for row in Retriever.load(index).ledger.all_rows())
            result = IndexedFiles(list(read_files(folder, kind=kind).paths), indexed, reasons)
            rows += count_by_format(result)
            failures += find_failures(result)
    print(*sorted(failures), "", sep="\n")
    print_table(("format", "files", "indexed", "indexed in part", "skipped", "reader failed", "lost"), rows)
    print()
    print_table(("kind", "seconds", f"peak MiB (target {MAX_PEAK_MIB:,})"), runs)


def write_files(folder: Path, data: Path, kind: str, n_damaged: int) -> None:
    """Write good and damaged files of each format, and the hostile files."""
    contents = load_contents(data, kind)
    for ending, write in FORMATS[kind].items():
        good = [write(content) for content in contents]
        format_folder = folder / ending.strip("-.")
        format_folder.mkdir(parents=True)
        for number, content in enumerate(good):
            (format_folder / f"good{number:02}{ending}").write_bytes(content)
        for number in range(n_damaged):
            damaged = damage(good[number % N_GOOD_FILES], random.Random(number))
            (format_folder / f"{number:05}{ending}").write_bytes(damaged)
    (folder / "zz-hostile").mkdir()
    for name, content in hostile_files(kind):
        (folder / "zz-hostile" / name).write_bytes(content)


def load_contents(data: Path, kind: str) -> list[Any]:
    """Return the images, texts or arrays of vectors to write in every format."""
    if kind == "images":
        paths = sorted(set_path(data, "clothing", "database").glob("*/*.jpg"))
        chosen = paths[:: len(paths) // N_GOOD_FILES][:N_GOOD_FILES]
        return [Image.open(path).convert("RGB").resize((96, 128)) for path in chosen]
    if kind == "documents":
        messages = read_json_lines(set_path(data, "20news", "queries"))
        texts = (next(messages)["text"][:4000] for _ in range(N_GOOD_FILES))
        return ["\n".join(line for line in text.splitlines() if line.strip()) for text in texts]
    rngs = map(np.random.default_rng, range(N_GOOD_FILES))
    return [rng.standard_normal((ROWS_PER_FILE, 64)).astype(np.float32) for rng in rngs]


def count_by_format(result: IndexedFiles) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the table, one for each format."""
    for name in sorted({path.split("/")[0] for path in result.files}):
        files = {path for path in result.files if path.startswith(f"{name}/")}
        indexed, skipped = files & result.indexed.keys(), files & result.skipped
        yield (
            name,
            len(files),
            len(indexed - skipped),
            len(indexed & skipped),
            len(skipped - indexed),
            sum(map(result.is_reader_failure, files)),
            len(files - indexed - skipped),
        )


def find_failures(result: IndexedFiles) -> Iterable[str]:
    """Yield a line for each file that is lost, each good file that is skipped, and each failure of a reader."""
    for path in result.files:
        reason = result.reasons.get(path)
        is_lost = path not in result.indexed and path not in result.skipped
        if is_lost:
            yield f"{path}: LOST"
        elif Path(path).name.startswith("good") and path in result.skipped:
            yield f"{path}: GOOD, but skipped: {reason}"
        elif result.is_reader_failure(path):
            yield f"{path}: {reason}"


if __name__ == "__main__":
    main()
