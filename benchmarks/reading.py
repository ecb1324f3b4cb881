"""Reading and encoding photos, training aside, against decoding alone by two Pillow processes using draft.

python benchmarks/reading.py --data DATA

Each side runs in a process of its own and times itself, once its imports are done: ours from the folder to the filled store
(read, features, ledger, encode, store), theirs from starting the pool to the last decoded photo.  Bar: 1.5 times as long.
Starting the workers that read costs us 0.1 s however many photos there are; --copies shows what remains of it among more.
"""

import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from measure import AESEARCH, arguments, in_turn, process, ratio, table
from PIL import Image

from aesearch.building import Progress, encode_and_store, read
from aesearch.coders.loading import load_coder
from aesearch.features.pixels import Pixels
from aesearch.readers.folder import read_files
from aesearch.readers.images import DETAIL
from aesearch.unfinished import Unfinished


def quiet(progress: Progress) -> None:
    pass


def ours(folder: Path, index: Path) -> float:
    import faiss  # noqa: F401  # the store's

    coder = load_coder(index / "coder")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        work = Unfinished(Path(place), {})
        read(read_files(folder), Pixels(), work, quiet)
        encode_and_store(work.rows, work.codes, coder, None, defaultdict(float), quiet)
        work.close()
    return time.perf_counter() - began


def decode(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        image.draft("RGB", (DETAIL, DETAIL))
        image.load()
        return image.size


def theirs(folder: Path) -> float:
    paths = sorted(folder.rglob("*.jpg"))
    began = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        assert len(list(pool.map(decode, paths, chunksize=32))) == len(paths)
    return time.perf_counter() - began


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--copies", type=int, default=1, help="how often each photo lies in the folder")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--side", choices=("ours", "theirs"), help="time one side in this process")
    parser.add_argument("--index", type=Path)
    options = parser.parse_args()
    if options.side:
        print(ours(options.folder, options.index) if options.side == "ours" else theirs(options.folder))
        return
    with tempfile.TemporaryDirectory() as place:
        folder, index = Path(place) / "photos", Path(place) / "index"
        for copy in range(options.copies):
            shutil.copytree(options.data / "image" / "clothing" / "train", folder / str(copy))
        process([*AESEARCH, "index", folder / "0", "--index", index, "--epochs", "1"])
        again = [sys.executable, __file__, "--data", options.data, "--folder", folder, "--index", index, "--side"]
        reading, decoding = in_turn(
            options.rounds, *(lambda side=side: float(process([*again, side]).output) for side in ("ours", "theirs"))
        )
        photos = len(read_files(folder))
    row = (photos, statistics.median(reading), statistics.median(decoding), ratio(reading, decoding), 1.5)
    table(("photos", "reading and encoding, s", "two processes decoding, s", "ratio", "bar"), [row])


if __name__ == "__main__":
    main()
