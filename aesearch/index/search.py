"""Queries of an open index: the search methods of `Retriever`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict, Unpack

from aesearch.errors import InvalidParameter, NoKnownTerms
from aesearch.index.filters import Filter, Where, parse_filter
from aesearch.index.modes import QUERY_MODES, QueryMode
from aesearch.index.query import QueryResult, as_item, encode_rows, featurize, query_items, range_query
from aesearch.index.view import IndexView
from aesearch.items import Hit, Item, ItemId

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.index.query import Query
    from aesearch.index.storage import IndexState


class QueryOptions(TypedDict, total=False):
    """Options of a query.

    Attributes
    ----------
    mode : {"hybrid", "semantic", "lexical"}, optional
        For documents: compare words and codes, codes only, or words only. By default "hybrid" for up to 64 different words,
        and "semantic" for longer documents. A typed query may contain "exact phrases" and beginnings of words, `aero*`.
    where : str, or tuple of str and values, optional
        Only find items that meet a filter (`aesearch.index.filters`): `"year >= 2024"`, or `("year >= ?", 2024)`.
    min_score : float
        Leave out hits with a lower score; see `Hit`.
    rerank : bool
        Compare codes, read the 500 nearest items again and order them by all their features.
    augment : bool
        Query with all rotations and flips of the image, too.
    copies : bool
        Align about 490 candidates with the image instead, to find edited copies (`aesearch.search.alignment`).
    """

    mode: QueryMode | None
    where: Where | None
    min_score: float
    rerank: bool
    augment: bool
    copies: bool


class SearchableIndex(IndexView):
    """An open index that can be queried."""

    def query(
        self,
        query: Query | ItemId | None,
        k: int = 10,
        *,
        like: Sequence[Query | ItemId] = (),
        unlike: Sequence[Query | ItemId] = (),
        **options: Unpack[QueryOptions],
    ) -> list[Hit]:
        """Return the k best items, the best first. Hits in documents have a snippet of their best passage.

        Parameters
        ----------
        query : str, path, image, array, Item or ItemId
            A path is read. A str is the text itself for an index of documents, and a path for other indexes. None if there
            are only examples.
        k : int
            Number of hits.
        like, unlike : sequence of queries
            Examples that the hits should be like, and not be like. Items given by their ids are not among the hits.
        **options
            See `QueryOptions`.

        Raises
        ------
        WrongKind
            If the query is of another kind than the index.
        NoItems
            If the file cannot be read, or holds more than one item, or there is no item with an id.
        NoKnownTerms
            If no document contains a word of the query, or a phrase, or a document has no term of the vocabulary.
        InvalidParameter
            If a filter cannot be read, options exclude each other or do not suit the kind of the index, or the items were
            created in memory and cannot be read again.
        """
        state = self._state
        if isinstance(query, ItemId) or query is None or like or unlike:
            return self._query_examples(state, query, like, unlike, k, options)
        return self.search([query], k, require_terms=True, snippets=True, **options).hits[0]

    def query_many(self, queries: Sequence[Query], k: int = 10, **options: Unpack[QueryOptions]) -> list[list[Hit]]:
        """Return the hits of several queries; see `query`. The hits have no snippets.

        A document without any known term has no hits.
        """
        return self.search(queries, k, **options).hits

    def search(
        self,
        queries: Sequence[Query],
        k: int = 10,
        *,
        require_terms: bool = False,
        snippets: bool = False,
        **options: Unpack[QueryOptions],
    ) -> QueryResult:
        """Return the hits of several queries, and how many candidates could not be read for reranking; see `query`.

        Parameters
        ----------
        queries, k, **options : see `query` and `query_many`
        require_terms : bool
            Raise NoKnownTerms if no document has a term of a query. Otherwise it has no hits.
        snippets : bool
            Whether hits have their metadata, and in documents their best passage and a snippet.
        """
        state = self._state
        condition = _check(options)
        items = [as_item(state, query) for query in queries]
        if options.get("copies"):
            from aesearch.index.copies import query_copies

            return _select(query_copies(state, items, k), options)
        modes = [_choose_mode(state, item, options) for item in items]
        compared = [item for item, mode in zip(items, modes, strict=True) if mode == "semantic"]
        rerank, augment = options.get("rerank", False), options.get("augment", False)
        by_codes = query_items(
            state, compared, k, rerank_hits=rerank, augment=augment, require_terms=require_terms, condition=condition
        )
        results, hits = iter(by_codes.hits), list[list[Hit]]()
        for item, mode in zip(items, modes, strict=True):
            if mode != "semantic":
                found = _find_typed(state, str(item.content), k, mode, condition, snippets, require_terms)
            else:
                found = next(results)
                if snippets and found and state.record.kind == "documents":
                    found = _with_nearest_passages(state, item, found)
            hits.append(_with_metadata(state, found) if snippets else found)
        return _select(QueryResult(hits, by_codes.n_unreadable), options)

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

    def _query_examples(
        self,
        state: IndexState,
        query: Query | ItemId | None,
        like: Sequence[Query | ItemId],
        unlike: Sequence[Query | ItemId],
        k: int,
        options: QueryOptions,
    ) -> list[Hit]:
        condition = _check(options)
        for name in ("rerank", "augment", "copies"):
            if options.get(name):
                raise InvalidParameter(f"examples are compared by their codes; leave out {name}, or like and unlike")
        if options.get("mode") not in (None, "semantic"):
            raise InvalidParameter("examples are compared by their codes; leave out mode (--mode), or like and unlike")
        from aesearch.index.examples import query_examples

        hits, code = query_examples(state, query, like, unlike, k, condition)
        if state.record.kind == "documents":
            hits = _with_passages(state, hits, code, {})
        return _select(QueryResult([_with_metadata(state, hits)], 0), options).hits[0]


def _check(options: QueryOptions) -> Filter | None:
    """Return the filter of a query. Raises InvalidParameter or TypeError if an option is wrong or unknown."""
    unknown = options.keys() - QueryOptions.__annotations__.keys()
    if unknown:
        raise TypeError(
            f"a query has no option {min(unknown)!r}; its options are {', '.join(QueryOptions.__annotations__)}"
        )
    mode, where = options.get("mode"), options.get("where")
    if mode is not None and mode not in QUERY_MODES:
        raise InvalidParameter(f'mode is "{mode}"; choose {", ".join(QUERY_MODES)} (--mode)')
    if where is not None and options.get("copies"):
        raise InvalidParameter("copies are searched among all images; leave out where (--where) or copies (--copies)")
    return None if where is None else parse_filter(where)


def _choose_mode(index: IndexState, item: Item, options: QueryOptions) -> QueryMode:
    """Return how to rank the hits of a query. Raises InvalidParameter if the index has no words."""
    mode = options.get("mode")
    if index.record.kind != "documents":
        if mode not in (None, "semantic"):
            raise InvalidParameter(
                f"cannot compare words in an index of {index.record.kind}: they have none; leave out mode (--mode)"
            )
        return "semantic"
    if options.get("rerank") or options.get("augment"):
        if mode not in (None, "semantic"):
            raise InvalidParameter("only items found by their codes are reranked; leave out mode (--mode) or rerank")
        return "semantic"
    from aesearch.index.word_query import is_typed  # queries of images start faster without it

    return mode or ("hybrid" if is_typed(str(item.content)) else "semantic")


def _find_typed(
    index: IndexState,
    text: str,
    k: int,
    mode: QueryMode,
    condition: Filter | None,
    snippets: bool,
    require_terms: bool,
) -> list[Hit]:
    """Return the hits of a typed query. If nothing matches, there are none, or NoKnownTerms is raised."""
    from aesearch.index.word_query import typed_hits

    try:
        return typed_hits(index, text, k, mode, condition, snippets=snippets)
    except NoKnownTerms:
        if require_terms:
            raise
        return []


def _with_nearest_passages(index: IndexState, item: Item, hits: list[Hit]) -> list[Hit]:
    """Return the hits of a document with their passages that are nearest to it."""
    from aesearch.index.passage_hits import document_weights

    row = featurize(index, [item])
    return _with_passages(index, hits, encode_rows(index, row), document_weights(index, str(item.content), row))


def _with_passages(index: IndexState, hits: list[Hit], code: Rows, weights: dict[str, float]) -> list[Hit]:
    """Return hits with their passages that are nearest to a code (1, width)."""
    from aesearch.index.passage_hits import add_passages, nearest_passages

    with index.store.lock.read():
        keys = [found.key for found in index.ledger.rows_by_id([hit.id for hit in hits]).values()]
        return add_passages(index, hits, nearest_passages(index, code, keys), weights)


def _with_metadata(index: IndexState, hits: list[Hit]) -> list[Hit]:
    """Return hits with the metadata of their items."""
    keys = {row.id: row.key for row in index.ledger.rows_by_id([hit.id for hit in hits]).values()}
    metadata = index.ledger.metadata_of(list(keys.values()))
    return [replace(hit, metadata=metadata[keys[hit.id]]) if keys.get(hit.id) in metadata else hit for hit in hits]


def _select(result: QueryResult, options: QueryOptions) -> QueryResult:
    """Return a result without the hits whose score is too low."""
    min_score = options.get("min_score", 0.0)
    if min_score <= 0:
        return result
    kept = [[hit for hit in found if hit.score is None or hit.score >= min_score] for found in result.hits]
    return result._replace(hits=[[replace(hit, rank=rank) for rank, hit in enumerate(found, 1)] for found in kept])
