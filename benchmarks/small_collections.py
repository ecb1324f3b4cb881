"""Small collections of documents: the default coder against LSA and the terms themselves.

    python benchmarks/small_collections.py --data DATA [--sizes 30,100,300,1000] [--seeds 0,1,2]

Indexes random messages of 20 Newsgroups, and queries with a third of its test messages. Figures are medians over the seeds,
which draw the messages.

Target: at each size, the 1-NN accuracy is at least that of the better baseline; at 1,000 documents 5 points more.
"""

import statistics

import numpy as np
from datasets import load_items
from harness import comma_separated_ints, create_parser, print_table

from aesearch import Item, Retriever

CODERS = ("auto", "lsa", "raw")


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--sizes", type=comma_separated_ints, default="30,100,300,1000")
    parser.add_argument("--seeds", type=comma_separated_ints, default="0,1,2")
    options = parser.parse_args()
    messages, queries = load_items(options.data, "20news", "database"), load_items(options.data, "20news", "queries")[::3]
    results = []
    for size in options.sizes:
        figures: dict[str, list[tuple[float, ...]]] = {coder: [] for coder in CODERS}
        chosen = set()
        for seed in options.seeds:
            items = [messages[position] for position in np.random.default_rng(seed).permutation(len(messages))[:size]]
            for coder in CODERS:
                index = Retriever.build(items, coder=coder)
                figures[coder].append((*precision(index, queries), index.record.seconds["train"]))
                if coder == "auto":
                    chosen.add(index.coder_name)
        for coder in CODERS:
            medians = [statistics.median(column) for column in zip(*figures[coder], strict=True)]
            name = f"auto ({', '.join(sorted(chosen))})" if coder == "auto" else coder
            results.append((size, name, *(round(value, 3) for value in medians)))
    print_table(("documents", "coder", "1-NN", "P@10", "training, s"), results)


def precision(index: Retriever, queries: list[Item]) -> tuple[float, float]:
    """Return the precision of the first and of the first 10 neighbors of the queries."""
    codes = index.coder.encode(index.featurize(queries))
    keys = index.store.search(codes, 10)[0]
    labels = {row.key: row.label for row in index.ledger.all_rows()}
    is_relevant = np.array([[labels[key] == query.label for key in row] for row, query in zip(keys, queries, strict=True)])
    return float(is_relevant[:, 0].mean()), float(is_relevant.mean())


if __name__ == "__main__":
    main()
