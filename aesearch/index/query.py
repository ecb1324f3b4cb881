"""Answer queries: read them, encode them, search, rerank, and look up the hits."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from aesearch.arrays import has_terms, stack_rows
from aesearch.coders.base import finite_rows
from aesearch.errors import InvalidParameter, NoItems, NoKnownTerms, WrongKind
from aesearch.index.calibration import to_scores, to_similarities
from aesearch.index.filtered_search import FilteredStore
from aesearch.index.filters import Filter
from aesearch.index.ledger import LedgerRow
from aesearch.index.reload import reload_rows, resolve_path
from aesearch.index.storage import IndexState
from aesearch.items import Hit, Item
from aesearch.readers.folder import FileCollection, read_files
from aesearch.search.reranking import MAX_CANDIDATES, merge_views, rerank, to_cosine_distances
from aesearch.stores.base import NO_KEY

if TYPE_CHECKING:
    from PIL.Image import Image

    from aesearch.arrays import Rows

    Query: TypeAlias = str | os.PathLike[str] | Image | np.ndarray | Item


def as_item(index: IndexState, query: Query) -> Item:
    """Return a query as an item. A path is read. A str is the text itself for an index of documents, otherwise a path."""
    if isinstance(query, Item):
        return query
    if isinstance(query, os.PathLike) or (isinstance(query, str) and index.record.kind != "documents"):
        return read_query(index, Path(query))
    return Item("query", query)


def read_query(index: IndexState, path: Path) -> Item:
    """Return the only item of a file.

    Raises
    ------
    NoItems
        If the path is a folder, or the file holds no readable item, or more than one.
    WrongKind
        If the file is of another kind than the index.
    """
    if path.is_dir():
        raise NoItems(f"cannot query with {path}: it is a folder; query with one file")
    files = read_items(index, path)
    items = list(islice(files, 2))
    if not items:
        reasons = [skip.reason for skip in files.skipped.values()]
        raise NoItems(f"cannot read {path}: {reasons[0] if reasons else 'it holds no item'}")
    if len(items) > 1:
        raise NoItems(f"cannot query with {path}: it holds more than one item; query with a file that holds one")
    return items[0]


def read_items(index: IndexState, path: Path) -> FileCollection:
    """Return the items of a file or folder, read as the files of the index: same encoding, table fields and image size.

    Raises
    ------
    WrongKind
        If they are of another kind than the index.
    """
    source = index.record.source
    files = read_files(path, fields=source.fields, encoding=source.encoding) if source else read_files(path)
    kind = index.record.kind
    if files.kind != kind:
        raise WrongKind(f"cannot use {path} with an index of {kind}: it holds {files.kind}; use another index (--index)")
    return files.with_image_size(index.features.image_size)


def featurize(index: IndexState, items: Sequence[Item]) -> Rows:
    """Return the features of query items.

    Raises
    ------
    NoKnownTerms
        If a document has no term of the vocabulary.
    """
    X = index.features.transform(items)
    for position in np.flatnonzero(~has_terms(X)).tolist():
        raise NoKnownTerms(
            f'no term of "{items[position].excerpt}" is in the vocabulary of the index; query with other words'
        )
    return X


class QueryResult(NamedTuple):
    """Result of one or more queries.

    Attributes
    ----------
    hits : list of list of Hit
        The hits of each query, nearest first.
    n_unreadable : int
        Hits and candidates that could not be reranked, because their files can no longer be read. Run
        `aesearch relocate` if the files were moved. If none can be read, the hits are those without reranking.
    """

    hits: list[list[Hit]]
    n_unreadable: int


class _Found(NamedTuple):
    """Search results with the ledger rows of all keys, taken from one state of the index."""

    keys: np.ndarray
    distances: np.ndarray
    rows: dict[int, LedgerRow]


def query_items(
    index: IndexState,
    items: Sequence[Item],
    k: int,
    *,
    rerank_hits: bool,
    augment: bool,
    require_terms: bool,
    condition: Filter | None = None,
) -> QueryResult:
    """Return the k nearest hits of each item.

    A document without any term of the vocabulary has no hits; if `require_terms` is true, raise NoKnownTerms instead.
    """
    if k < 1:
        raise InvalidParameter(f"k is {k}; it must be at least 1")
    if not items:
        return QueryResult([], 0)
    views = _augmented_views(index, items) if augment else items
    X = featurize(index, views) if require_terms else index.features.transform(views)
    is_known = has_terms(X)
    X = X if is_known.all() else X[is_known]
    found = search_rows(index, encode_rows(index, X), max(k, MAX_CANDIDATES) if rerank_hits else k, condition)
    found, n_unreadable = _rerank(index, X, found) if rerank_hits else (found, 0)
    keys = np.full((len(views), found.keys.shape[1]), NO_KEY, np.int64)
    distances = np.full(keys.shape, np.inf, np.float32)
    keys[is_known], distances[is_known] = found.keys, found.distances
    if augment:
        keys, distances = merge_views(keys, distances, len(views) // len(items))
    unknown = np.full(keys[:, :k].shape, np.nan) if rerank_hits else None  # distances of another kind have no scores
    return QueryResult(make_hits(index, keys[:, :k], distances[:, :k], found.rows, unknown), n_unreadable)


def encode_rows(index: IndexState, X: Rows) -> Rows:
    """Return the codes of the rows of queries. Raise InvalidParameter if one cannot be compared."""
    codes = index.coder.encode(X)
    if not finite_rows(codes).all():
        raise InvalidParameter(
            f"cannot query {index.folder or 'the index'}: the code of the query is not finite, or too large to be "
            "compared; query with smaller values, or check the index with: aesearch verify"
        )
    return codes


def search_rows(index: IndexState, codes: Rows, k: int, condition: Filter | None = None) -> _Found:
    """Return the k nearest items of each code that meet a condition, and their ledger rows."""
    with index.store.lock.read():
        keys, distances = FilteredStore(index, condition).search(codes, k)
        return _Found(keys, distances, _rows_of(index, keys))


def range_query(index: IndexState, item: Item, max_distance: float) -> list[Hit]:
    """Return the hits of an item within a distance."""
    codes = encode_rows(index, featurize(index, [item]))
    with index.store.lock.read():
        return make_hits(index, *index.store.range_search(codes, max_distance))[0]


def _augmented_views(index: IndexState, items: Sequence[Item]) -> list[Item]:
    """Return all rotations and flips of each image, one after the other."""
    if index.record.kind != "images":
        raise InvalidParameter(
            f"cannot rotate or flip a query of an index of {index.record.kind}; leave out augment (--augment)"
        )
    from aesearch.images import as_image, rotations_and_flips

    return [replace(item, content=view) for item in items for view in rotations_and_flips(as_image(item.content))]


def _rerank(index: IndexState, X: Rows, found: _Found) -> tuple[_Found, int]:
    """Rerank the candidates of rows, and return the number of candidates whose files cannot be read.

    If no file can be read, the order and the distances are those of the codes.
    """
    coder = index.coder
    requested = loaded = 0

    def load_features(keys: list[int]) -> tuple[list[int], Rows]:
        nonlocal requested, loaded
        loaded_keys, features = _load_rerank_features(index, [found.rows[key] for key in keys])
        requested, loaded = len(keys), len(loaded_keys)
        return loaded_keys, features

    distances = to_cosine_distances(found.distances, coder.metric, coder.code_size)
    keys, reranked = rerank(coder.rerank_features(X), found.keys, distances, load_features)
    if not loaded:
        return found._replace(distances=distances), requested
    return _Found(keys, reranked, found.rows), requested - loaded


def _load_rerank_features(index: IndexState, rows: Sequence[LedgerRow]) -> tuple[list[int], Rows]:
    """Return the keys of the items that can still be read, and their rerank features."""
    loaded: list[int] = []
    features: list[Rows] = []
    for keys, items in reload_rows(index, rows, index.features.image_size):
        loaded += keys
        features.append(index.coder.rerank_features(index.features.transform(items)))
    return loaded, stack_rows(features) if features else np.zeros((0, 0), np.float32)


def _rows_of(index: IndexState, keys: np.ndarray) -> dict[int, LedgerRow]:
    """Return the ledger rows of all keys of search results."""
    return index.ledger.rows_by_key(np.unique(keys[keys != NO_KEY]).tolist())


def make_hits(
    index: IndexState,
    keys: np.ndarray,
    distances: np.ndarray,
    rows: Mapping[int, LedgerRow] | None = None,
    similarities: np.ndarray | None = None,
) -> list[list[Hit]]:
    """Return the hits of search results.

    Parameters
    ----------
    index : IndexState
    keys, distances : arrays of shape (n_queries, k)
        As a store returns them.
    rows : mapping of int to LedgerRow, optional
        The rows of the keys, if they are known.
    similarities : array of shape (n_queries, k), optional
        Similarities that the scores of the hits stand for. By default those of the codes.
    """
    rows = _rows_of(index, keys) if rows is None else rows
    random = index.record.random_distances
    if similarities is None:
        similarities = to_similarities(distances, index.coder.metric, index.coder.code_size, random)
    scores = to_scores(similarities, index.coder.metric, index.coder.code_size, random)
    results = []
    for found in zip(keys.tolist(), distances.tolist(), scores.tolist(), strict=True):
        known = [(rows[key], distance, score) for key, distance, score in zip(*found, strict=True) if key in rows]
        results.append([_make_hit(index, rank, *values) for rank, values in enumerate(known, 1)])
    return results


def _make_hit(index: IndexState, rank: int, row: LedgerRow, distance: float, score: float) -> Hit:
    distance, known_score = distance if np.isfinite(distance) else np.nan, None if np.isnan(score) else round(score, 6)
    return Hit(rank, row.id, distance, row.label, resolve_path(index, row), row.excerpt, known_score)
