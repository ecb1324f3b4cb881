"""Every coder of the catalog on the same items at the same code size.

    python benchmarks/variants.py --data DATA [--sets mnist,fashion-mnist,cifar10-subset,clothing,20news] [--coders ...]
                                  [--code-size 32] [--items 10000] [--queries 2000] [--seed 0]

Prints reconstruction error, retrieval quality and linear-probe accuracy with default parameters. SSE is the squared error
of a reconstruction, summed over pixels in 0..1 or TF-IDF weights, and averaged over the queries. The probe is a logistic
regression from codes to labels.

Claim: `neighbors`, the default coder, finds the most items of the same class on every set.
"""

import time
from typing import Any

import numpy as np
from datasets import DATA_SETS, IMAGE_SETS, STANDARD_SETS, LabeledRows, load_items, sample_items, transform_labeled
from harness import comma_separated, create_parser, print_table
from scoring import probe_accuracy, score_retrieval

from aesearch.analysis.metrics import squared_errors
from aesearch.catalog import CODERS, create_coder
from aesearch.coders.base import Coder
from aesearch.features.bag_of_words import BagOfWords
from aesearch.features.pixels import Pixels

BATCH_SIZE = 256


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--sets", type=comma_separated, default=",".join(STANDARD_SETS), help=f"of {', '.join(DATA_SETS)}")
    parser.add_argument("--coders", type=comma_separated, default=",".join(CODERS))
    parser.add_argument("--code-size", type=int, default=32)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name in options.sets:
        database = sample_items(load_items(options.data, name, "database"), options.items)
        queries = sample_items(load_items(options.data, name, "queries"), options.queries)
        kind: Any = "images" if name in IMAGE_SETS else "documents"
        features: Any = Pixels() if kind == "images" else BagOfWords()
        rows = transform_labeled(features, database, queries)
        results = []
        for coder in options.coders:
            if kind in CODERS[coder].kinds:
                results.append((coder, *score_variant(coder, kind, rows, options)))
                print("#", name, *results[-1], flush=True)
        print(f"\n{name}: {len(database):,} items, {len(queries):,} queries, code size {options.code_size}\n")
        print_table(("coder", "SSE", "1-NN", "P@10", "mAP@1000", "linear probe", "training, s"), results)


def score_variant(name: str, kind: Any, rows: LabeledRows, options: Any) -> tuple[float, ...]:
    """Train a coder; return the columns of its table row."""
    known = CODERS[name].load().param_names()
    params = {"code_size": options.code_size, "seed": options.seed}
    start = time.perf_counter()
    coder = create_coder(name, kind, **{key: value for key, value in params.items() if key in known}).fit(rows.X)
    seconds = time.perf_counter() - start
    scores = score_retrieval(coder, rows)
    query_codes = coder.encode(rows.Q)
    probe = probe_accuracy(coder.encode(rows.X), query_codes, rows.labels, rows.query_labels)
    figures = (
        mean_squared_error(coder, query_codes, rows.Q),
        scores.precision_at_1,
        scores.precision_at_10,
        scores.mean_average_precision,
        probe,
    )
    return (*(round(figure, 3) for figure in figures), round(seconds, 1))


def mean_squared_error(coder: Coder, codes: Any, Q: Any) -> float:
    """Return the mean squared error of the reconstructions, computed in batches because decoded documents are dense."""
    batches = (slice(start, start + BATCH_SIZE) for start in range(0, Q.shape[0], BATCH_SIZE))
    return float(np.concatenate([squared_errors(Q[batch], coder.decode(codes[batch])) for batch in batches]).mean())


if __name__ == "__main__":
    main()
