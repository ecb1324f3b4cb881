"""Reconstruction of MNIST by the deep autoencoder 784-1000-500-250-30 (Hinton & Salakhutdinov 2006).

    python benchmarks/deep_autoencoder.py --data DATA [--epochs 30] [--code-size 30] [--batch-size 128] [--seed 0]
                                          [--items 60000]

Compares layer-by-layer pretraining, training from random weights, and PCA. SSE is the squared error of a test image,
summed over its 784 pixels in 0..1. The paper reports 3.00, and 13.87 for PCA.

Target: SSE 3.3.
"""

import time
from typing import Any

from datasets import load_items
from harness import create_parser, print_table

from aesearch.analysis.metrics import squared_errors
from aesearch.catalog import create_coder
from aesearch.coders.base import Epoch
from aesearch.features.pixels import Pixels


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--code-size", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--items", type=int, default=60_000, help="number of training images")
    options = parser.parse_args()
    database, queries = (load_items(options.data, "mnist", split) for split in ("database", "queries"))
    pixels = Pixels().fit(database)
    X, Q = pixels.transform(database[: options.items]), pixels.transform(queries)
    training: dict[str, Any] = {
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "seed": options.seed,
        "patience": options.epochs,
    }
    results = []
    for variant, name, params in (
        ("pca", "pca", {}),
        ("deep, pretrained layer by layer", "deep", {"layerwise_pretraining": True, **training}),
        ("deep, from random weights", "deep", {"layerwise_pretraining": False, **training}),
    ):
        start = time.perf_counter()
        coder = create_coder(name, "images", code_size=options.code_size, **params).fit(X, print_epoch)
        seconds = time.perf_counter() - start
        errors = squared_errors(Q, coder.decode(coder.encode(Q)))
        results.append((variant, round(float(errors.mean()), 2), round(seconds)))
    print_table(("coder", "SSE per image", "training, s"), results)


def print_epoch(epoch: Epoch) -> None:
    """Print the losses of an epoch."""
    print("#", epoch.number, round(epoch.train_loss, 2), epoch.validation_loss, flush=True)


if __name__ == "__main__":
    main()
