"""Passages of documents on their way into an index: split, tokenized and encoded before the index is changed.

Only documents of several passages have codes of passages; the code of a document of one passage is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from aesearch.arrays import has_terms, stack_rows
from aesearch.coders.base import Coder, finite_rows
from aesearch.features.base import Features
from aesearch.index.texts import Texts, TokenizedPassage
from aesearch.items import Item
from aesearch.search.passages import PassageMode, split_passages
from aesearch.stores.base import Store

if TYPE_CHECKING:
    from aesearch.arrays import Rows

BATCH_SIZE = 1024
"""Passages that are encoded at a time."""


class PassageCodes(NamedTuple):
    """Codes of passages.

    Attributes
    ----------
    owners : list of (int, int)
        For each code, the owner of the passage, and the passage's position in its document.
    codes : array of shape (n_codes, width)
    """

    owners: list[tuple[int, int]]
    codes: Rows


def tokenize_passages(items: Iterable[Item], mode: PassageMode | None) -> dict[int, list[TokenizedPassage]]:
    """Return the passages of documents by the `id()` of their items; none of other items, or if the mode is None."""
    if mode is None:
        return {}
    return {
        id(item): [TokenizedPassage.of(passage) for passage in split_passages(item.content, item.sections, mode)]
        for item in items
        if isinstance(item.content, str)
    }


def encode_passages(
    features: Features, coder: Coder, documents: Mapping[int, Sequence[TokenizedPassage]]
) -> PassageCodes | None:
    """Return the codes of the passages of documents that have several; None if there are none.

    Passages without a known term, or without a finite code, are left out.
    """
    owners = [
        (owner, number) for owner, passages in documents.items() if len(passages) > 1 for number in range(len(passages))
    ]
    parts, kept = list[Any](), list[tuple[int, int]]()
    for start in range(0, len(owners), BATCH_SIZE):
        batch = owners[start : start + BATCH_SIZE]
        X = features.transform([Item("passage", documents[owner][number].passage.text) for owner, number in batch])
        positions = np.flatnonzero(has_terms(X))
        if len(positions):
            codes = coder.encode(X[positions])
            is_finite = finite_rows(codes)
            parts.append(codes[is_finite])
            kept += [batch[position] for position in positions[is_finite].tolist()]
    return PassageCodes(kept, stack_rows(parts)) if kept else None


def add_codes(store: Store, codes: PassageCodes | None, ids: Mapping[int, Sequence[int]]) -> None:
    """Store the codes of passages under their ids. `ids` has those of each owner that was registered."""
    if codes is None:
        return
    positions = [position for position, (owner, _) in enumerate(codes.owners) if owner in ids]
    if positions:
        rows: Any = codes.codes
        keys = [ids[owner][number] for owner, number in (codes.owners[position] for position in positions)]
        store.add(np.array(keys, np.int64), rows[positions])


def encode_stored_passages(texts: Texts, keys: Sequence[int], features: Features, coder: Coder, store: Store) -> None:
    """Encode the stored passages of documents, given by their keys, and add them to a store."""
    for ids in _batches({key: ids for key, ids in texts.ids_of(keys).items() if len(ids) > 1}):
        passages = texts.passages([id for document in ids.values() for id in document])
        documents = {key: [TokenizedPassage(passages[id], "") for id in document] for key, document in ids.items()}
        add_codes(store, encode_passages(features, coder, documents), ids)


def _batches(ids: Mapping[int, list[int]]) -> Iterator[dict[int, list[int]]]:
    """Yield the documents in batches of about BATCH_SIZE passages."""
    batch: dict[int, list[int]] = {}
    for key, document in ids.items():
        batch[key] = document
        if sum(map(len, batch.values())) >= BATCH_SIZE:
            yield batch
            batch = {}
    if batch:
        yield batch
