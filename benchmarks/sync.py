"""Time of indexing a folder again, and correctness of updates.

    python benchmarks/sync.py --data DATA [--count 20000] [--coder neighbors]

Indexes COUNT image files and COUNT text files, then again without a change, and again after one file was added. For
images, it then renames a folder of 1,000, and adds and removes 1,000.

Targets, relative to the time of the first run with default settings: 3 % without a change, 5 % with one added file. The
images in the renamed folder are not encoded again. After the added images are removed, all results are as before.
"""

import tempfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
from datasets import write_digit_files, write_text_files
from harness import AESEARCH, create_parser, print_table, run_process

from aesearch import Retriever
from aesearch.readers.folder import read_files

N_ADDED = 1000
MAX_QUERIES = 200
COLUMNS = ("files", "count", "first run, s", "no change, s", "one added, s", "no change / first", "one added / first")


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="number of files")
    parser.add_argument("--coder", default="neighbors")
    options = parser.parse_args()
    data = options.data.resolve()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        results = []
        for kind, write_files in (("images", write_digit_files), ("texts", write_text_files)):
            write_files(data, folder / kind, options.count)
            coder = "lsa" if options.coder == "pca" and kind == "texts" else options.coder
            results.append((kind, options.count, *time_runs(folder / kind, folder / "indexes" / kind, coder)))
        print_table(COLUMNS, results)
        print("\ntargets: 3 % and 5 %\n")
        rename_folder(folder / "images", folder / "indexes" / "images")
        write_digit_files(data, folder / "more", options.count + N_ADDED)
        add_and_remove(folder / "more", folder / "indexes" / "images", options.count)


def time_runs(folder: Path, index: Path, coder: str) -> tuple[object, ...]:
    """Index a folder three times; return the seconds, and the ratios of the second and third run to the first."""
    command = [*AESEARCH, "index", folder, "--index", index]
    first = run_process([*command, "--coder", coder]).seconds
    no_change = run_process(command).seconds
    original = min((folder / "000").iterdir())
    (folder / f"new{original.suffix}").write_bytes(original.read_bytes() + b" ")
    one_added = run_process(command).seconds
    return (first, no_change, one_added, f"{no_change / first:.1%}", f"{one_added / first:.1%}")


def rename_folder(images: Path, index: Path) -> None:
    """Rename a folder of images, and sync the index. Fail if an image is encoded."""
    (images / "001").rename(images / "renamed")
    retriever = Retriever.load(index)
    with patch.object(retriever.coder, "encode", side_effect=AssertionError("an item was encoded")):
        print("a folder renamed:", retriever.sync(read_files(images)))
    retriever.save(index)


def add_and_remove(folder: Path, index: Path, n_indexed: int) -> None:
    """Add the images of a folder beyond the first n_indexed, remove them again, and compare the results of queries."""
    items = list(read_files(folder))
    queries = items[:: max(1, n_indexed // MAX_QUERIES)]
    new_items = [item for item in items if int(Path(item.id).stem) >= n_indexed]
    retriever = Retriever.load(index)
    before = retriever.query_many(queries, k=50)
    n_added = retriever.add(new_items)
    between = retriever.query_many(queries, k=50)
    retriever = save_and_load(retriever, index)
    n_removed = retriever.remove([item.id for item in new_items])
    retriever = save_and_load(retriever, index)
    retriever.verify()
    after = retriever.query_many(queries, k=50)
    changed = np.mean([a != b for a, b in zip(before, between, strict=True)])
    n_different = sum(a != b for a, b in zip(before, after, strict=True))
    print(f"{n_added:,} added: {changed:.0%} of the results of {len(queries)} queries changed")
    print(f"{n_removed:,} removed: {n_different} results differ from those at the start")


def save_and_load(retriever: Retriever, index: Path) -> Retriever:
    """Save the index, and load it again."""
    retriever.save(index)
    return Retriever.load(index)


if __name__ == "__main__":
    main()
