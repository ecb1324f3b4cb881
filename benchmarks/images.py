"""Reconstruction and retrieval quality of image codes of one size.

    python benchmarks/images.py --data DATA --set mnist --code-size 30 [--coders pca,dense,convolutional] [--items N]
    python benchmarks/images.py --data DATA --set fashion-mnist --code-size 64
    python benchmarks/images.py --data DATA --set clothing --code-size 64

Targets, mnist at code size 30: `pca` has an SSE of 13.87 per image (Hinton & Salakhutdinov 2006), `dense` clearly less.
"""

from typing import Any

from datasets import IMAGE_SETS, load_items, set_path
from harness import comma_separated, create_parser, print_table

from aesearch import Retriever
from aesearch.analysis.evaluation import evaluate
from aesearch.readers.folder import read_files

CODERS = "raw,pca,pca-whitened,dense,denoising,convolutional"


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--set", choices=IMAGE_SETS, default="mnist")
    parser.add_argument("--code-size", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--coders", type=comma_separated, default=CODERS)
    parser.add_argument("--items", type=int, help="use only the first N images of the database")
    options = parser.parse_args()
    results = []
    for coder in options.coders:
        for bits in (False, True):
            if bits and (coder == "raw" or options.code_size % 8):
                continue
            results.append(score_index(options, coder, bits))
    print_table(("coder", "bytes per item", "1-NN", "P@10", "mAP@1000", "SSE per image", "training, s"), results)


def score_index(options: Any, coder: str, bits: bool) -> tuple[Any, ...]:
    """Build an index and query it with the test images; return the row of the table."""
    params = {} if coder == "raw" else {"code_size": options.code_size, "seed": options.seed}
    if options.items is None:
        items: Any = read_files(set_path(options.data, options.set, "database"))
    else:
        items = load_items(options.data, options.set, "database")[: options.items]
    index = Retriever.build(items, coder=coder, bits=bits, **params)
    result = evaluate(index, read_files(set_path(options.data, options.set, "queries")), ks=(1, 10))
    return (
        coder + (" --bits" if bits else ""),
        f"{index.store.bytes_per_item:.0f}",
        result.precision[1],
        result.precision[10],
        result.mean_average_precision,
        result.reconstruction_sse,
        index.record.seconds["train"],
    )


if __name__ == "__main__":
    main()
