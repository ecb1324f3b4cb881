"""Search by words: known items, latency, filters, updates, size and indexing time of the full-text index.

    python benchmarks/word_search.py --data DATA [--sizes 30,300,11314] [--documents 100000]

A known-item query consists of 3 of the 12 words that are typical of one document by TF-IDF over all words, drawn with
another seed than those that the index chooses its weight with. Documents are messages of 20 Newsgroups; for the larger
collection, the lines of the messages are shuffled into new documents of 100 words, and the coder is LSA.

Targets: hit@1 of .97, .95 and .90 with 30, 300 and 11,314 files; a query in 20 ms in process at 100,000 documents; an index
of 100,000 documents updated by one document in less than a second; a filtered query at most 1.5 times the time of an
unfiltered one; the ledger at most 1.5 times the size of the texts.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from datasets import load_items
from harness import comma_separated_ints, create_parser, print_table

from aesearch import Item, Retriever
from aesearch.index.known_items import draw_queries

N_QUERIES, SEED = 200, 1
WORDS_PER_DOCUMENT = 100
SELECTIVITIES = (0.001, 0.01, 0.1, 0.5, 1.0)


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--sizes", type=comma_separated_ints, default="30,300,11314")
    parser.add_argument("--documents", type=int, default=100_000)
    options = parser.parse_args()
    messages = list(load_items(options.data, "20news", "database"))
    results = [measure_known_items(draw(messages, size)) for size in options.sizes]
    columns = ("documents", "default: hit@1", "codes", "words", "ledger / texts", "indexing, s", "ms a query")
    print_table(columns, results)
    print()
    with tempfile.TemporaryDirectory() as folder:
        print_table(("measure", "value"), measure_large(messages, options.documents, Path(folder) / "index"))


def draw(items: list[Item], size: int) -> list[Item]:
    """Return random items in their order."""
    return [items[position] for position in np.sort(np.random.default_rng(0).permutation(len(items))[:size])]


def measure_known_items(items: list[Item]) -> tuple[Any, ...]:
    """Return the table row of a collection."""
    started = time.perf_counter()
    index = Retriever.build(items)
    seconds = time.perf_counter() - started
    queries = draw_queries(index._state, N_QUERIES, SEED)
    ids = {row.key: row.id for row in index.ledger.all_rows()}
    rates, durations = [], list[float]()
    for mode in (None, "semantic", "lexical"):
        hits = []
        for query in queries:
            start = time.perf_counter()
            hits.append(next(iter(index.query_many([query.text], 1, mode=mode)[0]), None))
            if mode is None:
                durations.append(time.perf_counter() - start)
        found = (hit is not None and hit.id == ids[query.key] for hit, query in zip(hits, queries, strict=True))
        rates.append(float(np.mean(list(found))))
    with tempfile.TemporaryDirectory() as folder:
        index.ledger.save(Path(folder) / "ledger.sqlite")
        size = (Path(folder) / "ledger.sqlite").stat().st_size
    text_size = sum(len(str(item.content).encode("utf-8", "replace")) for item in items)
    return (len(items), *rates, size / text_size, round(seconds, 1), 1000 * statistics.median(durations))


def make_documents(messages: list[Item], size: int) -> Iterator[Item]:
    """Yield documents of 100 words, made of lines of messages, with a number between 0 and 1 as metadata."""
    rng = random.Random(0)
    lines = [line.split() for message in messages for line in str(message.content).splitlines() if line.strip()]
    for number in range(size):
        words: list[str] = []
        while len(words) < WORDS_PER_DOCUMENT:
            words += rng.choice(lines)
        yield Item(f"d{number}", " ".join(words), metadata={"share": rng.random()})


def measure_large(messages: list[Item], size: int, folder: Path) -> Iterator[tuple[str, object]]:
    """Yield the measurements of a large collection."""
    items = list(make_documents(messages, size))
    started = time.perf_counter()
    index = Retriever.build(items, coder="lsa", code_size=64, training_sample=20_000)
    yield f"indexing {size:,} documents of {WORDS_PER_DOCUMENT} words, s", round(time.perf_counter() - started, 1)
    index.save(folder)
    text_size = sum(len(str(item.content).encode("utf-8", "replace")) for item in items)
    yield "size of the ledger / texts", (folder / "ledger.sqlite").stat().st_size / text_size
    queries = [query.text for query in draw_queries(index._state, 50, SEED)]
    unfiltered = median_ms(lambda query: index.query(query), queries)
    yield "query of 3 words, median ms", unfiltered
    yield (
        "question of 9 words, median ms",
        median_ms(lambda query: index.query(f"how to use {query} in a system"), queries),
    )
    for share in SELECTIVITIES:
        filtered = median_ms(lambda query, share=share: index.query(query, where=("share < ?", share)), queries)
        yield f"filtered to {share:g} / unfiltered", filtered / unfiltered
    codes = [items[position] for position in range(50)]
    unfiltered = median_ms(lambda item: index.query(item, mode="semantic"), codes)
    yield "document as query, median ms", unfiltered
    for share in SELECTIVITIES:
        where = ("share < ?", share)
        filtered = median_ms(lambda item, where=where: index.query(item, mode="semantic", where=where), codes)
        yield f"document as query, filtered to {share:g} / unfiltered", filtered / unfiltered
    yield "load, add one document, save: s", median_update(folder)


def median_ms(query: Callable[[Any], object], queries: list[Any]) -> float:
    """Return the median duration of a call in milliseconds, after a warm-up."""
    query(queries[0])
    durations = []
    for text in queries:
        start = time.perf_counter()
        query(text)
        durations.append(1000 * (time.perf_counter() - start))
    return statistics.median(durations)


def median_update(folder: Path) -> float:
    """Return the median duration of an update of a saved index by one document, in seconds."""
    durations = []
    for number in range(5):
        start = time.perf_counter()
        index = Retriever.load(folder)
        index.add([Item(f"new{number}", "a letter about the Erindale regatta")])
        index.save(folder)
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)


if __name__ == "__main__":
    main()
