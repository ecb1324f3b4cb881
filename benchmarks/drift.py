"""Whether the label-free score tells items that the coder was not made for from more of the same.

python benchmarks/drift.py --data DATA

An index is built of nine in ten items of half of the classes.  Then the tenth is added to it: more of the same; and as many
items of the other classes: drift.  Shown are the score of each, over that of the items learned from, and the share of them
that is unlike anything in the index (`Retriever.unlike`: 1 % is usual).
"""

import statistics

from measure import arguments, table

from aesearch.agreement import score_coder
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files

SETS = {"clothing": "image/clothing/train", "20news": "text/20news/train.jsonl.gz"}


def added(index: Retriever, items: list[Item]) -> tuple[float, float]:
    """Of these items, once they are added: their score over that of the index, and the share that is like no other."""
    X = index.featurize(items)
    hits = index.query_many(items, 1)
    unlike = statistics.fmean(index.is_out_of_distribution(near) for near in hits)
    index.add(items)
    found = score_coder(index.coder, index.store, X)
    index.remove([item.id for item in items])
    return found / index.record.agreement, unlike


def spread(items: list[Item], number: int) -> list[Item]:
    return items[:: max(1, len(items) // number)][:number]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--set", choices=sorted(SETS), action="append")
    options = parser.parse_args()
    rows = []
    for name in options.set or SETS:
        items = list(read_files(options.data / SETS[name]))
        labels = sorted({item.label for item in items})
        for seed in range(3):
            half = set(labels[seed % 2 :: 2]) if seed < 2 else set(labels[: len(labels) // 2])
            ours = [item for item in items if item.label in half]
            others = [item for item in items if item.label not in half]
            index = Retriever.build([item for n, item in enumerate(ours) if n % 10 != 3])
            more = [item for n, item in enumerate(ours) if n % 10 == 3]
            far = spread(others, len(more))
            for few in (len(more), 100, 30):
                same, other = (added(index, spread(some, few)) for some in (more, far))
                rows.append((name, seed, few, *same, *other))
    table(("set", "split", "items added", "same: score", "same: unlike", "other: score", "other: unlike"), rows)


if __name__ == "__main__":
    main()
