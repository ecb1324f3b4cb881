"""Outlier detection: one class is normal, all others are outliers.

    python benchmarks/outliers.py --data DATA [--set mnist] [--coders pca,convolutional,neighbors] [--classes 0,1,...]
                                  [--code-size 32] [--seed 0] [--queries N]

Each coder is trained on the training images of one class. The test images of all classes are scored by the distance of
their codes, the distance of their features, and their reconstruction error, as by `aesearch outliers`. Prints the area
under the ROC curve (AUROC), averaged over the classes.

Target, mean over the ten digits of MNIST: 0.93.
"""

from typing import Any

import numpy as np
from datasets import load_items, sample_items
from harness import comma_separated, create_parser, print_table
from sklearn.metrics import roc_auc_score

from aesearch import Item, Retriever
from aesearch.analysis.outliers import N_NEIGHBORS, mean_distances, mean_feature_distances, reconstruction_errors


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--set", default="mnist", choices=("mnist", "fashion-mnist"))
    parser.add_argument("--coders", type=comma_separated, default="pca,convolutional,neighbors")
    parser.add_argument("--classes", type=comma_separated)
    parser.add_argument("--code-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--queries", type=int, help="use only N of the test images")
    options = parser.parse_args()
    database, queries = (load_items(options.data, options.set, split) for split in ("database", "queries"))
    if options.queries is not None:
        queries = sample_items(queries, options.queries)
    labels = np.array([item.label for item in queries])
    results = []
    for coder in options.coders:
        params = {} if coder.startswith("pca") else {"seed": options.seed}
        areas = []
        for normal_class in options.classes or sorted(set(labels.tolist())):
            normal = [item for item in database if item.label == normal_class]
            index = Retriever.build(normal, coder=coder, code_size=options.code_size, **params)
            scores = score_outliers(index, normal, queries)
            areas.append([float(roc_auc_score(labels != normal_class, score)) for score in scores])
            print("#", coder, normal_class, areas[-1], flush=True)
        results.append((coder, *np.mean(areas, axis=0).tolist()))
    print_table(("coder", "codes", "features", "reconstruction"), results)


def score_outliers(index: Retriever, normal: list[Item], queries: list[Item]) -> tuple[Any, Any, Any]:
    """Return the outlier scores of the queries [Q] by codes, by features and by reconstruction."""
    X, Q = index.features.transform(normal), index.features.transform(queries)
    neighbors, distances = index.store.search(index.coder.encode(Q), N_NEIGHBORS)
    position_by_id = {item.id: position for position, item in enumerate(normal)}
    position_by_key = {row.key: position_by_id[row.id] for row in index.ledger.all_rows()}
    positions = np.array([[position_by_key[key] for key in row] for row in neighbors.tolist()])
    return (
        mean_distances(distances, neighbors),
        mean_feature_distances(index.coder.rerank_features(Q), index.coder.rerank_features(X), positions),
        reconstruction_errors(index, Q),
    )


if __name__ == "__main__":
    main()
