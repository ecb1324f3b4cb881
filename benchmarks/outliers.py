"""One class is normal, the other nine are not: how well is a strange picture told from a usual one?  AUROC, for each class.

python benchmarks/outliers.py --data DATA [--set mnist] [--coders pca,convolutional,neighbors] [--classes 0,1,...]
                              [--code-size 32] [--seed 0]

Each coder learns from the training pictures of the one class; the test pictures of all classes are judged: by the distance
of their codes, and of their features in full, from the training pictures', and by the error of their reconstruction, as
`aesearch outliers --by codes|features|reconstruction` does.  Bar, mean over MNIST's ten digits: 0.93.
"""

import numpy as np
from family import items
from measure import arguments, table
from sklearn.metrics import roc_auc_score

from aesearch import Retriever
from aesearch.analysis.outliers import NEIGHBORS, distance_in_full, mean_of, reconstruction_errors


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--set", default="mnist", choices=("mnist", "fashion-mnist"))
    parser.add_argument("--coders", default="pca,convolutional,neighbors")
    parser.add_argument("--classes")
    parser.add_argument("--code-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    database, queries = (items(options.data, options.set, half) for half in (0, 1))
    labels = np.array([item.label for item in queries])
    classes = options.classes.split(",") if options.classes else sorted(set(labels.tolist()))
    rows = []
    for coder in options.coders.split(","):
        settings = {} if coder.startswith("pca") else {"seed": options.seed}
        found = []
        for one in classes:
            normal = [item for item in database if item.label == one]
            index = Retriever.build(normal, coder=coder, code_size=options.code_size, **settings)  # type: ignore[arg-type]
            X, asked = index.features.transform(normal), index.features.transform(queries)
            near, far = index.store.search(index.coder.encode(asked), NEIGHBORS)
            number_of = {item.id: number for number, item in enumerate(normal)}
            place_of = {row.key: number_of[row.id] for row in index.ledger.all_rows()}
            places = np.array([[place_of[key] for key in row] for row in near.tolist()])
            in_full = distance_in_full(index.coder.rerank_features(asked), index.coder.rerank_features(X), places)
            scores = (mean_of(far, near), in_full, reconstruction_errors(index, asked))
            found.append([float(roc_auc_score(labels != one, score)) for score in scores])
            print("#", coder, one, found[-1], flush=True)
        rows.append((coder, *np.mean(found, axis=0).tolist()))
    table(("coder", "by codes", "by features", "by reconstruction"), rows)


if __name__ == "__main__":
    main()
