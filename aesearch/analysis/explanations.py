"""Explanations of hits: terms that documents share with the query, or the similarity of images by kind of feature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.analysis.decoding import reconstruct_rows
from aesearch.analysis.neighborhoods import UnreadableCallback, ignore_unreadable
from aesearch.arrays import is_sparse, stack_rows
from aesearch.errors import InvalidParameter, count
from aesearch.items import Hit, Item
from aesearch.search.reranking import cosine_similarities, normalize_rows

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.coders.base import Coder
    from aesearch.index.retriever import Retriever

N_TERMS = 8
MAX_HITS = 1000
"""Hits that can be explained at a time. All term weights of each take memory."""


@dataclass(frozen=True)
class Explanation:
    """Why an item was found.

    Attributes
    ----------
    hit : Hit
    similarity : float
        Cosine similarity of the rerank features of the item and the query. It can be low, even 0, for a near item: codes
        also match documents that use other terms for the same subject.
    shared_terms : dict of str to float
        Terms that a document shares with the query, and their contributions to `similarity`, largest first. Empty for
        images.
    decoded_terms : dict of str to float or None
        Shared terms by the weights that the decoder gives them: shares of the total weight of all terms in the joint
        reconstruction of both codes, largest first. None for images, or if only the encoder is loaded.
    similarity_parts : dict of str to float
        Contributions of the feature groups of an image (gradients, visual words, colors, pixels) to `similarity`, which is
        their sum. Empty if there is one group only.
    image : PIL.Image.Image or None
        The image at the size that the index uses; None for documents.
    reconstruction : PIL.Image.Image or None
        The reconstruction of the image from its code; None for documents, or if only the encoder is loaded.
    """

    hit: Hit
    similarity: float
    shared_terms: dict[str, float]
    decoded_terms: dict[str, float] | None
    similarity_parts: dict[str, float]
    image: Any = None
    reconstruction: Any = None

    def as_dict(self) -> dict[str, Any]:
        """Return the explanation as `aesearch explain --json` prints it."""
        return self.hit.as_dict() | {
            "similarity": round(self.similarity, 4),
            "shared_terms": self.shared_terms,
            "decoded_terms": self.decoded_terms,
            "similarity_parts": {name: round(part, 4) for name, part in self.similarity_parts.items()},
        }


def explain(
    retriever: Retriever, query: Item, k: int = 5, on_unreadable: UnreadableCallback = ignore_unreadable
) -> list[Explanation]:
    """Explain the k nearest items of a query.

    The first explanation is that of the query itself, with rank 0: how the index represents it. Hits whose files can no
    longer be read are missing.

    Parameters
    ----------
    retriever : Retriever
        Load it with `encoder_only=False` to include reconstructions.
    query : Item
    k : int
        At most MAX_HITS.
    on_unreadable : callable, optional
        Called with the number of hits whose files can no longer be read, if there are any.

    Raises
    ------
    InvalidParameter
        If k is out of range, the items were created in memory, or are vectors, which have no terms or images to show.
    """
    if not 1 <= k <= MAX_HITS:
        raise InvalidParameter(f"cannot explain {count(k, 'hit')}; choose 1 to {MAX_HITS:,} (-k)")
    if retriever.features.row_kind == "vectors":
        raise InvalidParameter("cannot explain hits of an index of vectors; use an index of images or documents (--index)")
    hits = {hit.id: hit for hit in retriever.query(query, k, mode="semantic")}
    hit_of = {row.key: hits[id] for id, row in retriever.ledger.rows_by_id(list(hits)).items()}
    found, rows = [Hit(0, query.id, 0.0, query.label)], [retriever.featurize([query])]
    for keys, X in retriever.reload_features(list(hit_of)):
        found += [hit_of[key] for key in keys]
        rows.append(X)
    if len(found) <= len(hits):
        on_unreadable(1 + len(hits) - len(found))
    order = np.argsort([hit.rank for hit in found])
    ranked, X = [found[position] for position in order.tolist()], stack_rows(rows)[order]
    return _explain_documents(retriever, X, ranked) if is_sparse(X) else _explain_images(retriever, X, ranked)


def _explain_documents(retriever: Retriever, X: Any, hits: list[Hit]) -> list[Explanation]:
    """Explain hits by their term weights X (1 + k, n_terms), csr; the query comes first."""
    rows = normalize_rows(X).toarray()
    contributions = rows * rows[0]
    shared_terms = _top_terms(retriever, contributions)
    decoded_terms: list[Any] = [None] * len(hits)
    if retriever.coder.can_decode:
        decoded = np.where(contributions > 0, _joint_reconstructions(retriever.coder, X), 0)
        decoded_terms = _top_terms(retriever, decoded)
    return [
        Explanation(hit, float(contributions[rank].sum()), shared_terms[rank], decoded_terms[rank], {})
        for rank, hit in enumerate(hits)
    ]


def _joint_reconstructions(coder: Coder, X: Any) -> np.ndarray:
    """Return the joint reconstruction of each row and the first row, as shares of 1: (n_items, n_terms).

    This is the geometric mean of their reconstructions, which is defined for bits, too. For a decoder of one layer and a
    softmax, as in the neighbor autoencoder, it equals the reconstruction of the mean of both codes.
    """
    decoded = np.maximum(reconstruct_rows(coder, X), 0)
    joint = np.sqrt(decoded * decoded[0])
    return joint / np.maximum(joint.sum(1, keepdims=True), 1e-12)


def _top_terms(retriever: Retriever, weights: np.ndarray) -> list[dict[str, float]]:
    """Return the terms of the largest weights of each row (n_items, n_terms), with these weights."""
    return [
        {term: round(weight, 4) for term, weight in zip(terms[:N_TERMS], sorted(row, reverse=True), strict=False)}
        for terms, row in zip(retriever.features.inverse_transform(weights), weights.tolist(), strict=True)
    ]


def _explain_images(retriever: Retriever, X: Rows, hits: list[Hit]) -> list[Explanation]:
    """Explain hits by their pixels X (1 + k, channels, height, width); the query comes first."""
    features = np.asarray(retriever.coder.rerank_features(X), np.float32)
    similarities = cosine_similarities(features[:1], features)
    parts = _similarity_parts(features, retriever.coder.rerank_feature_groups())
    images = retriever.features.inverse_transform(X)
    reconstructions: list[Any] = [None] * len(hits)
    if retriever.coder.can_decode:
        reconstructions = retriever.features.inverse_transform(reconstruct_rows(retriever.coder, X))
    return [
        Explanation(hit, float(similarities[rank]), {}, None, parts[rank], images[rank], reconstructions[rank])
        for rank, hit in enumerate(hits)
    ]


def _similarity_parts(features: np.ndarray, widths: Mapping[str, int]) -> list[dict[str, float]]:
    """Return the contribution of each group of columns to the cosine similarity of each row and the first row.

    Parameters
    ----------
    features : array of shape (n_items, n_features)
    widths : mapping of str to int
        Number of columns of each group, in order; empty if there are no groups.
    """
    if not widths:
        return [{} for _ in features]
    rows = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    starts = np.cumsum([0, *widths.values()])[:-1]
    sums = np.add.reduceat(rows * rows[0], starts, axis=1)
    return [dict(zip(widths, row, strict=True)) for row in sums.tolist()]
