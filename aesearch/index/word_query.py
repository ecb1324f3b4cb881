"""Typed queries: rank documents by their words and their codes (`aesearch.search.hybrid`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from aesearch.arrays import has_terms, stack_rows
from aesearch.errors import InvalidParameter, NoKnownTerms
from aesearch.features.tokenizer import tokenize
from aesearch.index.calibration import to_similarities
from aesearch.index.filtered_search import FilteredStore, FilteredTexts
from aesearch.index.filters import Filter
from aesearch.index.modes import QueryMode
from aesearch.index.passage_hits import add_passages, word_weights
from aesearch.index.query import encode_rows, make_hits
from aesearch.index.storage import IndexState
from aesearch.items import Hit, Item
from aesearch.search.feedback import combine_codes
from aesearch.search.hybrid import FEEDBACK_ITEMS, FEEDBACK_WEIGHT, Ranking, rank
from aesearch.search.words import MAX_WORDS, WordQuery, WordRanking, parse_query, rank_words
from aesearch.stores.base import NO_KEY

if TYPE_CHECKING:
    from aesearch.arrays import Rows

MAX_WORD_MATCHES = 500
"""Passages that are found by words, at least. Of the items without words, only the nearest can be among the hits."""
PASSAGES_PER_HIT, MIN_PASSAGES = 4, 50
"""Passages that are found by codes, for each hit and at least: several may be of one document."""


class WordResult(NamedTuple):
    """Result of a typed query.

    Attributes
    ----------
    ranking : Ranking
    words : WordRanking
    passages : dict of int to int
        For items of several passages, the id of the passage that is nearest to the query by its code.
    code : array of shape (1, width), or None
        Code of the query without feedback; None if it has no known term, or only words are compared.
    """

    ranking: Ranking
    words: WordRanking
    passages: dict[int, int]
    code: Rows | None = None


class _Candidates(NamedTuple):
    """Items near a code: their keys, each once, the distances of their nearest codes, and the passages that have them."""

    keys: np.ndarray
    distances: np.ndarray
    passages: dict[int, int]


def is_typed(text: str) -> bool:
    """Return whether a text has few words. Longer texts are compared by their codes, which are made for documents."""
    return len(set(tokenize(text[: 100 * MAX_WORDS]))) <= MAX_WORDS


def query_words(
    index: IndexState,
    text: str,
    k: int,
    mode: QueryMode,
    weight: float | None = None,
    condition: Filter | None = None,
) -> WordResult:
    """Rank documents for a typed query. The caller holds the lock of the store for reading.

    Parameters
    ----------
    index : IndexState
    text : str
        Words, "exact phrases" and beginnings of words, `aero*`.
    k : int
        Number of hits.
    mode : {"hybrid", "lexical"}
        "lexical" ranks by words alone.
    weight : float, optional
        Weight of the words in "hybrid". By default the one that was chosen for the index.
    condition : Filter, optional
        Condition on the items.

    Raises
    ------
    NoKnownTerms
        If no document contains a word of the query, or its phrases, and the vocabulary has none either.
    """
    query = parse_query(text)
    words = rank_words(FilteredTexts(index.ledger.texts, condition), query, max(k, MAX_WORD_MATCHES))
    code = _encode(index, text) if mode == "hybrid" else None
    if not words.matches and (code is None or query.phrases):
        _check_words(query, text, condition)
        return WordResult(Ranking(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.float32)), words, {})
    scores = {key: match.score for key, match in words.matches.items()}
    weight = index.record.lexical_weight if weight is None else weight
    store = FilteredStore(index, condition)
    if mode == "lexical":
        keys = np.array(list(scores), np.int64)
        unknown = np.full(len(keys), np.inf, np.float32)
        return WordResult(rank(keys, np.zeros(len(keys)), unknown, scores, weight), words, {})
    candidates = _find_candidates(index, code, scores, FEEDBACK_ITEMS, store)
    ranking = _rank(index, candidates, scores, weight, only_matches=bool(query.phrases))
    expanded = _add_feedback(index, code, ranking) if len(ranking.keys) else code
    candidates = _find_candidates(index, expanded, scores, k, store)
    ranking = _rank(index, candidates, scores, weight, only_matches=bool(query.phrases))
    return WordResult(ranking, words, candidates.passages, code)


def _check_words(query: WordQuery, text: str, condition: Filter | None) -> None:
    """Raise NoKnownTerms if a query that has found nothing has no words, or no filter is to blame."""
    excerpt = Item("query", text).excerpt
    if not any(query):
        raise NoKnownTerms(f'the query "{excerpt}" has no words; query with words of two letters or more')
    if condition is None:
        what = "these words in this order" if query.phrases else "any of these words"
        raise NoKnownTerms(f'no document contains {what}: "{excerpt}"; query with other words')


def typed_hits(
    index: IndexState, text: str, k: int, mode: QueryMode, condition: Filter | None = None, *, snippets: bool
) -> list[Hit]:
    """Return the k best hits of a typed query; see `query_words`."""
    if k < 1:
        raise InvalidParameter(f"k is {k}; it must be at least 1")
    with index.store.lock.read():
        ranking, words, passages, code = query_words(index, text, k, mode, condition=condition)
        keys, scores = ranking.keys[:k], ranking.scores[:k]
        distances = ranking.distances[:k] if code is None else index.store.distances(code, keys)[0]
        (hits,) = make_hits(index, keys[None], distances[None], similarities=scores[None])
        if not snippets:
            return hits
        best = {**passages, **{key: match.passage for key, match in words.matches.items()}}
        return add_passages(index, hits, best, word_weights(parse_query(text), words.weights))


def _encode(index: IndexState, text: str) -> Rows | None:
    """Return the code of a text, (1, width); None if it has no known term."""
    X = index.features.transform([Item("query", text)])
    if not has_terms(X).all():
        return None
    return encode_rows(index, X)


def _find_candidates(
    index: IndexState, code: Rows | None, scores: Mapping[int, float], limit: int, store: FilteredStore
) -> _Candidates:
    """Return the items that are nearest to a code, by themselves or by a passage, and those that match the words."""
    if code is None:
        keys = np.array(list(scores), np.int64)
        return _Candidates(keys, np.full(len(keys), np.inf, np.float32), {})
    has_passages = len(index.passages) > 0
    # Under a filter, only the passages of the items found here are compared.
    reach = max(limit, MIN_PASSAGES) if store.is_filtered and has_passages else limit
    keys, distances = (found[0] for found in store.search(code, reach))
    keys, distances = keys[keys != NO_KEY], distances[keys != NO_KEY]
    others = np.array([*scores], np.int64)
    others = others[~np.isin(others, keys)]
    keys = np.concatenate([keys, others])
    distances = np.concatenate([distances, index.store.distances(code, others)[0]])
    if not has_passages:
        return _Candidates(keys, distances, {})
    known = dict(zip(keys.tolist(), distances.tolist(), strict=True))
    nearest = _find_passages(index, code, limit, known if store.is_filtered else None)
    known |= {key: min(distance, known.get(key, np.inf)) for key, (distance, _) in nearest.items()}
    passages = {key: id for key, (_, id) in nearest.items()}
    return _Candidates(np.array(list(known), np.int64), np.array(list(known.values()), np.float32), passages)


def _find_passages(index: IndexState, code: Rows, limit: int, only: Collection[int] | None) -> dict[int, tuple[float, int]]:
    """Return the distance and the id of the nearest passage of the documents with the nearest passages, by their keys.

    `only` are the documents that may be found; by default all.
    """
    texts = index.ledger.texts
    if only is not None:
        ids = np.array([id for ids in texts.ids_of([*only]).values() for id in ids], np.int64)
        distances = index.passages.distances(code, ids)[0]
        order = np.argsort(distances, kind="stable")
        ids, distances = ids[order], distances[order]
    else:
        n_passages = max(PASSAGES_PER_HIT * limit, MIN_PASSAGES)
        ids, distances = (found[0] for found in index.passages.search(code, n_passages))
    item_of = texts.items_of(ids[np.isfinite(distances)].tolist())
    nearest: dict[int, tuple[float, int]] = {}
    for id, distance in zip(ids.tolist(), distances.tolist(), strict=True):
        if id in item_of:
            nearest.setdefault(item_of[id], (distance, id))
    return nearest


def _rank(
    index: IndexState, candidates: _Candidates, scores: Mapping[int, float], weight: float, *, only_matches: bool
) -> Ranking:
    """Rank candidates by codes and words. `only_matches` leaves out those without the words."""
    keys, distances = candidates.keys, candidates.distances
    if only_matches:
        is_match = np.isin(keys, np.array([*scores], np.int64))
        keys, distances = keys[is_match], distances[is_match]
    coder = index.coder
    similarities = to_similarities(distances, coder.metric, coder.code_size, index.record.random_distances)
    return rank(keys, similarities, distances, scores, weight)


def _add_feedback(index: IndexState, code: Rows | None, ranking: Ranking) -> Rows:
    """Return the code of a query with those of the best items added."""
    best, scores = ranking.keys[:FEEDBACK_ITEMS], np.maximum(ranking.scores[:FEEDBACK_ITEMS], 1e-6)
    examples = index.store.codes(best)
    weights = (FEEDBACK_WEIGHT * scores / scores.sum()).astype(np.float32)
    if code is None:
        return combine_codes(examples, weights, index.store.metric)
    return combine_codes(stack_rows([code, examples]), np.append(np.float32(1), weights), index.store.metric)
