"""Does the label-free neighbor agreement rank coders as labels do?

    python benchmarks/agreement.py --data DATA --set 20news      (any set of retrieval.py)

Scores coders that differ in type, code size and training time, both with labels and by agreement. Prints the scores and
Spearman's rank correlation between them.

Claim: the agreement ranks coders well enough to select descriptors and to stop training.
"""

from typing import Any

from datasets import DATA_SETS, IMAGE_SETS, load_items, sample_items, transform_labeled
from harness import create_parser, print_table
from scipy.stats import spearmanr
from scoring import score_retrieval

from aesearch.catalog import create_coder
from aesearch.features.bag_of_words import BagOfWords
from aesearch.features.pixels import Pixels

MAX_ITEMS = 12_000

CODERS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "documents": [
        *(("lsa", {"code_size": size}) for size in (8, 16, 64)),
        *(("dense", {"code_size": size, "steps": steps}) for size in (16, 64) for steps in (100, 400, 1200)),
        *(("neighbors", {"code_size": 64, "rounds": rounds, "patience": 99}) for rounds in (1, 3, 6, 12)),
        ("neighbors", {"code_size": 16, "rounds": 6}),
        ("neighbors", {"code_size": 64, "rounds": 6, "n_neighbors": 5}),
        ("neighbors", {"code_size": 64, "rounds": 6, "noise_level": 0.1}),
    ],
    "images": [
        *(("pca", {"code_size": size}) for size in (8, 16, 64)),
        *(("pca-whitened", {"code_size": size}) for size in (8, 16, 64)),
        *(("dense", {"code_size": 64, "steps": steps}) for steps in (200, 1000)),
        *(("neighbors", {"code_size": 64, "rounds": rounds, "patience": 99}) for rounds in (1, 3, 8)),
        ("neighbors", {"code_size": 16, "rounds": 3}),
        ("neighbors", {"code_size": 64, "rounds": 3, "descriptors": {"pixels": 1.0}}),
        ("neighbors", {"code_size": 64, "rounds": 3, "n_neighbors": 5, "noise_level": 0.5}),
    ],
}


MEASURES = ("P@10", "macro P@10", "P@100", "mAP@1000")


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--set", required=True, choices=DATA_SETS)
    parser.add_argument("--items", type=int, default=MAX_ITEMS, help="largest size of the database")
    options = parser.parse_args()
    database = sample_items(load_items(options.data, options.set, "database"), options.items)
    queries = sample_items(load_items(options.data, options.set, "queries"), options.items // 6)
    has_images = options.set in IMAGE_SETS
    features: Any = Pixels() if has_images else BagOfWords()
    rows = transform_labeled(features, database, queries)
    results = []
    for name, params in CODERS["images" if has_images else "documents"]:
        scores = score_retrieval(create_coder(name, **params).fit(rows.X), rows)
        labeled_scores = (scores.precision_at_10, scores.macro_precision_at_10, scores.precision_at_100)
        results.append((f"{name} {params}", *labeled_scores, scores.mean_average_precision, scores.agreement))
    print_table(("coder", *MEASURES, "agreement"), results)
    _, *labeled, agreement = zip(*results, strict=True)
    print()
    for measure, column in zip(MEASURES, labeled, strict=True):
        print(f"rank correlation of the agreement with {measure}: {spearmanr(column, agreement).statistic:.2f}")


if __name__ == "__main__":
    main()
