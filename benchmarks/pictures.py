"""Pictures: reconstruction and neighbors by codes of one size, autoencoders beside the baselines.

python benchmarks/pictures.py --data DATA --set mnist --code-size 30
python benchmarks/pictures.py --data DATA --set fashion-mnist --code-size 64
python benchmarks/pictures.py --data DATA --set clothing --code-size 64

Bar, MNIST at 30: `pca` gives 13.87 SSE an image (Hinton & Salakhutdinov 2006), `dense` clearly less.
"""

from measure import arguments, table

from aesearch import Retriever
from aesearch.analysis.evaluation import evaluate
from aesearch.readers.folder import read_files

CODERS = ("raw", "pca", "pca-whitened", "dense", "denoising", "convolutional")
HALVES = {
    "mnist": ("train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"),
    "fashion-mnist": ("train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"),
    "cifar10-subset": ("data_batch_1.bin", "test_batch.bin"),
    "clothing": ("train", "test"),
}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--set", choices=HALVES, default="mnist")
    parser.add_argument("--code-size", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--coders", default=",".join(CODERS))
    options = parser.parse_args()
    train, test = (options.data / "image" / options.set / half for half in HALVES[options.set])
    rows = []
    for coder in options.coders.split(","):
        for bits in (False, True):
            if bits and (coder == "raw" or options.code_size % 8):
                continue
            settings = {} if coder == "raw" else {"code_size": options.code_size, "seed": options.seed}
            index = Retriever.build(read_files(train), coder=coder, bits=bits, **settings)  # type: ignore[arg-type]
            found = evaluate(index, read_files(test), ks=(1, 10))
            quality = (found.precision[1], found.precision[10], found.mean_average_precision, found.reconstruction_sse)
            name, size = coder + (" --bits" if bits else ""), f"{index.store.bytes_per_item:.0f}"
            rows.append((name, size, *quality, index.record.seconds["train"]))
    table(("coder", "bytes an item", "1-NN", "P@10", "mAP@1000", "SSE an image", "seconds to train"), rows)


if __name__ == "__main__":
    main()
