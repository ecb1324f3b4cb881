"""Retrieval of the originals of edited photos.

    python near_copies.py OUT                 (in DATA: writes edited copies of 200 clothing photos, and OUT/truth.csv)
    python benchmarks/near_duplicates.py --data DATA --copies OUT [--coders raw,pca,pca-whitened,neighbors]
                                         [--photos N]

All clothing photos are the database. Prints the share of edited copies whose nearest neighbor is the original (R@1), by
edit, for plain queries. The last coder is also queried with --rerank, --augment and --copies, and the seconds per query are
printed.

Target, mean over the edits: 0.90 with --copies (raw pixels: 0.68).
"""

import csv
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from harness import comma_separated, create_parser, print_table

from aesearch import Item, Retriever
from aesearch.readers.folder import read_files

QUERY_OPTIONS: tuple[dict[str, bool], ...] = (
    {},
    {"rerank": True},
    {"augment": True},
    {"rerank": True, "augment": True},
    {"copies": True},
)


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--copies", type=Path, required=True, help="output folder of near_copies.py")
    parser.add_argument("--coders", type=comma_separated, default="raw,pca,pca-whitened,neighbors")
    parser.add_argument("--photos", type=int, default=200, help="number of edited photos, evenly spaced in truth.csv")
    options = parser.parse_args()
    truth = sample_photos(read_truth(options.copies), options.photos)
    items = {item.id: item for item in read_files(options.copies / "img")}
    queries = [items[Path(row["query"]).name] for row in truth]
    columns = {}
    for coder in options.coders:
        params: dict[str, Any] = {} if coder == "raw" else {"code_size": 64}
        index = Retriever.build(options.data / "image" / "clothing", coder=coder, **params)
        for query_options in QUERY_OPTIONS if coder == options.coders[-1] else QUERY_OPTIONS[:1]:
            column = " --".join((coder, *query_options))
            columns[column] = score_edits(index, queries, truth, **query_options)
    edits = next(iter(columns.values()))
    print_table(("edit", *columns), [(edit, *(column[edit] for column in columns.values())) for edit in edits])


def score_edits(index: Retriever, queries: list[Item], truth: list[dict[str, str]], **options: bool) -> dict[str, float]:
    """Return R@1 by edit, their mean, and the seconds per query."""
    is_found, start = defaultdict(list), time.perf_counter()
    for row, (hit,) in zip(truth, index.query_many(queries, k=1, **options), strict=True):
        is_found[row["edit"]].append(hit.id == row["original"])
    recall = {edit: sum(found) / len(found) for edit, found in is_found.items()}
    seconds = (time.perf_counter() - start) / len(queries)
    return recall | {"mean": sum(recall.values()) / len(recall), "seconds per query": seconds}


def sample_photos(truth: list[dict[str, str]], n_photos: int) -> list[dict[str, str]]:
    """Return the edited copies of n_photos evenly spaced originals, or of all if there are fewer."""
    originals = list(dict.fromkeys(row["original"] for row in truth))
    n_photos = min(n_photos, len(originals))
    chosen = {originals[number * len(originals) // n_photos] for number in range(n_photos)}
    return [row for row in truth if row["original"] in chosen]


def read_truth(copies: Path) -> list[dict[str, str]]:
    """Return the rows of truth.csv: `query`, `original` and `edit` of each edited copy."""
    with open(copies / "truth.csv", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
