"""Learned bits against ITQ bits of the same network.

    python benchmarks/hashing.py --data DATA [--sets mnist,fashion-mnist,cifar10-subset,clothing,20news] [--bits 64]
                                 [--items 10000] [--queries 2000] [--seeds 0,1,2]

Compares `dense` with float codes, the same codes converted to bits by ITQ, and `hashing` with noise and with a
straight-through estimator. All have the same layers and training. Figures are medians over the seeds.

Claim: learned bits are better over the whole ranking of images, ITQ bits for documents and for the first neighbors of
photos.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from datasets import IMAGE_SETS, STANDARD_SETS, load_items, sample_items, transform_labeled
from harness import comma_separated, comma_separated_ints, create_parser, print_table
from scoring import score_retrieval

from aesearch.catalog import create_coder
from aesearch.coders.base import Coder
from aesearch.coders.itq import ITQ
from aesearch.features.bag_of_words import BagOfWords
from aesearch.features.pixels import Pixels


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--sets", type=comma_separated, default=",".join(STANDARD_SETS))
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=2_000)
    parser.add_argument("--seeds", type=comma_separated_ints, default="0,1,2")
    options = parser.parse_args()
    results: list[tuple[Any, ...]] = []
    for name in options.sets:
        database = sample_items(load_items(options.data, name, "database"), options.items)
        queries = sample_items(load_items(options.data, name, "queries"), options.queries)
        features: Any = Pixels() if name in IMAGE_SETS else BagOfWords()
        rows = transform_labeled(features, database, queries)
        runs: dict[str, list[list[float]]] = {}
        for seed in options.seeds:
            for variant, coder in train_variants(rows.X, code_size=options.bits, seed=seed):
                scores = score_retrieval(coder, rows)
                figures = [scores.precision_at_1, scores.precision_at_10, scores.mean_average_precision]
                runs.setdefault(variant, []).append(figures)
                print("#", name, variant, seed, *figures, flush=True)
        results += [(name, variant, *np.median(run, axis=0).round(3).tolist()) for variant, run in runs.items()]
    print_table(("set", "coder", "1-NN", "P@10", "mAP@1000"), results)


def train_variants(X: Any, **params: Any) -> Iterator[tuple[str, Coder]]:
    """Yield trained coders by name."""
    yield "dense, floats", create_coder("dense", **params).fit(X)
    yield "dense, ITQ bits", ITQ(create_coder("dense", **params)).fit(X)
    yield "hashing", create_coder("hashing", **params).fit(X)
    yield "hashing, straight-through", create_coder("hashing", straight_through=True, **params).fit(X)


if __name__ == "__main__":
    main()
