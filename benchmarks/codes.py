"""The default codes beside the baselines, with the same bits and the same tie-breaking; medians over seeds.

python benchmarks/codes.py --data DATA --set 20news [--bits 16,32,64,128] [--seeds 0,1,2] [--pretrained]
    --set: 20news, 20news-stripped, thucnews, mnist, fashion-mnist, clothing

Each set's training part is the database and its test part the queries; thucnews is by dev and test.  No label is seen
before the last step, which counts how many neighbors bear the query's.

Bars, P@100 at 64 bits: 20news 0.60, stripped 0.40, thucnews 0.56; mAP@1000 at 64 bits: mnist 0.90, fashion-mnist 0.74;
clothing by 64 floats: .63 1-NN, .55 P@10, .29 mAP; by 64 bits of pretrained features the mAP of their 1,280 floats.
"""

import gzip
import json
import statistics
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
from measure import arguments, table
from newsgroups import strip

from aesearch import Item
from aesearch.agreement import score_coder
from aesearch.analysis.evaluation import average_precision, precision_at
from aesearch.catalog import create_coder
from aesearch.coders.base import Coder
from aesearch.coders.itq import ITQ
from aesearch.features.bag_of_words import BagOfWords
from aesearch.features.pixels import Pixels
from aesearch.features.pretrained import SIDE, Pretrained
from aesearch.readers.folder import read_files
from aesearch.stores.flat import FlatStore

DEPTH = 1000
IDX = ("train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz")


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--set", required=True)
    parser.add_argument("--bits", default="64", help="code sizes")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--pretrained", action="store_true", help="codes of a pretrained model's features")
    options = parser.parse_args()
    train, test = items(options, 0), items(options, 1)
    pictures = train[0].kind == "images"
    features: Any = Pretrained(train[0].kind) if options.pretrained else Pixels() if pictures else BagOfWords()
    features.fit(train)
    dense = pictures or options.pretrained
    X, Q = features.transform(train), features.transform(test)
    # The database in an order that has nothing to do with its labels: ties are broken by it.
    order = np.random.default_rng(0).permutation(len(train))
    X, labels = X[order], np.array([item.label for item in train])[order]
    wanted = np.array([item.label for item in test])
    rows: list[tuple[Any, ...]] = []
    if options.pretrained:
        raw = create_coder("raw").fit(X)
        measured = (round(value, 3) for value in measures(raw, X, Q, labels, wanted))
        rows.append(("raw", f"{raw.code_size} floats", *measured, 0))
    for size in map(int, options.bits.split(",")):
        for name in ("pca-whitened" if dense else "lsa", "pca" if dense else "dense", "neighbors"):
            learns = name in ("dense", "neighbors")
            runs: dict[str, list[list[float]]] = {"floats": [], "bits": []}
            for seed in map(int, options.seeds.split(",") if learns else "0"):
                bits = ITQ(create_coder(name, code_size=size, **({"seed": seed} if learns else {})))
                began = time.perf_counter()
                bits.fit(X)
                seconds = time.perf_counter() - began
                for kind, coder in (("floats", bits.base), ("bits", bits)):
                    runs[kind].append([*measures(coder, X, Q, labels, wanted), seconds])
            for kind, figures in runs.items():
                medians = [statistics.median(column) for column in zip(*figures, strict=True)]
                rows.append((name, f"{size} {kind}", *(round(value, 3) for value in medians[:-1]), round(medians[-1], 1)))
    table(("coder", "code", "1-NN", "P@10", "P@100", "mAP@1000", "agreement", "seconds to train"), rows)


def measures(coder: Coder, X: Any, Q: Any, labels: np.ndarray, wanted: np.ndarray) -> list[float]:
    codes = coder.encode(X)
    store = FlatStore(coder.metric, codes.shape[1])
    store.add(np.arange(len(labels)), codes)
    near = store.search(coder.encode(Q), min(DEPTH, len(labels)))[0]
    relevant = labels[near] == wanted[:, None]
    precisions = [float(precision_at(relevant, k).mean()) for k in (1, 10, 100)]
    agreed = score_coder(coder, store, Q[:: max(1, Q.shape[0] // 1000)])
    return [*precisions, float(average_precision(relevant).mean()), agreed or 0.0]


def items(options: Namespace, half: int) -> list[Item]:
    name, data = options.set, options.data
    if name in ("mnist", "fashion-mnist"):
        return list(read_files(data / "image" / name / IDX[half]))
    if name == "clothing":
        size = (SIDE, SIDE) if options.pretrained else None
        return list(read_files(data / "image" / name / ("train", "test")[half]).with_image_size(size))
    if name == "thucnews":
        return titles(data / "text" / "zh_thucnews_titles" / ("dev.txt", "test.txt")[half])
    with gzip.open(data / "text" / "20news" / ("train.jsonl.gz", "test.jsonl.gz")[half], "rt", encoding="utf-8") as lines:
        rows = list(map(json.loads, lines))
    stripped = name == "20news-stripped"
    return [Item(row["id"], strip(row["text"]) if stripped else row["text"], row["label"]) for row in rows]


def titles(path: Path) -> list[Item]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Item(str(number), *line.split("\t")) for number, line in enumerate(lines)]


if __name__ == "__main__":
    main()
