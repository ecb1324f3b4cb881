"""Does the label-free score rank coders as labels do?

    python benchmarks/score.py --data DATA --set 20news      (any set of retrieval.py)

Scores coders that differ in type, code size and training, both with labels and without. Prints the scores and Spearman's
rank correlation between them, for the score and for its two factors.

Target: a rank correlation of at least 0.7 with macro P@10.
"""

import time
from typing import Any

import numpy as np
from datasets import DATA_SETS, IMAGE_SETS, load_items, sample_items, transform_labeled
from harness import create_parser, print_table
from scipy.stats import spearmanr
from scoring import score_retrieval

from aesearch.catalog import create_coder
from aesearch.coders.validation import score_coder
from aesearch.features.bag_of_words import BagOfWords
from aesearch.features.pixels import Pixels
from aesearch.scoring import HeldOutItems

MAX_ITEMS = 12_000
MAX_SCORED_QUERIES = 1000

CODERS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "documents": [
        ("raw", {}),
        *(("lsa", {"code_size": size}) for size in (16, 64, 128)),
        *(("dense", {"steps": steps}) for steps in (100, 400)),
        *(("neighbors", {"rounds": rounds, "patience": 99}) for rounds in (1, 3, 10)),
        ("neighbors", {"rounds": 1, "first_steps": 1400}),
        ("neighbors", {"code_size": 16, "rounds": 3}),
        ("neighbors", {"rounds": 3, "n_neighbors": 5}),
        ("blend", {"rounds": 3}),
        ("blend", {"rounds": 1, "first_steps": 1400}),
    ],
    "images": [
        *(("pca", {"code_size": size}) for size in (16, 64)),
        *(("pca-whitened", {"code_size": size}) for size in (16, 64)),
        ("dense", {"steps": 500}),
        ("descriptors", {}),
        *(("descriptors", {"descriptors": {name: 1.0}}) for name in ("gradients", "visual-words", "pixels")),
        *(("neighbors", {"rounds": rounds, "patience": 99}) for rounds in (1, 4)),
        ("neighbors", {"code_size": 16, "rounds": 2}),
        *(("neighbors", {"rounds": 2, "descriptors": {name: 1.0}}) for name in ("gradients", "visual-words")),
    ],
}
MEASURES = ("1-NN", "P@10", "macro P@10", "mAP@1000")


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--set", required=True, choices=DATA_SETS)
    parser.add_argument("--items", type=int, default=MAX_ITEMS, help="largest size of the database")
    options = parser.parse_args()
    database = sample_items(load_items(options.data, options.set, "database"), options.items)
    queries = sample_items(load_items(options.data, options.set, "queries"), max(1000, options.items // 6))
    has_images = options.set in IMAGE_SETS
    features: Any = Pixels() if has_images else BagOfWords()
    rows = transform_labeled(features, database, queries)
    held_out = HeldOutItems(rows.Q[:MAX_SCORED_QUERIES])
    results = []
    for name, params in CODERS["images" if has_images else "documents"]:
        start = time.perf_counter()
        coder = create_coder(name, **params).fit(rows.X)
        seconds = time.perf_counter() - start
        by_label, label_free = score_retrieval(coder, rows), score_coder(coder, rows.X, held_out)
        measures = (
            by_label.precision_at_1,
            by_label.precision_at_10,
            by_label.macro_precision_at_10,
            by_label.mean_average_precision,
        )
        factors = float(label_free.agreement.mean()), float(label_free.similarity.mean())
        results.append((f"{name} {params}", *measures, label_free.value, *factors, round(seconds, 1)))
    print_table(("coder", *MEASURES, "score", "agreement", "similarity", "training, s"), results)
    print()
    columns = np.array([result[1:-1] for result in results], float).T
    for measure, column in zip(MEASURES, columns, strict=False):
        correlations = [spearmanr(column, other).statistic for other in columns[len(MEASURES) :]]
        print("rank correlation with {}: score {:.2f}, agreement {:.2f}, similarity {:.2f}".format(measure, *correlations))


if __name__ == "__main__":
    main()
