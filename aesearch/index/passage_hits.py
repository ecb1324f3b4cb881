"""Passages, places and snippets of hits in an index of documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.arrays import is_sparse
from aesearch.features.tokenizer import tokenize
from aesearch.index.storage import IndexState
from aesearch.items import Hit
from aesearch.search.snippets import make_snippet
from aesearch.search.words import STEM_LENGTH, WordQuery

if TYPE_CHECKING:
    from aesearch.arrays import Rows

STEM_WEIGHT = 0.5
"""Weight of a word that begins like one of the query, relative to the word itself."""


def add_passages(
    index: IndexState, hits: Sequence[Hit], best: Mapping[int, int], weights: Mapping[str, float]
) -> list[Hit]:
    """Return hits with the text of their best passages.

    Parameters
    ----------
    index : IndexState
    hits : sequence of Hit
    best : mapping of int to int
        Id of the best passage by the key of the document. Others get their first passage.
    weights : mapping of str to float
        Weights of the query's terms in snippets.
    """
    texts = index.ledger.texts
    keys = {row.id: key for key, row in _rows(index, hits).items()}
    ids = texts.ids_of(list(keys.values()))
    chosen = {key: best.get(key, ids[key][0]) for key in ids}
    passages = texts.passages(list(chosen.values()))
    shown = []
    for hit in hits:
        key = keys.get(hit.id)
        passage = passages.get(chosen.get(key, -1)) if key is not None else None
        if passage is not None:
            snippet = make_snippet(passage.text, weights)
            line = passage.line + passage.text.count("\n", 0, snippet.start)
            hit = replace(hit, text=passage.text, snippet=snippet, page=passage.page, heading=passage.heading, line=line)
        shown.append(hit)
    return shown


def _rows(index: IndexState, hits: Sequence[Hit]) -> dict[int, Any]:
    return {row.key: row for row in index.ledger.rows_by_id([hit.id for hit in hits]).values()}


def nearest_passages(index: IndexState, code: Rows, keys: Sequence[int]) -> dict[int, int]:
    """Return the passages of documents that are nearest to a code (1, width), by the keys of documents of several."""
    documents = {key: ids for key, ids in index.ledger.texts.ids_of(keys).items() if len(ids) > 1}
    if not documents:
        return {}
    all_ids = [id for ids in documents.values() for id in ids]
    distances = dict(zip(all_ids, index.passages.distances(code, np.array(all_ids, np.int64))[0].tolist(), strict=True))
    return {key: min(ids, key=lambda id: distances[id]) for key, ids in documents.items()}


def word_weights(query: WordQuery, idf: Mapping[str, float]) -> dict[str, float]:
    """Return the weights of a typed query's words, and of their beginnings, in snippets."""
    weights = {word: max(idf.get(word, 0.0), 1e-3) for word in query.words}
    stems = {f"{word[:STEM_LENGTH]}*": STEM_WEIGHT * weights[word] for word in query.words if len(word) >= STEM_LENGTH}
    return {**stems, **{f"{prefix}*": 1.0 for prefix in query.prefixes}, **weights}


def document_weights(index: IndexState, text: str, row: Rows) -> dict[str, float]:
    """Return the weights of a document's terms, whose features are `row`, in snippets of similar documents."""
    terms: Any = getattr(index.features, "terms", None)
    if terms is None or not is_sparse(row):
        return dict.fromkeys(tokenize(text), 1.0)
    sparse: Any = row
    return {terms[column]: float(value) for column, value in zip(sparse.indices, sparse.data, strict=True)}
