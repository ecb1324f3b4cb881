"""Chinese titles as characters and character pairs, or as the words of a segmenter.

    python benchmarks/chinese_tokenization.py --data DATA [--seeds 0,1,2]      (needs: pip install rjieba)

P@100 of 64 floats and 64 bits on the news titles; dev is the database, test the queries.

Claim: characters and character pairs, which need no dictionary, are better terms than the words of a segmenter.
"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import rjieba
from datasets import LabeledRows, load_items, transform_labeled
from harness import comma_separated_ints, create_parser, print_table
from scoring import score_retrieval

from aesearch.catalog import create_coder
from aesearch.coders.itq import ITQ
from aesearch.features.bag_of_words import BagOfWords


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--seeds", type=comma_separated_ints, default="0,1,2")
    options = parser.parse_args()
    splits = [load_items(options.data, "thucnews", split) for split in ("database", "queries")]
    results: list[tuple[Any, ...]] = []
    tokenizations: dict[str, Callable[..., str]] = {
        "characters and pairs": str,
        "words of a segmenter": segment,
        "both": append_segments,
    }
    for tokenization, rewrite in tokenizations.items():
        texts = [[replace(item, content=rewrite(item.content)) for item in items] for items in splits]
        features: Any = BagOfWords()
        rows = transform_labeled(features, *texts).shuffled()
        for name in ("lsa", "neighbors"):
            results.append((tokenization, rows.X.shape[1], name, *median_precisions(name, rows, options.seeds)))
    print_table(("tokenization", "terms", "coder", "P@100, 64 floats", "P@100, 64 bits"), results)


def median_precisions(name: str, rows: LabeledRows, seeds: Sequence[int]) -> Iterator[float]:
    """Yield the median P@100 of the floats, then of the bits."""
    precisions = []
    for seed in seeds:
        bits = ITQ(create_coder(name, code_size=64, seed=seed)).fit(rows.X)
        precisions.append([score_retrieval(coder, rows).precision_at_100 for coder in (bits.base, bits)])
    yield from (round(statistics.median(column), 3) for column in zip(*precisions, strict=True))


def segment(text: str) -> str:
    """Return the words of the segmenter, each spelled as hexadecimal digits so that the tokenizer does not split it."""
    return " ".join("".join(f"{ord(letter):x}" for letter in word) for word in rjieba.cut(text) if not word.isspace())


def append_segments(text: str) -> str:
    """Return the text followed by the words of the segmenter."""
    return f"{text} {segment(text)}"


if __name__ == "__main__":
    main()
