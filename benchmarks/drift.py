"""Does the label-free score detect added items that the coder was not trained for?

    python benchmarks/drift.py --data DATA [--set clothing] [--set 20news]

An index is built from nine tenths of the items of half of the classes. Then two groups are added: the remaining tenth
("same"), and as many items of the other classes ("other"). Prints the label-free score of each group, relative to that
of the held-out items at training, and its share of out-of-distribution items (`Retriever.is_out_of_distribution`;
about 1 % is normal).

Claim: documents of other classes score clearly lower than documents of the same classes. The threshold below which `info`
and `index` recommend retraining is between the two (`aesearch.analysis.drift`).
"""

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from harness import create_parser, print_table

from aesearch.analysis.rescoring import score_queries
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files

SETS = {"clothing": "image/clothing/train", "20news": "text/20news/train.jsonl.gz"}
COLUMNS = (
    "set",
    "split",
    "items added",
    "same: relative score",
    "same: out of distribution",
    "other: relative score",
    "other: out of distribution",
)


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--set", choices=sorted(SETS), action="append")
    options = parser.parse_args()
    results = []
    for name in options.set or SETS:
        items = list(read_files(options.data / SETS[name]))
        for split, classes in enumerate(split_classes(items)):
            known = [item for item in items if item.label in classes]
            indexed, same = [item for position, item in enumerate(known) if position % 10 != 3], known[3::10]
            index = Retriever.build(indexed)
            other = sample_evenly([item for item in items if item.label not in classes], len(same))
            for count in (len(same), 100, 30):
                scores = (score_added(index, indexed, sample_evenly(group, count)) for group in (same, other))
                results.append((name, split, count, *(value for pair in scores for value in pair)))
    print_table(COLUMNS, results)


def split_classes(items: list[Item]) -> Iterator[set[str | None]]:
    """Yield three halves of the classes: the even ones, the odd ones, and the first half in order of name."""
    labels = sorted({item.label for item in items}, key=str)
    yield set(labels[::2])
    yield set(labels[1::2])
    yield set(labels[: len(labels) // 2])


def sample_evenly(items: list[Item], count: int) -> list[Item]:
    """Return at most `count` items, spread evenly."""
    return items[:: max(1, len(items) // count)][:count]


def score_added(index: Retriever, indexed: list[Item], items: list[Item]) -> tuple[float, float]:
    """Return the relative score of items once they are added, and their share of out-of-distribution items."""
    item_of = {item.id: item for item in (*indexed, *items)}

    def reload(keys: Sequence[int]) -> Iterator[tuple[Sequence[int], Any]]:
        rows = index.ledger.rows_by_key(keys)
        yield list(rows), index.features.transform([item_of[row.id] for row in rows.values()])

    share = statistics.fmean(index.is_out_of_distribution(hits) for hits in index.query_many(items, 1))
    index.add(items)
    rows = index.ledger.rows_by_id([item.id for item in items])
    keys = np.array([rows[item.id].key for item in items])
    score = score_queries(index, index.features.transform(items), keys, reload)
    index.remove([item.id for item in items])
    assert score is not None
    assert index.record.score is not None
    return score.value / index.record.score.value, share


if __name__ == "__main__":
    main()
