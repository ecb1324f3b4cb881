"""Does learning to take noise away help?  A denoising autoencoder beside the plain one of the same shape, by two questions.

python benchmarks/denoising.py --data DATA [--items 20000] [--seeds 0,1,2]

1. MNIST: squared error of a reconstruction against the clean test picture, summed over its 784 pixels in 0..1, of noisy and
   of clean input, by each of the four noises that the denoising one was trained with; "as it is": the noisy picture itself.
2. CIFAR-10's subset: accuracy of a logistic regression from the codes (64 numbers) to the 10 classes, on the test pictures.

Medians of the seeds.
"""

import statistics

import numpy as np
import torch
from family import HALVES, items, probe
from measure import arguments, table

from aesearch.analysis.evaluation import squared_errors
from aesearch.autoencoders.noise import NOISES
from aesearch.catalog import create_coder
from aesearch.features.pixels import Pixels


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--seeds", default="0,1,2")
    options = parser.parse_args()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    X, Q, *_ = rows(options, "mnist")
    plain = [create_coder("dense", "images", code_size=32, seed=seed).fit(X) for seed in seeds]
    found = []
    for name, (noise, level) in NOISES.items():
        torch.manual_seed(0)
        noisy = noise(torch.from_numpy(Q / np.float32(255)), level).clamp(0, 1).numpy()
        denoising = [create_coder("denoising", "images", code_size=32, noise=name, seed=seed).fit(X) for seed in seeds]
        cells = [
            statistics.median(float(squared_errors(Q, coder.decode(coder.encode(given))).mean()) for coder in coders)
            for given in (noisy, Q)
            for coders in (plain, denoising)
        ]
        found.append((f"{name} {level}", float(squared_errors(Q, noisy).mean()), *cells))
    table(("noise", "as it is", "plain, noisy", "denoising, noisy", "plain, clean", "denoising, clean"), found)
    print()
    X, Q, labels, wanted = rows(options, "cifar10-subset")
    accuracies = []
    for name, settings in (("dense", {}), *(("denoising", {"noise": noise}) for noise in NOISES), ("pca-whitened", {})):
        coders = [create_coder(name, "images", code_size=64, seed=seed, **settings).fit(X) for seed in seeds]
        accuracy = statistics.median(probe(coder.encode(X), coder.encode(Q), labels, wanted) for coder in coders)
        accuracies.append((name, settings.get("noise", ""), accuracy))
    table(("coder", "noise", "accuracy of a linear probe"), accuracies)


def rows(options: object, name: str) -> tuple[np.ndarray, ...]:
    assert name in HALVES
    database, queries = (items(options.data, name, half) for half in (0, 1))  # type: ignore[attr-defined]
    database = database[: options.items]  # type: ignore[attr-defined]
    features = Pixels().fit(database)
    labels = (np.array([item.label for item in half]) for half in (database, queries))
    return features.transform(database), features.transform(queries), *labels


if __name__ == "__main__":
    main()
