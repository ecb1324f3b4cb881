"""Answering a query: read it, encode it, search, rerank, and look up the hits."""

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
    """Return a query as an item. A path is read; so is a str, unless this is a document index, in which it is the text."""
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
    files = read_items(index, path)
    if not files.is_single_file:
        raise NoItems(f"cannot query with {path}: it is a folder; query with one file")
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
    for position in _empty_rows(X):
        raise NoKnownTerms(
            f'no term of "{items[position].excerpt}" is in the vocabulary of the index; query with other words'
        )
    return X


def _empty_rows(X: Rows) -> list[int]:
    """Return the positions of sparse rows without any term."""
    if not is_sparse(X):
        return []
    sparse: Any = X
    return [int(position) for position in np.flatnonzero(np.diff(sparse.indptr) == 0)]


def query_items(
    index: IndexState, items: Sequence[Item], k: int, *, rerank_hits: bool, augment: bool, require_terms: bool
) -> list[list[Hit]]:
    """Return the k nearest hits of each item.

    For a document without any term of the vocabulary there are no hits; with `require_terms`, raise NoKnownTerms instead.
    """
    if augment and index.record.kind != "images":
        raise InvalidParameter(
            f"cannot rotate or flip the query: this is an index of {index.record.kind}; leave out augment (--augment)"
        )
    n_views = 1
    if augment:
        from aesearch.images import as_image, rotations_and_flips

        views = [rotations_and_flips(as_image(item.content)) for item in items]
        n_views = len(views[0]) if views else 1
        items = [replace(item, content=view) for item, its in zip(items, views, strict=True) for view in its]
    X = featurize(index, items) if require_terms else index.features.transform(items)
    empty = _empty_rows(X)
    known = [position for position in range(len(items)) if position not in empty]
    X = X[known] if empty else X
    keys, distances = index.store.search(index.coder.encode(X), max(k, MAX_CANDIDATES) if rerank_hits else k)
    if rerank_hits:
        distances = to_cosine_distances(distances, index.coder.metric, index.coder.code_size)
        keys, distances = rerank(index.coder.rerank_features(X), keys, distances, lambda keys: _load_features(index, keys))
    if augment:
        keys, distances = merge_views(keys, distances, n_views)
    found = make_hits(index, keys[:, :k], distances[:, :k])
    if not empty:
        return found
    hits: list[list[Hit]] = [[] for _ in items]
    for position, its in zip(known, found, strict=True):
        hits[position] = its
    return hits


def _load_features(index: IndexState, keys: list[int]) -> tuple[list[int], Rows]:
    """Return the rerank features of the items that can still be read, and their keys."""
    found: list[int] = []
    features: list[Rows] = []
    for batch_keys, X in reload_features(index, keys):
        found += batch_keys
        features.append(index.coder.rerank_features(X))
    return found, stack_rows(features) if features else np.zeros((0, 0), np.float32)


def make_hits(index: IndexState, keys: np.ndarray, distances: np.ndarray) -> list[list[Hit]]:
    """Return the hits of search results.

    Parameters
    ----------
    index : IndexState
    keys, distances : arrays of shape (n_queries, k)
        As a store returns them.
    """
    rows = index.ledger.rows_by_key(list(set(keys[keys != NO_KEY].tolist())))
    hits = []
    for query_keys, query_distances in zip(keys.tolist(), distances.tolist(), strict=True):
        known = [(rows[key], distance) for key, distance in zip(query_keys, query_distances, strict=True) if key in rows]
        hits.append(
            [
                Hit(rank, row.id, distance, row.label, resolve_path(index, row), row.excerpt)
                for rank, (row, distance) in enumerate(known, 1)
            ]
        )
    return hits
