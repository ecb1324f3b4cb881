"""The deep autoencoder 784-1000-500-250-30 of Hinton & Salakhutdinov 2006 on MNIST: trained layer by layer first, and not.

python benchmarks/deep.py --data DATA [--epochs 30] [--code-size 30] [--batch-size 128] [--seed 0]

SSE is the squared error of a test picture's reconstruction, summed over its 784 pixels in 0..1: the paper prints 3.00, and
13.87 for PCA.  Bar: 3.3.
"""

import time

from measure import arguments, table

from aesearch.analysis.evaluation import squared_errors
from aesearch.catalog import create_coder
from aesearch.features.pixels import Pixels
from aesearch.readers.folder import read_files


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--code-size", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = options.data / "image" / "mnist"
    X, Q = (
        Pixels().fit(items).transform(items)
        for items in (list(read_files(folder / f"{half}-images-idx3-ubyte.gz")) for half in ("train", "t10k"))
    )
    training = {
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "seed": options.seed,
        "patience": options.epochs,
    }
    rows = []
    for name, settings in (
        ("pca", {}),
        ("deep, layer by layer first", {"pretrained_layers": True, **training}),
        ("deep, at once", {"pretrained_layers": False, **training}),
    ):
        began = time.perf_counter()
        coder = create_coder(name.partition(",")[0], "images", code_size=options.code_size, **settings)
        coder.fit(X, lambda epoch: print("#", epoch.number, round(epoch.train_loss, 2), epoch.validation_loss, flush=True))
        seconds = time.perf_counter() - began
        rows.append((name, round(float(squared_errors(Q, coder.decode(coder.encode(Q))).mean()), 2), round(seconds)))
    table(("coder", "SSE an image", "seconds to train"), rows)


if __name__ == "__main__":
    main()
