"""An index's files altered at random: each alteration is refused by name, found by `verify`, or changes no answer.

python benchmarks/mutations.py [--count 2000] [--only NUMBER]

Bits flipped, files cut, zeroed, spliced, lengthened, removed, exchanged for others of the same index or of its twin (the
same items, another seed), in indexes of pictures and of documents, of floats, bits and sparse rows.  Each is opened, asked
and verified by a process that may take LIMIT seconds and MEMORY bytes; where it dies, the alteration that it was at is to
blame.  Then all again as if every file were large, of which opening looks at the size alone.

Bars: no crash, no hang, no answer that differs and that `verify` does not find.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import table

from aesearch import AesearchError, Retriever, manifest
from aesearch.cli.demo import lay_out_digits, lay_out_documentation
from aesearch.readers.folder import read_files

LIMIT = 20
MEMORY = 4 << 30
INDEXES: dict[str, dict[str, Any]] = {
    "digits, neighbors": {"coder": "neighbors", "code_size": 16, "epochs": 1},
    "digits, convolutional bits": {"coder": "convolutional", "code_size": 16, "epochs": 1, "bits": True},
    "digits, pca": {"coder": "pca", "code_size": 16},
    "documentation, dense": {"coder": "dense", "code_size": 16, "epochs": 1},
    "documentation, neighbors bits": {"coder": "neighbors", "code_size": 16, "epochs": 1, "bits": True},
    "documentation, raw": {"coder": "raw"},
}
TWIN = " (twin)"
ASKED = 4
OUTCOMES = ("refused when opened", "found by verify", "harmless", "FAILED")

Alter = Callable[[random.Random, Path, Path, Path], object]
"""Alters `file`, given another file of the same index and the same file of the twin."""


def flip(chance: random.Random, file: Path, *_: Path) -> None:
    raw = bytearray(file.read_bytes())
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        # Half of the flips near the start or the end, where formats keep what they need to be read at all.
        place = chance.randrange(len(raw)) if chance.random() < 0.5 else chance.randrange(-128, 128) % len(raw)
        raw[place] ^= 1 << chance.randrange(8)
    file.write_bytes(raw)


def cut(chance: random.Random, file: Path, *_: Path) -> None:
    os.truncate(file, chance.randrange(file.stat().st_size))


def zero(chance: random.Random, file: Path, *_: Path) -> None:
    raw = bytearray(file.read_bytes())
    begin, end = sorted((chance.randrange(len(raw)), chance.randrange(len(raw) + 1)))
    raw[begin:end] = bytes(end - begin)
    file.write_bytes(raw)


def splice(chance: random.Random, file: Path, *_: Path) -> None:
    raw = bytearray(file.read_bytes())
    length = min(len(raw), chance.choice((4, 8, 64, 4096)))
    source, target = chance.randrange(len(raw) - length + 1), chance.randrange(len(raw) - length + 1)
    raw[target : target + length] = raw[source : source + length]
    file.write_bytes(raw)


def lengthen(chance: random.Random, file: Path, *_: Path) -> None:
    file.write_bytes(file.read_bytes() + chance.randbytes(chance.choice((1, 16, 5000))))


def exchange(chance: random.Random, file: Path, other: Path, twin: Path) -> None:
    ours, theirs = file.read_bytes(), other.read_bytes()
    file.write_bytes(theirs)
    other.write_bytes(ours)


ALTERATIONS: dict[str, Alter] = {
    "bits flipped": flip,
    "cut": cut,
    "zeroed": zero,
    "spliced": splice,
    "lengthened": lengthen,
    "exchanged within": exchange,
    "exchanged with twin": lambda chance, file, other, twin: shutil.copy(twin, file),
    "removed": lambda chance, file, other, twin: file.unlink(),
}


def altered(number: int, indexes: Path, folder: Path) -> tuple[str, str, str]:
    """Makes alteration `number` in `folder`.  Returns the index, what was done, and the file."""
    chance = random.Random(number)
    name, how = chance.choice(list(INDEXES)), chance.choice(list(ALTERATIONS))
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(indexes / name, folder)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    file, other = chance.sample(files, 2)
    ALTERATIONS[how](chance, folder / file, folder / other, indexes / (name + TWIN) / file)
    return name, how, file.as_posix()


def build(indexes: Path, data: Path) -> dict[str, list[str]]:
    """Builds all indexes and their twins.  Returns for each what it is asked."""
    lay_out_digits(data / "digits")
    lay_out_documentation(data / "documentation")
    asked = {}
    for name, settings in INDEXES.items():
        folder = data / name.split(",")[0]
        items = list(read_files(folder / "train"))[::4]
        for twin in ("", TWIN):
            seeded = {"seed": 1} if twin and settings["coder"] not in ("raw", "pca") else {}
            index = Retriever.build(items[:: 2 if twin and not seeded else 1], **settings, **seeded)
            index.save(indexes / (name + twin))
        asked[name] = [str(path) for path in sorted((folder / "test").rglob("*.*"))[:: 360 // ASKED][:ASKED]]
    return asked


class Judge:
    """A process that opens, asks and verifies indexes, one after the other."""

    def __init__(self, as_if_large: bool) -> None:
        self.command = [sys.executable, __file__, "--judge", *(["--as-if-large"] if as_if_large else [])]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def __call__(self, folder: Path, asked: list[str]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(folder), asked]).encode() + b"\n")
        self.process.stdin.flush()
        late = not select.select([self.process.stdout], [], [], LIMIT)[0]
        line = b"" if late else self.process.stdout.readline()
        if line:
            found: dict[str, Any] = json.loads(line)
            return found
        self.process.kill()
        code = self.process.wait()
        self.start()
        return {"failed": f"took longer than {LIMIT} s" if late else f"died of {code}"}


def serve(as_if_large: bool) -> None:
    """What a Judge's process does."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if as_if_large:
        manifest.CHECKED_AT_OPENING = 0
    for line in sys.stdin:
        folder, asked = json.loads(line)
        answer: dict[str, Any] = {}
        try:
            index = Retriever.load(folder)
            hits = index.query_many([Path(path) for path in asked])
            answer["answers"] = [[[hit.id, hit.distance, hit.label, hit.path, hit.excerpt] for hit in one] for one in hits]
            answer["answers"].append([index.is_out_of_distribution(one) for one in hits])
        except AesearchError as error:
            answer["refused"] = str(error)
        except Exception as error:
            answer["failed"] = f"{type(error).__name__}: {error}"
        if "answers" in answer:
            try:
                index.verify()
            except AesearchError as error:
                answer["found"] = str(error)
            except Exception as error:
                answer["failed"] = f"verify: {type(error).__name__}: {error}"
        print(json.dumps(answer), flush=True)


def outcome(found: dict[str, Any], right: list[Any], folder: Path) -> tuple[str, str]:
    """One of OUTCOMES, and what was said."""
    if "failed" in found:
        return "FAILED", found["failed"]
    if "refused" in found:
        said = found["refused"]
        return ("refused when opened", said) if str(folder) in said and ";" in said else ("FAILED", f"unnamed: {said}")
    if "found" in found:
        return "found by verify", found["found"]
    return ("harmless", "") if found["answers"] == right else ("FAILED", "other answers, which verify does not find")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="alterations, each opened in both ways")
    parser.add_argument("--only", type=int, help="the alteration of this number alone, with what was said")
    parser.add_argument("--judge", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--as-if-large", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.judge:
        serve(options.as_if_large)
        return
    numbers = range(options.count) if options.only is None else [options.only]
    with tempfile.TemporaryDirectory() as place:
        indexes, folder = Path(place, "indexes"), Path(place, "altered")
        asked = build(indexes, Path(place, "data"))
        rows = []
        for as_if_large in (False, True):
            judge = Judge(as_if_large)
            right = {name: judge(indexes / name, asked[name])["answers"] for name in INDEXES}
            counts: dict[str, Counter[str]] = {how: Counter() for how in ALTERATIONS}
            for number in numbers:
                name, how, file = altered(number, indexes, folder)
                what, said = outcome(judge(folder, asked[name]), right[name], folder)
                counts[how][what] += 1
                if what == "FAILED" or options.only is not None:
                    print(f"{number}: {name}, {file} {how}{' as if large' * as_if_large}: {what}: {said}", flush=True)
            files = "only their sizes looked at" if as_if_large else "as they are"
            rows += [(files, how, *(counts[how][what] for what in OUTCOMES)) for how in ALTERATIONS]
            rows.append((files, "all", *(sum(count[what] for count in counts.values()) for what in OUTCOMES)))
    table(("files", "altered", *OUTCOMES), rows)


if __name__ == "__main__":
    main()
