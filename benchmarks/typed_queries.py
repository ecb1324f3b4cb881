"""Retrieval quality for typed queries of one sentence.

    python benchmarks/typed_queries.py --data DATA [--collections med,cranfield] [--coders auto,raw,lsa]

The abstracts of each collection are the database, its questions the queries, and human judgments define which abstracts
are relevant. As usual for these collections, average precision covers the whole ranking and all relevant abstracts.

Target: without any option, the default has a mean average precision of 0.73 on MED and 0.36 on Cranfield. The columns
compare it with codes only, with reranked codes, and with words only (BM25).
"""

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from datasets import read_json_lines
from harness import comma_separated, create_parser, print_table

from aesearch import Item, Retriever

RANKINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "codes": {"mode": "semantic"},
    "codes, --rerank": {"rerank": True},
    "words": {"mode": "lexical"},
}


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--collections", type=comma_separated, default="med,cranfield")
    parser.add_argument("--coders", type=comma_separated, default="auto,raw,lsa")
    options = parser.parse_args()
    results = []
    for name in options.collections:
        folder = options.data / "text" / name
        relevant_ids = read_judgments(folder / "qrels.tsv")
        questions = [Item(row["id"], row["text"]) for row in read_json_lines(folder / "queries.jsonl.gz")]
        queries = [question for question in questions if question.id in relevant_ids]
        for coder in options.coders:
            for bits in (False,) if coder == "raw" else (False, True):
                params: dict[str, Any] = {} if coder == "raw" else {"code_size": 64}
                index = Retriever.build(folder / "docs.jsonl.gz", coder=coder, bits=bits, **params)
                scores = [score_queries(index, queries, relevant_ids, options) for options in RANKINGS.values()]
                results.append((name, coder + (" --bits" if bits else ""), index.record.lexical_weight, *scores))
    print_table(("collection", "coder", "weight of words", *RANKINGS), results)


def read_judgments(path: Path) -> dict[str, set[str]]:
    """Return the ids of the relevant documents of each query."""
    relevant_ids = defaultdict(set)
    with open(path, newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            relevant_ids[row["query"]].add(row["doc"])
    return relevant_ids


def score_queries(
    index: Retriever, queries: list[Item], relevant_ids: dict[str, set[str]], options: dict[str, Any]
) -> float:
    """Return the mean average precision over the whole ranking."""
    rankings = index.query_many(queries, k=len(index), **options)
    return float(
        np.mean(
            [
                average_precision([hit.id for hit in hits], relevant_ids[query.id])
                for query, hits in zip(queries, rankings, strict=True)
            ]
        )
    )


def average_precision(ranking: list[str], relevant_ids: set[str]) -> float:
    """Return the mean precision at the ranks of the relevant documents; documents that are not ranked count as zero."""
    ranks = [rank for rank, id in enumerate(ranking, 1) if id in relevant_ids]
    return sum(count / rank for count, rank in enumerate(ranks, 1)) / len(relevant_ids)


if __name__ == "__main__":
    main()
