"""Altered copies of photos: is the original the nearest (R@1)?  By edit, for the default codes and the baselines.

python near_copies.py OUT                 (in DATA: makes the copies of 200 of the clothing photos, OUT/truth.csv)
python benchmarks/near_copies.py --data DATA --copies OUT

All photos are the database.  Bar, mean of the edits: 0.80; raw pixels 0.68.
"""

import csv
from collections import defaultdict
from pathlib import Path

from measure import arguments, table

from aesearch import Retriever
from aesearch.readers.folder import read_files

CODERS = ("raw", "pca", "pca-whitened", "neighbors")
ASKED: tuple[dict[str, bool], ...] = ({}, {"rerank": True}, {"turned": True}, {"rerank": True, "turned": True})


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--copies", type=Path, required=True)
    options = parser.parse_args()
    truth = altered(options.copies)
    items = {item.id: item for item in read_files(options.copies / "img")}
    columns = {}
    for coder in CODERS:
        settings = {} if coder == "raw" else {"code_size": 64}
        index = Retriever.build(options.data / "image" / "clothing", coder=coder, **settings)  # type: ignore[arg-type]
        queries = [items[Path(row["query"]).name] for row in truth]
        for ask in ASKED if coder == "neighbors" else ASKED[:1]:
            found: dict[str, list[bool]] = defaultdict(list)
            for row, (hit,) in zip(truth, index.query_many(queries, k=1, **ask), strict=True):
                found[row["edit"]].append(hit.id == row["original"])
            column = {edit: sum(right) / len(right) for edit, right in found.items()}
            columns[" --".join((coder, *ask))] = column | {"mean": sum(column.values()) / len(found)}
    table(("edit", *columns), [(edit, *(column[edit] for column in columns.values())) for edit in columns["raw"]])


def altered(copies: Path) -> list[dict[str, str]]:
    """What each altered copy is one of: rows of `query`, `original`, `edit`."""
    with open(copies / "truth.csv", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
