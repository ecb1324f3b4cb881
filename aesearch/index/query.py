"""Answer queries: read them, encode them, search, rerank, and look up the hits."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from aesearch.arrays import is_sparse, stack_rows
from aesearch.errors import InvalidParameter, NoItems, NoKnownTerms, WrongKind
from aesearch.index.reload import reload_features, resolve_path
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
    """Return the items of a file or folder, with images resized as the index needs them.

    Raises
    ------
    WrongKind
        If they are of another kind than the index.
    """
    files = read_files(path)
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
    for position in np.flatnonzero(~_has_terms(X)).tolist():
        raise NoKnownTerms(
            f'no term of "{items[position].excerpt}" is in the vocabulary of the index; query with other words'
        )
    return X


def _has_terms(X: Rows) -> np.ndarray:
    """Return whether each row has any term, [n_items] bool. Dense rows always have."""
    sparse: Any = X
    return np.diff(sparse.indptr) > 0 if is_sparse(X) else np.ones(X.shape[0], bool)


def query_items(
    index: IndexState, items: Sequence[Item], k: int, *, rerank_hits: bool, augment: bool, require_terms: bool
) -> list[list[Hit]]:
    """Return the k nearest hits of each item.

    A document without any term of the vocabulary has no hits; if `require_terms` is true, raise NoKnownTerms instead.
    """
    if not items:
        return []
    views = _augmented_views(index, items) if augment else items
    X = featurize(index, views) if require_terms else index.features.transform(views)
    has_terms = _has_terms(X)
    found_keys, found_distances = _search(index, X if has_terms.all() else X[has_terms], k, rerank_hits)
    keys = np.full((len(views), found_keys.shape[1]), NO_KEY, np.int64)
    distances = np.full(keys.shape, np.inf, np.float32)
    keys[has_terms], distances[has_terms] = found_keys, found_distances
    if augment:
        keys, distances = merge_views(keys, distances, len(views) // len(items))
    return make_hits(index, keys[:, :k], distances[:, :k])


def _augmented_views(index: IndexState, items: Sequence[Item]) -> list[Item]:
    """Return all rotations and flips of each image, one after the other."""
    if index.record.kind != "images":
        raise InvalidParameter(
            f"cannot rotate or flip a query of an index of {index.record.kind}; leave out augment (--augment)"
        )
    from aesearch.images import as_image, rotations_and_flips

    return [replace(item, content=view) for item in items for view in rotations_and_flips(as_image(item.content))]


def _search(index: IndexState, X: Rows, k: int, rerank_hits: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the keys and distances [n_items, at least k] of the items nearest to rows, reranked on request."""
    coder = index.coder
    keys, distances = index.store.search(coder.encode(X), max(k, MAX_CANDIDATES) if rerank_hits else k)
    if not rerank_hits:
        return keys, distances
    distances = to_cosine_distances(distances, coder.metric, coder.code_size)
    return rerank(coder.rerank_features(X), keys, distances, lambda keys: _load_rerank_features(index, keys))


def _load_rerank_features(index: IndexState, keys: list[int]) -> tuple[list[int], Rows]:
    """Return the keys of the items that can still be read, and their rerank features."""
    loaded: list[int] = []
    features: list[Rows] = []
    for batch_keys, X in reload_features(index, keys):
        loaded += batch_keys
        features.append(index.coder.rerank_features(X))
    return loaded, stack_rows(features) if features else np.zeros((0, 0), np.float32)


def make_hits(index: IndexState, keys: np.ndarray, distances: np.ndarray) -> list[list[Hit]]:
    """Return the hits of search results.

    Parameters
    ----------
    index : IndexState
    keys, distances : arrays of shape (n_queries, k)
        As a store returns them.
    """
    rows = index.ledger.rows_by_key(np.unique(keys[keys != NO_KEY]).tolist())
    results = []
    for query_keys, query_distances in zip(keys.tolist(), distances.tolist(), strict=True):
        found = [(rows[key], distance) for key, distance in zip(query_keys, query_distances, strict=True) if key in rows]
        results.append(
            [
                Hit(rank, row.id, distance, row.label, resolve_path(index, row), row.excerpt)
                for rank, (row, distance) in enumerate(found, 1)
            ]
        )
    return results
