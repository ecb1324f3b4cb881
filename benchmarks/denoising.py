"""What denoising adds: the denoising autoencoder against the plain autoencoder with the same layers.

    python benchmarks/denoising.py --data DATA [--items 20000] [--seeds 0,1,2]

1. MNIST: squared error of the reconstructions of noisy and of clean test images against the clean images, summed over 784
   pixels in 0..1, for each kind of noise. "Input" is the noisy image itself.
2. CIFAR-10 subset: test accuracy of a linear probe on 64-dimensional codes.

Figures are medians over the seeds.

Claims: an autoencoder trained with noise restores noisy images better than one trained without, and most kinds of noise
do not make the codes worse.
"""

import statistics
from typing import Any

import torch
from datasets import LabeledRows, load_items, transform_labeled
from harness import comma_separated_ints, create_parser, print_table
from scoring import probe_accuracy

from aesearch.analysis.metrics import squared_errors
from aesearch.arrays import scale_pixels
from aesearch.autoencoders.noise import NOISES
from aesearch.catalog import create_coder
from aesearch.features.pixels import Pixels


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--seeds", type=comma_separated_ints, default="0,1,2")
    options = parser.parse_args()
    restore_digits(load_rows(options, "mnist"), options.seeds)
    print()
    probe_codes(load_rows(options, "cifar10-subset"), options.seeds)


def load_rows(options: Any, name: str) -> LabeledRows:
    """Return the first --items images of a set, and all its queries."""
    database, queries = (load_items(options.data, name, split) for split in ("database", "queries"))
    return transform_labeled(Pixels(), database[: options.items], queries)


def restore_digits(rows: LabeledRows, seeds: list[int]) -> None:
    """Print the reconstruction errors of noisy and of clean images."""
    plain = [create_coder("dense", "images", code_size=32, seed=seed).fit(rows.X) for seed in seeds]
    results = []
    for name, (corrupt, level) in NOISES.items():
        torch.manual_seed(0)
        noisy = corrupt(torch.from_numpy(scale_pixels(rows.Q)), level).clamp(0, 1).numpy()
        denoising = [create_coder("denoising", "images", code_size=32, noise=name, seed=seed).fit(rows.X) for seed in seeds]
        errors = [
            statistics.median(float(squared_errors(rows.Q, coder.decode(coder.encode(images))).mean()) for coder in coders)
            for images in (noisy, rows.Q)
            for coders in (plain, denoising)
        ]
        results.append((f"{name} {level}", float(squared_errors(rows.Q, noisy).mean()), *errors))
    print_table(("noise", "input", "plain, noisy", "denoising, noisy", "plain, clean", "denoising, clean"), results)


def probe_codes(rows: LabeledRows, seeds: list[int]) -> None:
    """Print the accuracy of linear probes."""
    variants: list[tuple[str, dict[str, Any]]] = [("dense", {}), *(("denoising", {"noise": noise}) for noise in NOISES)]
    results = []
    for name, params in (*variants, ("pca-whitened", {})):
        accuracies = []
        for seed in seeds:
            coder = create_coder(name, "images", code_size=64, seed=seed, **params).fit(rows.X)
            codes, query_codes = coder.encode(rows.X), coder.encode(rows.Q)
            accuracies.append(probe_accuracy(codes, query_codes, rows.labels, rows.query_labels))
        results.append((name, params.get("noise", ""), statistics.median(accuracies)))
    print_table(("coder", "noise", "accuracy of a linear probe"), results)


if __name__ == "__main__":
    main()
