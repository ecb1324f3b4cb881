"""Clusters of items: k-means of the codes, with representative items and, for documents, characteristic terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.analysis.codes import load_codes
from aesearch.analysis.decoding import reconstruct_rows, require_decoder
from aesearch.analysis.neighborhoods import UnreadableCallback, ignore_unreadable
from aesearch.errors import InvalidParameter, WrongKind, count
from aesearch.items import label_names

if TYPE_CHECKING:
    from aesearch.index.ledger import LedgerRow
    from aesearch.index.retriever import Retriever

CANDIDATE_COUNTS = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40)
"""Numbers of clusters that are tried if none is given."""

MAX_SILHOUETTE_ITEMS = 2000
"""Size of the sample that decides between them."""

N_REPRESENTATIVES = 3
N_TERMS = 8

N_INITIALIZATIONS = 4
"""Runs of k-means from different initial centers; the best one counts."""


@dataclass(frozen=True)
class Cluster:
    """A cluster of items.

    Attributes
    ----------
    size : int
        Number of items.
    representatives : list of str
        Ids of the items nearest to the center, nearest first.
    terms : list of str
        Characteristic terms, most characteristic first: those whose mean weight in the cluster exceeds their mean weight in
        the collection the most. Empty for images and vectors, and for documents that cannot be read again.
    decoded_terms : list of str or None
        Characteristic terms of the reconstructions of the items; None if they were not requested.
    labels : dict of str to int
        Number of items by label, most common first.
    members : list of str
        Ids of all items.
    """

    size: int
    representatives: list[str]
    terms: list[str]
    decoded_terms: list[str] | None
    labels: dict[str, int]
    members: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return the cluster as `aesearch clusters --json` prints it."""
        return asdict(self)


def cluster_items(
    retriever: Retriever,
    n_clusters: int | None = None,
    seed: int = 0,
    *,
    decode_terms: bool = False,
    on_unreadable: UnreadableCallback = ignore_unreadable,
) -> list[Cluster]:
    """Cluster the items of an index by their codes, largest cluster first.

    Parameters
    ----------
    retriever : Retriever
    n_clusters : int, optional
        None chooses the number in CANDIDATE_COUNTS with the highest mean silhouette (Rousseeuw 1987) of a sample.
    seed : int
    decode_terms : bool
        Whether to find the characteristic terms of the reconstructions, too. This needs an index of documents that was
        loaded with `encoder_only=False`.
    on_unreadable : callable, optional
        Called with the number of documents whose files can no longer be read, if there are any. They belong to a cluster,
        but do not count for its terms.

    Raises
    ------
    InvalidParameter
        If there are fewer items than clusters, or the decoder is needed but not loaded.
    WrongKind
        If the codes are sparse, or the terms of images or vectors are requested.
    """
    if decode_terms:
        _check_can_decode_terms(retriever)
    index = load_codes(retriever)
    _check_n_clusters(n_clusters, len(index.rows))
    assignments, centers = _k_means(index.codes, n_clusters or _choose_n_clusters(index.codes, seed), seed)
    distances = ((index.codes - centers[assignments]) ** 2).sum(1)
    terms, decoded_terms = _find_terms(retriever, index.keys, assignments, len(centers), decode_terms, on_unreadable)
    clusters = []
    for cluster in range(len(centers)):
        members = np.flatnonzero(assignments == cluster)
        nearest_first = members[np.argsort(distances[members], kind="stable")]
        decoded = None if decoded_terms is None else decoded_terms[cluster]
        rows, nearest = ([index.rows[member] for member in order] for order in (members, nearest_first))
        clusters.append(_make_cluster(rows, nearest, terms[cluster], decoded))
    return sorted(clusters, key=lambda cluster: -cluster.size)


def _make_cluster(
    rows: Sequence[LedgerRow], nearest: Sequence[LedgerRow], terms: list[str], decoded_terms: list[str] | None
) -> Cluster:
    """Return the cluster of some items, which `nearest` holds in the order of their distance to the center."""
    labels = Counter(name for row in rows for name in label_names(row.label))
    return Cluster(
        size=len(rows),
        representatives=[row.id for row in nearest[:N_REPRESENTATIVES]],
        terms=terms,
        decoded_terms=decoded_terms,
        labels=dict(labels.most_common()),
        members=[row.id for row in rows],
    )


def _check_can_decode_terms(retriever: Retriever) -> None:
    if retriever.features.row_kind != "documents":
        raise WrongKind(f"cannot decode terms: this index encodes {retriever.features.row_kind}; omit --decoded")
    require_decoder(retriever.coder)


def _check_n_clusters(n_clusters: int | None, n_items: int) -> None:
    if n_clusters is not None and not 1 <= n_clusters <= n_items:
        raise InvalidParameter(
            f"cannot make {count(n_clusters, 'cluster')} of {count(n_items, 'item')}; choose 1 to {n_items:,} (-k)"
        )
    if n_clusters is None and n_items <= min(CANDIDATE_COUNTS):
        raise InvalidParameter(f"cannot choose a number of clusters for {count(n_items, 'item')}: too few; specify it (-k)")


def _k_means(codes: np.ndarray, n_clusters: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the cluster of each item (n_items,), and the centers (n_clusters, code_size)."""
    from sklearn.cluster import KMeans

    fitted = KMeans(n_clusters, n_init=N_INITIALIZATIONS, random_state=seed).fit(codes)
    return fitted.labels_, fitted.cluster_centers_


def _choose_n_clusters(codes: np.ndarray, seed: int) -> int:
    """Return the number of clusters with the highest mean silhouette."""
    from sklearn.metrics import silhouette_score

    drawn = np.random.default_rng(seed).permutation(len(codes))[:MAX_SILHOUETTE_ITEMS]
    sample = codes[np.sort(drawn)]
    scores = {}
    for n_clusters in CANDIDATE_COUNTS:
        if n_clusters < len(sample):
            assignments, _ = _k_means(sample, n_clusters, seed)
            is_split = len(set(assignments.tolist())) > 1
            scores[n_clusters] = silhouette_score(sample, assignments) if is_split else -1.0
    return max(scores, key=lambda n_clusters: scores[n_clusters])


def _find_terms(
    retriever: Retriever,
    keys: np.ndarray,
    assignments: np.ndarray,
    n_clusters: int,
    decode: bool,
    on_unreadable: UnreadableCallback,
) -> tuple[list[list[str]], list[list[str]] | None]:
    """Return the characteristic terms of each cluster, and those of the reconstructions of its items if `decode`.

    The reconstructions are averaged, not the codes. The mean code of a cluster is close to the mean of the collection, from
    which the decoder makes the terms that are frequent everywhere.
    """
    if retriever.features.row_kind != "documents" or not retriever.record.source:
        no_terms: list[list[str]] = [[] for _ in range(n_clusters)]
        return no_terms, no_terms if decode else None
    cluster_of = dict(zip(keys.tolist(), assignments.tolist(), strict=True))
    sums = np.zeros((1 + decode, n_clusters, *retriever.features.shape))  # of the term weights, then of the decoded ones
    sizes = np.zeros(n_clusters)
    for batch_keys, X in retriever.reload_features(keys.tolist()):
        weights = [X, reconstruct_rows(retriever.coder, X)] if decode else [X]
        clusters = np.array([cluster_of[key] for key in batch_keys])
        for cluster in np.unique(clusters).tolist():
            members = np.flatnonzero(clusters == cluster)
            sums[:, cluster] += [np.asarray(rows[members].sum(0)).ravel() for rows in weights]
        sizes += np.bincount(clusters, minlength=n_clusters)
    if sizes.sum() < len(keys):
        on_unreadable(len(keys) - int(sizes.sum()))
    cluster_means = sums / np.maximum(sizes, 1)[:, None]
    collection_means = sums.sum(1, keepdims=True) / max(1, sizes.sum())
    excess = np.maximum(cluster_means - collection_means, 0).astype(np.float32)
    terms, *decoded_terms = ([ranked[:N_TERMS] for ranked in retriever.features.inverse_transform(rows)] for rows in excess)
    return terms, decoded_terms[0] if decode else None
