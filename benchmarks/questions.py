"""Typed questions of a sentence, asked of abstracts: mean average precision by the default codes, LSA and TF-IDF.

python benchmarks/questions.py --data DATA

Each collection's abstracts are the index, its questions the queries, and people's judgements the truth; the average
precision is over all of the ranking and all that is relevant, as these collections are scored in print.
"""

import csv
import gzip
import json
from collections import defaultdict
from pathlib import Path

from measure import arguments, table

from aesearch import Item, Retriever


def main() -> None:
    parser = arguments(__doc__)
    options = parser.parse_args()
    rows = []
    for name in ("med", "cranfield"):
        folder = options.data / "text" / name
        questions = read(folder / "queries.jsonl.gz")
        relevant: dict[str, set[str]] = defaultdict(set)
        with open(folder / "qrels.tsv", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                relevant[row["query"]].add(row["doc"])
        asked = [question for question in questions if relevant[question.id]]
        for coder in ("raw", "lsa", "dense", "neighbors"):
            settings = {} if coder == "raw" else {"code_size": 64}
            for bits in (False,) if coder == "raw" else (False, True):
                index = Retriever.build(folder / "docs.jsonl.gz", coder=coder, bits=bits, **settings)  # type: ignore[arg-type]
                means = []
                for rerank in (False, True):
                    found = index.query_many(asked, k=len(index), rerank=rerank)
                    precisions = [
                        average_precision([hit.id for hit in hits], relevant[question.id])
                        for question, hits in zip(asked, found, strict=True)
                    ]
                    means.append(sum(precisions) / len(precisions))
                rows.append((name, coder + " bits" * bits, len(asked), *means))
    table(("collection", "coder", "questions", "MAP", "MAP re-ranked"), rows)


def read(path: Path) -> list[Item]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [Item(row["id"], row["text"]) for row in map(json.loads, lines)]


def average_precision(ranked: list[str], relevant: set[str]) -> float:
    places = [place for place, id in enumerate(ranked, 1) if id in relevant]
    return sum(number / place for number, place in enumerate(places, 1)) / len(relevant)


if __name__ == "__main__":
    main()
