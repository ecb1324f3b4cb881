"""Every coder of the catalog on the same items, at the same code size: reconstruction, neighbors, a linear probe.

python benchmarks/family.py --data DATA [--sets mnist,fashion-mnist,cifar10-subset,clothing,20news] [--coders ...]
                            [--code-size 32] [--items 10000] [--queries 2000] [--seed 0]

All settings are the defaults.  SSE is the squared error of a reconstruction summed over the pixels in 0..1 (of words, over
their TF-IDF weights), mean over the queries.  The probe is a logistic regression from the database's codes to their labels,
its accuracy that on the queries.
"""

import gzip
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from measure import arguments, table
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from aesearch import Item
from aesearch.analysis.evaluation import average_precision, precision_at, squared_errors
from aesearch.arrays import is_sparse
from aesearch.catalog import CODERS, create_coder
from aesearch.features.bag_of_words import BagOfWords
from aesearch.features.pixels import Pixels
from aesearch.index.build import empty_store
from aesearch.readers.folder import read_files

HALVES = {
    "mnist": ("train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"),
    "fashion-mnist": ("train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"),
    "cifar10-subset": ("data_batch_1.bin", "test_batch.bin"),
    "clothing": ("train", "test"),
    "20news": ("train.jsonl.gz", "test.jsonl.gz"),
}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--sets", default=",".join(HALVES))
    parser.add_argument("--coders", default=",".join(CODERS))
    parser.add_argument("--code-size", type=int, default=32)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name in options.sets.split(","):
        database, queries = (
            some(items(options.data, name, half), count) for half, count in enumerate((options.items, options.queries))
        )
        kind = database[0].kind
        features: Any = (Pixels() if kind == "images" else BagOfWords()).fit(database)
        X, Q = features.transform(database), features.transform(queries)
        labels, wanted = (np.array([item.label for item in half]) for half in (database, queries))
        rows = []
        for coder in options.coders.split(","):
            if kind in CODERS[coder].kinds:
                rows.append((coder, *measured(coder, kind, X, Q, labels, wanted, options)))
                print("#", name, *rows[-1], flush=True)
        print(f"\n{name}: {len(database):,} items, {len(queries):,} queries, codes of {options.code_size}\n")
        table(("coder", "SSE", "1-NN", "P@10", "mAP@1000", "linear probe", "seconds to train"), rows)


def measured(
    name: str, kind: Any, X: Any, Q: Any, labels: np.ndarray, wanted: np.ndarray, options: Any
) -> tuple[float, ...]:
    known = CODERS[name].load().param_names()
    given = {"code_size": options.code_size, "seed": options.seed}
    began = time.perf_counter()
    coder = create_coder(name, kind, **{key: value for key, value in given.items() if key in known}).fit(X)
    seconds = time.perf_counter() - began
    codes, asked = coder.encode(X), coder.encode(Q)
    store = empty_store(None, coder, codes)
    store.add(np.arange(len(labels)), codes)
    relevant = labels[store.search(asked, 1000)[0]] == wanted[:, None]
    sse = np.concatenate(
        [squared_errors(Q[at : at + 256], coder.decode(asked[at : at + 256])) for at in range(0, Q.shape[0], 256)]
    )
    figures = (
        sse.mean(),
        precision_at(relevant, 1).mean(),
        precision_at(relevant, 10).mean(),
        average_precision(relevant).mean(),
    )
    return (
        *(round(float(figure), 3) for figure in figures),
        round(probe(codes, asked, labels, wanted), 3),
        round(seconds, 1),
    )


def probe(codes: Any, asked: Any, labels: np.ndarray, wanted: np.ndarray) -> float:
    if codes.dtype == np.uint8:
        codes, asked = (np.unpackbits(bits, axis=1).astype(np.float32) for bits in (codes, asked))
    if not is_sparse(codes):
        scale = StandardScaler().fit(codes)
        codes, asked = scale.transform(codes), scale.transform(asked)
    return float(LogisticRegression(max_iter=100, C=0.1).fit(codes, labels).score(asked, wanted))


def some(all_items: list[Item], count: int) -> list[Item]:
    """So many of the items at most, drawn at random, in an order that says nothing of their labels."""
    order = np.random.default_rng(0).permutation(len(all_items))[:count]
    return [all_items[number] for number in order]


def items(data: Path, name: str, half: int) -> list[Item]:
    place = data / ("text" if name == "20news" else "image") / name / HALVES[name][half]
    if name != "20news":
        return list(read_files(place))
    with gzip.open(place, "rt", encoding="utf-8") as lines:
        return [Item(row["id"], row["text"], row["label"]) for row in map(json.loads, lines)]


if __name__ == "__main__":
    main()
