"""Reading and encoding photos, training aside, against decoding alone by two Pillow processes using draft.

python benchmarks/reading.py --data DATA

Each side runs in a process of its own and times itself, once its imports are done: ours from the folder to the filled store
(read, features, ledger, encode, store), theirs from starting two processes to the last decoded photo.  Theirs are measured
twice: started afresh, as the workers that read for us are, and forked from a process that has imported Pillow, which spares
them that.  Bar: 1.5 times as long.  Starting workers costs us 0.1 s however many photos there are; --copies shows what
remains of it among more.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from measure import AESEARCH, arguments, in_turn, process, ratio, table
from PIL import Image

from aesearch.coders.loading import load_coder
from aesearch.features.pixels import Pixels
from aesearch.index.build import Progress, encode_and_store, read
from aesearch.index.workspace import Workspace
from aesearch.readers.folder import read_files
from aesearch.readers.images import DETAIL


def quiet(progress: Progress) -> None:
    pass


def ours(folder: Path) -> float:
    import faiss  # noqa: F401  # the store's

    coder = load_coder(folder.parent / "index" / "coder")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        work = Workspace(Path(place), {})
        read(read_files(folder, start_workers=True), Pixels(), work, quiet)
        encode_and_store(work.rows, work.codes, coder, None, defaultdict(float), quiet)
        work.close()
    return time.perf_counter() - began


def decode(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        image.draft("RGB", (DETAIL, DETAIL))
        image.load()
        return image.size


def forked(folder: Path) -> float:
    paths = sorted(folder.rglob("*.jpg"))
    began = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        assert len(list(pool.map(decode, paths, chunksize=32))) == len(paths)
    return time.perf_counter() - began


AFRESH = f"""
import sys
from PIL import Image
for path in sys.stdin.read().splitlines():
    with Image.open(path) as image:
        image.draft("RGB", ({DETAIL}, {DETAIL}))
        image.load()
"""


def afresh(folder: Path) -> float:
    paths = sorted(folder.rglob("*.jpg"))
    began = time.perf_counter()
    command = [sys.executable, "-c", AFRESH]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True) for _ in range(2)]
    for number, one in enumerate(processes):
        assert one.stdin is not None
        one.stdin.write("\n".join(map(str, paths[number::2])))
        one.stdin.close()
    assert [one.wait() for one in processes] == [0, 0]
    return time.perf_counter() - began


SIDES = {"ours": ours, "afresh": afresh, "forked": forked}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--copies", type=int, default=1, help="how often each photo lies in the folder")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--side", choices=SIDES, help="time one side in this process")
    options = parser.parse_args()
    if options.side:
        print(SIDES[options.side](options.folder))
        return
    with tempfile.TemporaryDirectory() as place:
        folder, index = Path(place) / "photos", Path(place) / "index"
        for copy in range(options.copies):
            shutil.copytree(options.data / "image" / "clothing" / "train", folder / str(copy))
        process([*AESEARCH, "index", folder / "0", "--index", index, "--epochs", "1"])
        again = [sys.executable, __file__, "--data", options.data, "--folder", folder, "--side"]
        ours, *theirs = in_turn(
            options.rounds, *(lambda side=side: float(process([*again, side]).output) for side in SIDES)
        )
        photos = len(read_files(folder))
    columns = ("photos", "reading and encoding, s", "two processes decoding", "decoding, s", "ratio", "bar")
    rows = [
        (photos, statistics.median(ours), how, statistics.median(seconds), ratio(ours, seconds), 1.5)
        for how, seconds in zip(("started afresh", "forked"), theirs, strict=True)
    ]
    table(columns, rows)


if __name__ == "__main__":
    main()
