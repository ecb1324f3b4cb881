"""Does the label-free agreement rank codes as labels do?  Spearman's correlation over coders, sizes, lengths of training.

python benchmarks/agreement.py --data DATA --set 20news      (or any set of codes.py)
"""

from typing import Any

import numpy as np
from codes import items, measures
from measure import arguments, table
from scipy.stats import spearmanr

from aesearch.catalog import create_coder
from aesearch.features.bag_of_words import BagOfWords
from aesearch.features.pixels import Pixels

MOST = 12_000
"""Items of the database, and a sixth of it queries: the ranks need no more."""

SETTINGS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "words": [
        *(("lsa", {"code_size": size}) for size in (8, 16, 64)),
        *(("dense", {"code_size": size, "steps": steps}) for size in (16, 64) for steps in (100, 400, 1200)),
        *(("neighbors", {"code_size": 64, "epochs": rounds, "patience": 99}) for rounds in (1, 3, 6, 12)),
        ("neighbors", {"code_size": 16, "epochs": 6}),
        ("neighbors", {"code_size": 64, "epochs": 6, "neighbors": 5}),
        ("neighbors", {"code_size": 64, "epochs": 6, "noise_level": 0.1}),
    ],
    "pictures": [
        *(("pca", {"code_size": size}) for size in (8, 16, 64)),
        *(("pca-whitened", {"code_size": size}) for size in (8, 16, 64)),
        *(("dense", {"code_size": 64, "steps": steps}) for steps in (200, 1000)),
        *(("neighbors", {"code_size": 64, "epochs": rounds, "patience": 99}) for rounds in (1, 3, 8)),
        ("neighbors", {"code_size": 16, "epochs": 3}),
        ("neighbors", {"code_size": 64, "epochs": 3, "descriptors": {"pixels": 1.0}}),
        ("neighbors", {"code_size": 64, "epochs": 3, "neighbors": 5, "noise_level": 0.5}),
    ],
}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--set", required=True)
    options = parser.parse_args()
    draw = np.random.default_rng(0)
    train, test = items(options, 0), items(options, 1)
    train = [train[i] for i in draw.permutation(len(train))[:MOST]]
    test = [test[i] for i in draw.permutation(len(test))[: MOST // 6]]
    pictures = train[0].kind == "images"
    features: Any = (Pixels() if pictures else BagOfWords()).fit(train)
    X, Q = features.transform(train), features.transform(test)
    labels, wanted = (np.array([item.label for item in some]) for some in (train, test))
    rows = []
    for name, settings in SETTINGS["pictures" if pictures else "words"]:
        coder = create_coder(name, **settings).fit(X)
        _, ten, hundred, ranked, agreed = measures(coder, X, Q, labels, wanted)
        rows.append((f"{name} {settings}", ten, hundred, ranked, agreed))
    table(("coder", "P@10", "P@100", "mAP@1000", "agreement"), rows)
    columns = list(zip(*rows, strict=True))
    print()
    for measure, column in zip(("P@10", "P@100", "mAP@1000"), columns[1:4], strict=True):
        print(f"rank correlation of the agreement with {measure}: {spearmanr(column, columns[4]).statistic:.2f}")


if __name__ == "__main__":
    main()
