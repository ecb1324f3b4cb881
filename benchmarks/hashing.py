"""Bits learned as bits beside the same net's floats turned into bits afterwards: which finds more?

python benchmarks/hashing.py --data DATA [--sets mnist,fashion-mnist,cifar10-subset,clothing,20news] [--bits 64]
                             [--items 10000] [--queries 2000] [--seeds 0,1,2]

`dense` as it is, with its floats rotated and rounded (ITQ), and `hashing`, by noise alone and with straight-through bits:
the same layers and the same training.  By labels, median of the seeds.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from codes import measures
from family import HALVES, items, some
from measure import arguments, table

from aesearch.catalog import create_coder
from aesearch.coders.base import Coder
from aesearch.coders.itq import ITQ
from aesearch.features.bag_of_words import BagOfWords
from aesearch.features.pixels import Pixels


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--sets", default=",".join(HALVES))
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=2_000)
    parser.add_argument("--seeds", default="0,1,2")
    options = parser.parse_args()
    rows = []
    for name in options.sets.split(","):
        database, queries = (
            some(items(options.data, name, half), count) for half, count in enumerate((options.items, options.queries))
        )
        features: Any = (Pixels() if database[0].kind == "images" else BagOfWords()).fit(database)
        X, Q = features.transform(database), features.transform(queries)
        labels, wanted = (np.array([item.label for item in half]) for half in (database, queries))
        figures: dict[str, list[list[float]]] = {}
        for seed in map(int, options.seeds.split(",")):
            for what, coder in coders(X, code_size=options.bits, seed=seed):
                nearest, ten, _, ranking, _ = measures(coder, X, Q, labels, wanted)
                figures.setdefault(what, []).append([nearest, ten, ranking])
                print("#", name, what, seed, *figures[what][-1], flush=True)
        rows += [(name, what, *np.median(each, axis=0).round(3).tolist()) for what, each in figures.items()]
    table(("set", "coder", "1-NN", "P@10", "mAP@1000"), rows)


def coders(X: Any, **settings: Any) -> Iterator[tuple[str, Coder]]:
    dense = create_coder("dense", **settings).fit(X)
    yield "dense, floats", dense
    yield "dense, ITQ bits", ITQ(create_coder("dense", **settings)).fit(X)
    yield "hashing", create_coder("hashing", **settings).fit(X)
    yield "hashing, straight-through", create_coder("hashing", straight_through=True, **settings).fit(X)


if __name__ == "__main__":
    main()
