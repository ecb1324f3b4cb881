"""Compare coders at several code sizes, by held-out digits: the nearest neighbor's label, and the reconstruction.

python examples/compare_coders.py
"""

import tempfile
from pathlib import Path

from aesearch import Retriever
from aesearch.analysis.evaluation import evaluate
from aesearch.cli.demo import lay_out_digits
from aesearch.readers.folder import read_files


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        lay_out_digits(Path(place))
        queries = read_files(Path(place) / "test")
        print("code size  coder          1-NN   SSE a digit  seconds to train")
        for code_size in (4, 8, 16):
            for coder in ("pca", "dense", "denoising", "convolutional", "neighbors"):
                index = Retriever.build(Path(place) / "train", coder=coder, code_size=code_size)
                found = evaluate(index, queries, ks=(1,))
                seconds = index.record.seconds["train"]
                sse = found.reconstruction_sse or 0.0
                print(f"{code_size:9}  {coder:13}  {found.precision[1]:.3f}  {sse:11.2f}  {seconds:16.1f}")


if __name__ == "__main__":
    main()
