"""Retrieval quality on 20 Newsgroups through the public API: code size 64, floats and bits.

    python benchmarks/newsgroups.py --data DATA [--seeds 0,1,2] [--stripped] [--items N]

The train split by date is the database, the test split the queries. Bits and tie-breaking are the same for all coders.
Figures are medians over the seeds.

Targets, full text, P@100: an autoencoder at least 0.50 with floats and 0.48 with bits; LSA at least 0.42 with bits.
"""

import statistics
from typing import Any

from datasets import load_items
from harness import comma_separated_ints, create_parser, print_table

from aesearch import Item, Retriever
from aesearch.analysis.evaluation import evaluate

VARIANTS = (
    ("raw", False),
    ("lsa", False),
    ("lsa", True),
    ("dense", False),
    ("dense", True),
    ("denoising", False),
    ("denoising", True),
)


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--seeds", type=comma_separated_ints, default="0,1,2")
    parser.add_argument("--stripped", action="store_true", help="remove headers, footers and quotes")
    parser.add_argument("--items", type=int, help="use only the first N documents of the database")
    options = parser.parse_args()
    name = "20news-stripped" if options.stripped else "20news"
    database = load_items(options.data, name, "database")[: options.items]
    queries = load_items(options.data, name, "queries")
    results = [score_variant(database, queries, coder, bits, options.seeds) for coder, bits in VARIANTS]
    print_table(("coder", "bytes per item", "1-NN", "P@10", "P@100", "mAP@1000", "training, s"), results)


def score_variant(database: list[Item], queries: list[Item], coder: str, bits: bool, seeds: list[int]) -> tuple[Any, ...]:
    """Build and evaluate an index with each seed; return the row of the table."""
    runs = []
    for seed in seeds if coder != "raw" else seeds[:1]:
        params: dict[str, Any] = {} if coder == "raw" else {"code_size": 64, "seed": seed}
        index = Retriever.build(database, coder=coder, bits=bits, **params)
        result = evaluate(index, queries, ks=(1, 10, 100))
        scores = (*(result.precision[k] for k in (1, 10, 100)), result.mean_average_precision)
        runs.append((*scores, index.record.seconds["train"]))
    medians = (statistics.median(column) for column in zip(*runs, strict=True))
    return (coder + (" --bits" if bits else ""), f"{index.store.bytes_per_item:.0f}", *medians)


if __name__ == "__main__":
    main()
