"""Chinese by characters and pairs of them, as the features take it, or by the words of a segmenter (pip install rjieba).

python benchmarks/chinese.py --data DATA [--seeds 0,1,2]

P@100 of codes of 64 numbers and bits on the news titles: dev is the database, test the queries.
"""

import statistics
from typing import Any

import numpy as np
import rjieba
from codes import measures, titles
from measure import arguments, table

from aesearch import Item
from aesearch.catalog import create_coder
from aesearch.coders.itq import ITQ
from aesearch.features.bag_of_words import BagOfWords


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--seeds", default="0,1,2")
    options = parser.parse_args()
    folder = options.data / "text" / "zh_thucnews_titles"
    train, test = titles(folder / "dev.txt"), titles(folder / "test.txt")
    order = np.random.default_rng(0).permutation(len(train))
    labels, wanted = np.array([item.label for item in train])[order], np.array([item.label for item in test])
    rows = []
    for way, written in (("characters and pairs", str), ("a segmenter's words", words), ("both", both)):
        database, queries = ([Item(item.id, written(item.content)) for item in half] for half in (train, test))
        features: Any = BagOfWords().fit(database)
        X, Q = features.transform(database)[order], features.transform(queries)
        for name in ("lsa", "neighbors"):
            runs: dict[str, list[float]] = {"floats": [], "bits": []}
            for seed in map(int, options.seeds.split(",")):
                bits = ITQ(create_coder(name, code_size=64, seed=seed)).fit(X)
                for kind, coder in (("floats", bits.base), ("bits", bits)):
                    runs[kind].append(measures(coder, X, Q, labels, wanted)[2])
            rows.append((way, X.shape[1], name, *(round(statistics.median(figures), 3) for figures in runs.values())))
    table(("a title as", "words kept", "coder", "P@100, 64 floats", "P@100, 64 bits"), rows)


def words(text: str) -> str:
    """The segmenter's words, each spelt in letters, so that the tokenizer keeps it whole."""
    return " ".join("".join(f"{ord(letter):x}" for letter in word) for word in rjieba.cut(text) if not word.isspace())


def both(text: str) -> str:
    return f"{text} {words(text)}"


if __name__ == "__main__":
    main()
