"""20 Newsgroups by date: neighbors by codes of 64 numbers or bits, the baselines with the same bits and tie-breaking.

python benchmarks/newsgroups.py --data DATA [--seeds 0,1,2] [--stripped]

Bars, full text, P@100: an autoencoder at least 0.50 by cosine and 0.48 in bits; LSA in bits at least 0.42.
"""

import gzip
import json
import statistics

from measure import arguments, table

from aesearch import Item, Retriever
from aesearch.analysis.evaluation import evaluate

SETTINGS = [
    ("raw", False),
    ("lsa", False),
    ("lsa", True),
    ("dense", False),
    ("dense", True),
    ("denoising", False),
    ("denoising", True),
]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--stripped", action="store_true", help="without headers, footers and quotes")
    options = parser.parse_args()

    def read(split: str) -> list[Item]:
        with gzip.open(options.data / "text" / "20news" / f"{split}.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows = list(map(json.loads, lines))
        texts = ((row["id"], strip(row["text"]) if options.stripped else row["text"], row["label"]) for row in rows)
        return [Item(id, text, label) for id, text, label in texts]

    train, test = read("train"), read("test")
    rows = []
    for coder, bits in SETTINGS:
        figures = []
        for seed in map(int, options.seeds.split(",")):
            settings = {} if coder == "raw" else {"code_size": 64, "seed": seed}
            index = Retriever.build(train, coder=coder, bits=bits, **settings)  # type: ignore[arg-type]
            found = evaluate(index, test, ks=(1, 10, 100))
            p = found.precision
            figures.append((p[1], p[10], p[100], found.mean_average_precision, index.record.seconds["train"]))
            if coder == "raw":
                break
        medians = [statistics.median(column) for column in zip(*figures, strict=True)]
        rows.append((coder + (" --bits" if bits else ""), f"{index.store.bytes_per_item:.0f}", *medians))
    table(("coder", "bytes an item", "1-NN", "P@10", "P@100", "mAP@1000", "seconds to train"), rows)


def strip(text: str) -> str:
    """The message without header, quotes and signature, as scikit-learn's `fetch_20newsgroups(remove=...)` does it."""
    from sklearn.datasets._twenty_newsgroups import strip_newsgroup_footer, strip_newsgroup_header, strip_newsgroup_quoting

    return strip_newsgroup_footer(strip_newsgroup_quoting(strip_newsgroup_header(text)))


if __name__ == "__main__":
    main()
