"""Queries of an open index: the search methods of `Retriever`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from aesearch.errors import InvalidParameter, NoKnownTerms
from aesearch.index.modes import QUERY_MODES, QueryMode
from aesearch.index.passage_hits import add_passages, document_weights, nearest_passages
from aesearch.index.query import QueryResult, as_item, encode_rows, featurize, query_items, range_query
from aesearch.index.view import IndexView
from aesearch.index.word_query import is_typed, typed_hits
from aesearch.items import Hit, Item

if TYPE_CHECKING:
    from aesearch.index.query import Query
    from aesearch.index.storage import IndexState


class SearchableIndex(IndexView):
    """An open index that can be queried."""

    def query(
        self,
        query: Query,
        k: int = 10,
        *,
        mode: QueryMode | None = None,
        min_score: float = 0.0,
        rerank: bool = False,
        augment: bool = False,
        copies: bool = False,
    ) -> list[Hit]:
        """Return the k best items, the best first.

        Parameters
        ----------
        query : str, path, image, array or Item
            A path is read. A str is the text itself for an index of documents, and a path for other indexes.
        k : int
            Number of hits.
        mode : {"hybrid", "semantic", "lexical"}, optional
            For documents: compare words and codes, codes only, or words only. By default "hybrid" for up to 64 different
            words, and "semantic" for longer documents. A typed query may contain "exact phrases" and beginnings of words,
            `aero*`.
        min_score : float
            Leave out hits with a lower score; see `Hit`.
        rerank : bool
            Compare codes, read the 500 nearest items again and order them by all their features.
        augment : bool
            Query with all rotations and flips of the image, too.
        copies : bool
            Align about 490 candidates with the image instead, to find edited copies (`aesearch.search.alignment`).

        Raises
        ------
        WrongKind
            If the query is of another kind than the index.
        NoItems
            If the file cannot be read, or holds more than one item.
        NoKnownTerms
            If no document contains a word of the query, or a phrase, or a document has no term of the vocabulary.
        InvalidParameter
            If the items were created in memory and cannot be read again, or only images can be augmented or aligned, or
            only documents have words.
        """
        options = {"rerank": rerank, "augment": augment, "copies": copies, "require_terms": True, "snippets": True}
        return self.search([query], k, mode=mode, min_score=min_score, **options).hits[0]

    def query_many(
        self,
        queries: Sequence[Query],
        k: int = 10,
        *,
        mode: QueryMode | None = None,
        min_score: float = 0.0,
        rerank: bool = False,
        augment: bool = False,
        copies: bool = False,
    ) -> list[list[Hit]]:
        """Return the hits of several queries; see `query`. The hits have no snippets.

        A document without any known term has no hits.
        """
        return self.search(queries, k, mode=mode, min_score=min_score, rerank=rerank, augment=augment, copies=copies).hits

    def search(
        self,
        queries: Sequence[Query],
        k: int = 10,
        *,
        mode: QueryMode | None = None,
        min_score: float = 0.0,
        rerank: bool = False,
        augment: bool = False,
        copies: bool = False,
        require_terms: bool = False,
        snippets: bool = False,
    ) -> QueryResult:
        """Return the hits of several queries, and how many candidates could not be read for reranking; see `query`.

        Parameters
        ----------
        queries, k, mode, min_score, rerank, augment, copies : see `query` and `query_many`
        require_terms : bool
            Raise NoKnownTerms if no document has a term of a query. Otherwise it has no hits.
        snippets : bool
            Whether hits in documents have their best passage and a snippet.
        """
        state = self._state
        items = [as_item(state, query) for query in queries]
        if copies:
            from aesearch.index.copies import query_copies

            return _select(query_copies(state, items, k), min_score)
        modes = [_choose_mode(state, item, mode, compares_items=rerank or augment) for item in items]
        compared = [item for item, chosen in zip(items, modes, strict=True) if chosen == "semantic"]
        by_codes = query_items(state, compared, k, rerank_hits=rerank, augment=augment, require_terms=require_terms)
        results, hits = iter(by_codes.hits), list[list[Hit]]()
        for item, chosen in zip(items, modes, strict=True):
            if chosen != "semantic":
                hits.append(_find_typed(state, str(item.content), k, chosen, snippets, require_terms))
            elif snippets and state.record.kind == "documents":
                hits.append(_with_passages(state, item, next(results)))
            else:
                hits.append(next(results))
        return _select(QueryResult(hits, by_codes.n_unreadable), min_score)

    def range_query(self, query: Query, max_distance: float) -> list[Hit]:
        """Return all items within a distance of the query, nearest first. For bits it is the number of differing bits."""
        state = self._state
        return range_query(state, as_item(state, query), max_distance)

    def is_out_of_distribution(self, hits: Sequence[Hit]) -> bool:
        """Return whether a query with these hits is unlike the collection.

        Its nearest item is then farther than 99 % of the nearest-neighbor distances at the time of the build.
        """
        threshold = self.record.novelty_threshold
        return bool(hits) and threshold is not None and hits[0].distance > threshold


def _choose_mode(index: IndexState, item: Item, mode: QueryMode | None, *, compares_items: bool) -> QueryMode:
    """Return how to rank the hits of a query. Raises InvalidParameter if the index has no words."""
    if mode is not None and mode not in QUERY_MODES:
        raise InvalidParameter(f'mode is "{mode}"; choose {", ".join(QUERY_MODES)} (--mode)')
    if index.record.kind != "documents":
        if mode not in (None, "semantic"):
            raise InvalidParameter(
                f"cannot compare words in an index of {index.record.kind}: they have none; leave out mode (--mode)"
            )
        return "semantic"
    if compares_items:
        if mode not in (None, "semantic"):
            raise InvalidParameter("only items found by their codes are reranked; leave out mode (--mode) or rerank")
        return "semantic"
    return mode or ("hybrid" if is_typed(str(item.content)) else "semantic")


def _find_typed(index: IndexState, text: str, k: int, mode: QueryMode, snippets: bool, require_terms: bool) -> list[Hit]:
    """Return the hits of a typed query. If nothing matches, there are none, or NoKnownTerms is raised."""
    try:
        return typed_hits(index, text, k, mode, snippets=snippets)
    except NoKnownTerms:
        if require_terms:
            raise
        return []


def _with_passages(index: IndexState, item: Item, hits: list[Hit]) -> list[Hit]:
    """Return the hits of a document with their passages that are nearest to it."""
    if not hits:
        return hits
    row = featurize(index, [item])
    code = encode_rows(index, row)
    with index.store.lock.read():
        keys = [found.key for found in index.ledger.rows_by_id([hit.id for hit in hits]).values()]
        best = nearest_passages(index, code, keys)
        return add_passages(index, hits, best, document_weights(index, str(item.content), row))


def _select(result: QueryResult, min_score: float) -> QueryResult:
    """Return a result without the hits whose score is too low."""
    if min_score <= 0:
        return result
    hits = [[hit for hit in found if hit.score is None or hit.score >= min_score] for found in result.hits]
    return replace_hits(result, hits)


def replace_hits(result: QueryResult, hits: list[list[Hit]]) -> QueryResult:
    """Return a result with other hits, whose ranks are counted again."""
    ranked = [[replace(hit, rank=rank) for rank, hit in enumerate(found, 1)] for found in hits]
    return result._replace(hits=ranked)
