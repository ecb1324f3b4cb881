"""Time to read and encode photos, relative to decoding alone.

    python benchmarks/reading.py --data DATA [--rounds 7] [--copies 1]

Compares a build without training (read, featurize, write the ledger, encode, store) with two processes that only decode
the same photos with Pillow at reduced size. Each side runs in a process of its own and measures itself after its imports.
The decoders are measured in two ways: spawned as new Python processes, like the workers of aesearch, and forked from a
process that has imported Pillow. Starting the workers takes 0.1 s for any number of photos; --copies measures more
photos.

Target: 1.5 times the time of the decoders.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from datasets import set_path
from harness import AESEARCH, create_parser, measure_alternately, median_ratio, print_table, run_process
from PIL import Image

from aesearch.coders.loading import load_coder
from aesearch.features.pixels import Pixels
from aesearch.index.build import Batching, encode_rows, read_items, store_codes
from aesearch.index.plan import BuildPlan
from aesearch.index.progress import ignore_progress
from aesearch.index.workspace import Workspace
from aesearch.readers.folder import read_files
from aesearch.readers.images import MIN_SIDE_PIXELS

N_PROCESSES = 2
TARGET_RATIO = 1.5
COLUMNS = ("photos", "read and encode, s", "decoders", "decode, s", "ratio", "target")


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--copies", type=int, default=1, help="copies of each photo in the folder")
    parser.add_argument("--folder", type=Path, help="folder for --side")
    parser.add_argument("--side", choices=SIDES, help="measure only this side, in this process")
    options = parser.parse_args()
    if options.side:
        print(SIDES[options.side](options.folder))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder, index = Path(temporary) / "photos", Path(temporary) / "index"
        for copy in range(options.copies):
            shutil.copytree(set_path(options.data, "clothing", "database"), folder / str(copy))
        run_process([*AESEARCH, "index", folder / "0", "--index", index, "--rounds", "1"])
        command = [sys.executable, __file__, "--data", options.data, "--folder", folder, "--side"]
        sides = [lambda side=side: float(run_process([*command, side]).output) for side in SIDES]
        ours, *decoders = measure_alternately(options.rounds, *sides)
        n_photos = len(read_files(folder))
    rows = [
        (n_photos, statistics.median(ours), side, statistics.median(theirs), median_ratio(ours, theirs), TARGET_RATIO)
        for side, theirs in zip(list(SIDES)[1:], decoders, strict=True)
    ]
    print_table(COLUMNS, rows)


def time_build(folder: Path) -> float:
    """Return the seconds of a build with the trained coder in the index beside the folder."""
    import faiss  # noqa: F401  # imports of the store are not measured

    coder = load_coder(folder.parent / "index" / "coder")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        plan = BuildPlan(read_files(folder, start_workers=True), Pixels(), coder)
        work, batching = Workspace(Path(temporary), {}), Batching()
        read_items(plan, work, ignore_progress, batching)
        codes = encode_rows(work, coder, ignore_progress, batching.encode)
        store_codes(codes, coder, None, ignore_progress, batching.encode)
        work.close()
    return time.perf_counter() - start


DECODE_SCRIPT = f"""
import sys
from PIL import Image
for path in sys.stdin.read().splitlines():
    with Image.open(path) as image:
        image.draft("RGB", ({MIN_SIDE_PIXELS}, {MIN_SIDE_PIXELS}))
        image.load()
"""


def time_spawned_decoders(folder: Path) -> float:
    """Return the seconds that new Python processes take to start and to decode all photos."""
    paths = sorted(folder.rglob("*.jpg"))
    start = time.perf_counter()
    command = [sys.executable, "-c", DECODE_SCRIPT]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True) for _ in range(N_PROCESSES)]
    for number, process in enumerate(processes):
        assert process.stdin is not None
        process.stdin.write("\n".join(map(str, paths[number::N_PROCESSES])))
        process.stdin.close()
    exit_codes = [process.wait() for process in processes]
    assert not any(exit_codes)
    return time.perf_counter() - start


def time_forked_decoders(folder: Path) -> float:
    """Return the seconds that forked processes take to decode all photos."""
    paths = sorted(folder.rglob("*.jpg"))
    start = time.perf_counter()
    with ProcessPoolExecutor(N_PROCESSES) as pool:
        assert len(list(pool.map(decode_photo, paths, chunksize=32))) == len(paths)
    return time.perf_counter() - start


def decode_photo(path: Path) -> tuple[int, int]:
    """Decode a photo at reduced size."""
    with Image.open(path) as image:
        image.draft("RGB", (MIN_SIDE_PIXELS, MIN_SIDE_PIXELS))
        image.load()
        return image.size


SIDES = {"aesearch": time_build, "spawned": time_spawned_decoders, "forked": time_forked_decoders}


if __name__ == "__main__":
    main()
