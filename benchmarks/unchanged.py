"""Indexing again: nothing changed, one file added, a folder renamed, much added and taken away.

python benchmarks/unchanged.py --data DATA [--count 20000]

Bars, of the first run's time at default settings: 3 % where nothing changed, 5 % where one file was added.  A folder of
1,000 pictures that was renamed is not encoded again; 1,000 pictures added and removed leave every answer as it was.
"""

import gzip
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measure import AESEARCH, arguments, process, table
from PIL import Image

from aesearch import Retriever
from aesearch.readers.folder import read_files
from aesearch.readers.image_sets import read_idx

IN_A_FOLDER = 1000
ADDED = 1000
ASKED = 200


def lay_out_pictures(data: Path, folder: Path, count: int) -> None:
    """`count` of MNIST's digits, a PNG file each, 1,000 in a folder."""
    for number, item in zip(range(count), read_idx(data / "image" / "mnist" / "train-images-idx3-ubyte.gz"), strict=False):
        path = folder / f"{number // IN_A_FOLDER:03}" / f"{number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        assert isinstance(item.content, Image.Image)
        item.content.save(path, compress_level=1)


def lay_out_texts(data: Path, folder: Path, count: int) -> None:
    """`count` pieces of newsgroup messages, a text file each, 1,000 in a folder."""
    for number, words in zip(range(count), pieces(data), strict=False):
        path = folder / f"{number // IN_A_FOLDER:03}" / f"{number:06}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words, encoding="utf-8")


def pieces(data: Path) -> Iterator[str]:
    """The messages of 20 Newsgroups, each as pieces of 1,000 letters."""
    import json

    with gzip.open(data / "text" / "20news" / "train.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            text = row["text"]
            yield from (text[start : start + 1000] for start in range(0, min(len(text) - 200, 3000), 1000))


class Unasked:
    """A coder that must not be asked."""

    def __init__(self, coder: object) -> None:
        self.metric = coder.metric  # type: ignore[attr-defined]

    def encode(self, X: object) -> None:
        raise AssertionError("something was encoded")


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="files")
    parser.add_argument("--coder", default="neighbors")
    options = parser.parse_args()
    data = options.data.resolve()
    with tempfile.TemporaryDirectory() as place:
        rows = []
        for what, lay_out, ending in (("pictures", lay_out_pictures, ".png"), ("texts", lay_out_texts, ".txt")):
            folder, index = Path(place) / what, Path(place) / "indexes" / what
            lay_out(data, folder, options.count)
            again = [*AESEARCH, "index", folder, "--index", index]
            first = process([*again, "--coder", options.coder if options.coder != "pca" or what == "pictures" else "lsa"])
            nothing = process(again)
            one = folder / "000" / f"000000{ending}"
            (folder / f"new{ending}").write_bytes(one.read_bytes() + b" ")
            added = process(again)
            seconds = [run.seconds for run in (first, nothing, added)]
            rows.append((what, options.count, *seconds, *(f"{second / seconds[0]:.1%}" for second in seconds[1:])))
        table(
            ("files", "of them", "first, s", "nothing changed, s", "one added, s", "nothing / first", "added / first"), rows
        )
        print("\nbars: 3 % and 5 %\n")

        pictures = Path(place) / "pictures"
        (pictures / "001").rename(pictures / "renamed")
        loaded = Retriever.load(Path(place) / "indexes" / "pictures")
        coder, loaded.coder = loaded.coder, Unasked(loaded.coder)  # type: ignore[assignment]
        print("a folder renamed:", loaded.sync(read_files(pictures)))
        loaded.coder = coder
        loaded.save(Path(place) / "indexes" / "pictures")

        more = Path(place) / "more"
        lay_out_pictures(data, more, options.count + ADDED)
        asked = list(read_files(more))[:: max(1, options.count // ASKED)]
        fresh = [item for item in read_files(more) if int(Path(item.id).stem) >= options.count]
        before = loaded.query_many(asked, k=50)
        count = loaded.add(fresh)
        between = loaded.query_many(asked, k=50)
        loaded.save(Path(place) / "indexes" / "pictures")
        loaded = Retriever.load(Path(place) / "indexes" / "pictures")
        gone = loaded.remove([item.id for item in fresh])
        loaded.save(Path(place) / "indexes" / "pictures")
        loaded = Retriever.load(Path(place) / "indexes" / "pictures")
        loaded.verify()
        after = loaded.query_many(asked, k=50)
        changed = np.mean([a != b for a, b in zip(before, between, strict=True)])
        print(f"{count:,} added, {gone:,} removed: {changed:.0%} of {len(asked)} answers changed in between,", end=" ")
        print(f"{sum(a != b for a, b in zip(before, after, strict=True))} differ afterwards")


if __name__ == "__main__":
    main()
