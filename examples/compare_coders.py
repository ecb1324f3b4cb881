"""Compare coders and code sizes on held-out images: accuracy of the nearest neighbor, and reconstruction error.

    python examples/compare_coders.py

The images are the handwritten digits of scikit-learn. SSE is the squared error of a reconstructed image, summed over its
pixels in 0..1.
"""

import tempfile
from pathlib import Path

from aesearch import Retriever
from aesearch.analysis.evaluation import evaluate
from aesearch.cli.demo import write_digit_images
from aesearch.readers.folder import read_files

CODERS = ("pca", "dense", "denoising", "convolutional", "neighbors")
CODE_SIZES = (4, 8, 16)


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_digit_images(folder)
        queries = read_files(folder / "test")
        print("code size  coder          1-NN    SSE  training, s")
        for code_size in CODE_SIZES:
            for coder in CODERS:
                index = Retriever.build(folder / "train", coder=coder, code_size=code_size)
                result = evaluate(index, queries, ks=(1,))
                accuracy, sse, seconds = result.precision[1], result.reconstruction_sse, index.record.seconds["train"]
                print(f"{code_size:9}  {coder:13}  {accuracy:.3f}  {sse:5.2f}  {seconds:11.1f}")


if __name__ == "__main__":
    main()
