"""Retrieval quality of the default coder and of the baselines, as floats and as bits.

    python benchmarks/retrieval.py --data DATA --set 20news [--code-sizes 16,32,64,128] [--seeds 0,1,2]

The sets are 20news, 20news-stripped, thucnews, mnist, fashion-mnist, cifar10-subset and clothing. The training split is
the database and the test split holds the queries (thucnews: dev and test). Labels serve only to score the neighbors. All
coders get the same ITQ bits and the same tie-breaking. Figures of trained coders are medians over the seeds.

Targets:
- 64 bits, P@100: 0.60 on 20news, 0.40 on 20news-stripped, 0.56 on thucnews
- 64 bits, mAP@1000: 0.90 on mnist, 0.74 on fashion-mnist
- 64 floats on clothing: 1-NN 0.63, P@10 0.55, mAP@1000 0.29
- 64 bits on clothing --pretrained: at least the mAP@1000 of the 1,280 floats that they encode
- 16, 32 and 128 bits on 20news: P@100 at least 0.12 above LSA with as many bits
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

from datasets import DATA_SETS, IMAGE_SETS, LabeledRows, load_items, transform_labeled
from harness import comma_separated_ints, create_parser, print_table
from scoring import score_retrieval

from aesearch.catalog import CODERS, create_coder
from aesearch.coders.itq import ITQ
from aesearch.features.bag_of_words import BagOfWords
from aesearch.features.pixels import Pixels
from aesearch.features.pretrained import Pretrained

PRETRAINED_IMAGE_SIZE = (224, 224)
COLUMNS = ("coder", "code", "1-NN", "P@10", "P@100", "mAP@1000", "score", "macro P@10", "training, s")


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--set", required=True, choices=DATA_SETS)
    parser.add_argument("--code-sizes", type=comma_separated_ints, default="64")
    parser.add_argument("--seeds", type=comma_separated_ints, default="0,1,2")
    parser.add_argument("--coders", help="names in the catalog; by default the baselines and the default coder")
    parser.add_argument("--pretrained", action="store_true", help="encode the embeddings of a pretrained model")
    options = parser.parse_args()
    has_images = options.set in IMAGE_SETS
    if options.pretrained:
        features: Any = Pretrained("images" if has_images else "documents")
    else:
        features = Pixels() if has_images else BagOfWords()
    image_size = PRETRAINED_IMAGE_SIZE if options.pretrained and options.set in ("clothing", "butterflies") else None
    database, queries = (load_items(options.data, options.set, split, image_size) for split in ("database", "queries"))
    rows = transform_labeled(features, database, queries).shuffled()
    results = [score_raw(rows)] if options.pretrained else []
    default = ("pca-whitened", "pca", "auto") if has_images or options.pretrained else ("lsa", "auto")
    coders = options.coders.split(",") if options.coders else default
    for code_size in options.code_sizes:
        for name in coders:
            results += score_floats_and_bits(name, code_size, rows, options.seeds)
    print_table(COLUMNS, results)


def score_raw(rows: LabeledRows) -> tuple[Any, ...]:
    """Return the table row of the features themselves."""
    coder = create_coder("raw").fit(rows.X)
    return ("raw", f"{coder.code_size} floats", *(round(score, 3) for score in score_retrieval(coder, rows)), 0)


def score_floats_and_bits(name: str, code_size: int, rows: LabeledRows, seeds: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """Train a coder with each seed, and yield the table rows of its floats and of its bits."""
    is_trained = "seed" in CODERS[name].load().param_names()
    runs: dict[str, list[list[float]]] = {"floats": [], "bits": []}
    for seed in seeds if is_trained else seeds[:1]:
        params: dict[str, Any] = {"seed": seed} if is_trained else {}
        start = time.perf_counter()
        if name == "auto":
            params["fixed_size"] = True
        auto = create_coder(name, code_size=code_size, **params)
        bits = ITQ(auto).fit(rows.X)
        seconds = time.perf_counter() - start
        for trial in getattr(auto, "trials", []):
            print(f"seed {seed}: {trial}")
        for unit, coder in (("floats", bits.base), ("bits", bits)):
            runs[unit].append([*score_retrieval(coder, rows), seconds])
    for unit, figures in runs.items():
        *scores, seconds = (statistics.median(column) for column in zip(*figures, strict=True))
        yield (name, f"{code_size} {unit}", *(round(score, 3) for score in scores), round(seconds, 1))


if __name__ == "__main__":
    main()
