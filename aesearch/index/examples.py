"""More like this, less like that: queries by examples that are relevant or not (relevance feedback).

References
----------
Rocchio 1971, "Relevance feedback in information retrieval".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from aesearch.arrays import stack_rows
from aesearch.errors import InvalidParameter, NoItems
from aesearch.index.filtered_search import FilteredStore
from aesearch.index.filters import Filter
from aesearch.index.query import as_item, encode_rows, featurize, make_hits
from aesearch.index.storage import IndexState
from aesearch.items import Hit, ItemId
from aesearch.search.feedback import combine_codes

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.index.query import Query

LIKE_WEIGHT, UNLIKE_WEIGHT = 0.8, 0.4
"""Weights of all positive and of all negative examples together; the weight of the query is 1."""


class ExampleResult(NamedTuple):
    """The hits of a query by examples, and the code that was searched, (1, width)."""

    hits: list[Hit]
    code: Rows


def query_examples(
    index: IndexState,
    query: Query | ItemId | None,
    like: Sequence[Query | ItemId],
    unlike: Sequence[Query | ItemId],
    k: int,
    condition: Filter | None = None,
) -> ExampleResult:
    """Return the k items nearest to a query and to positive examples, and away from negative ones.

    The items that are given by their ids are not among the hits.

    Raises
    ------
    NoItems
        If there is no item with an id, or there is neither a query nor a positive example.
    """
    if k < 1:
        raise InvalidParameter(f"k is {k}; it must be at least 1")
    if query is None and not like:
        raise NoItems("there is no query; give a query, or an example that the hits should be like")
    own = [] if query is None else [query]
    with index.store.lock.read():
        examples = [*own, *like, *unlike]
        keys = _keys_of(index, [example.id for example in examples if isinstance(example, ItemId)])
        codes = stack_rows([_encode(index, example, keys) for example in examples])
        shares = [1.0] * len(own), [LIKE_WEIGHT / len(like)] * len(like) if like else []
        weights = [*shares[0], *shares[1], *([-UNLIKE_WEIGHT / len(unlike)] * len(unlike) if unlike else [])]
        code = combine_codes(codes, np.array(weights), index.store.metric)
        found = FilteredStore(index, condition, list(keys.values())).search(code, k)
        return ExampleResult(make_hits(index, *found)[0], code)


def _keys_of(index: IndexState, ids: Sequence[str]) -> dict[str, int]:
    """Return the keys of items by their ids. Raises NoItems if an id does not exist."""
    rows = index.ledger.rows_by_id(ids)
    for id in ids:
        if id not in rows:
            raise NoItems(f'there is no item "{id}" in the index; use ids as aesearch query prints them')
    return {id: row.key for id, row in rows.items()}


def _encode(index: IndexState, example: Query | ItemId, keys: dict[str, int]) -> Rows:
    """Return the code of an example, (1, width): the stored one of an item given by its id."""
    if isinstance(example, ItemId):
        return index.store.codes(np.array([keys[example.id]], np.int64))
    return encode_rows(index, featurize(index, [as_item(index, example)]))
