"""Groups of like items: k-means of their codes, each with its most typical items and, of documents, its telling words."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.analysis.neighborhoods import everything
from aesearch.arrays import is_sparse
from aesearch.errors import InvalidParameter, WrongKind

if TYPE_CHECKING:
    from aesearch.index.retriever import Retriever

CHOICES = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40)
"""Numbers of groups tried where none is asked for."""
JUDGED = 2000
"""Items by which they are judged, at most."""
TYPICAL = 3
WORDS = 8
STARTS = 4
"""Times that k-means begins anew; the best of them counts."""


@dataclass(frozen=True)
class Cluster:
    """A group of items.

    size : how many items;  typical : the ids of those nearest to its center;  words : of documents, those that it has more
    of than the whole collection, the most telling first;  decoded : the same of what the decoder gives back of its items,
    None where that was not asked for;  labels : how many items bear each label, the commonest first;  members : all its
    items' ids.
    """

    size: int
    typical: list[str]
    words: list[str]
    decoded: list[str] | None
    labels: dict[str, int]
    members: list[str]

    def as_dict(self) -> dict[str, Any]:
        """What `aesearch clusters --json` prints of a group."""
        return asdict(self)


def clusters(retriever: Retriever, k: int | None = None, seed: int = 0, *, decoded: bool = False) -> list[Cluster]:
    """The groups, the largest first.

    k : how many; None for the number, among CHOICES, whose groups are the most distinct: by the mean silhouette (Rousseeuw
        1987) of a sample.
    decoded : whether to tell the words that the decoder gives back too.

    Telling words are those whose mean weight in the group exceeds the collection's most; for them the files are read again.
    Raises InvalidParameter where there are fewer items than groups, or the encoder was loaded without its decoder, and WrongKind
    where codes are no numbers, or no words are to be decoded.
    """
    if decoded and retriever.features.row_kind != "documents":
        its = retriever.features.row_kind
        raise WrongKind(f"words are decoded of documents, and this index codes {its}; leave it out (--decoded)")
    if decoded and not retriever.coder.can_decode:
        raise InvalidParameter(
            "the encoder was loaded alone, and words take the decoder; load the index with encoder_only=False"
        )
    known = everything(retriever)
    codes, count = known.codes, len(known.rows)
    if k is not None and not 1 <= k <= count:
        raise InvalidParameter(f"{k} groups of {count:,} items; ask for 1 to {count:,} (-k)")
    if count < 3 and k is None:
        raise InvalidParameter(f"{count} items make no groups; index at least 3, or name a number (-k)")
    group, centers = _means(codes, k or _most_distinct(codes, seed), seed)
    far = ((codes - centers[group]) ** 2).sum(1)
    words, *given = _telling_words(retriever, known.keys, group, len(centers), decoded)
    found = []
    for number in range(len(centers)):
        members = np.flatnonzero(group == number)
        nearest = members[np.argsort(far[members], kind="stable")][:TYPICAL]
        labels = Counter(label for at in members if (label := known.rows[at].label) is not None)
        found.append(
            Cluster(
                len(members),
                [known.rows[at].id for at in nearest],
                words[number],
                given[0][number] if given else None,
                dict(labels.most_common()),
                [known.rows[at].id for at in members],
            )
        )
    return sorted(found, key=lambda each: -each.size)


def _means(codes: np.ndarray, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Each item's group [N] and the groups' centers [k, D]."""
    from sklearn.cluster import KMeans

    found = KMeans(k, n_init=STARTS, random_state=seed).fit(codes)
    return found.labels_, found.cluster_centers_


def _most_distinct(codes: np.ndarray, seed: int) -> int:
    from sklearn.metrics import silhouette_score

    drawn = np.random.default_rng(seed).permutation(len(codes))[:JUDGED]
    some = codes[np.sort(drawn)]
    scores = {}
    for k in CHOICES:
        if k < len(some):
            group, _ = _means(some, k, seed)
            scores[k] = silhouette_score(some, group) if len(set(group.tolist())) > 1 else -1.0
    return max(scores, key=lambda k: scores[k])


def _telling_words(
    retriever: Retriever, keys: np.ndarray, group: np.ndarray, count: int, decoded: bool
) -> list[list[list[str]]]:
    """For each group the words that it has more of, and those that the decoder gives it more of where they are asked for;
    none where the items are no documents, or cannot be read again.

    What is decoded is averaged, not the codes: a group's mean code lies near the collection's, where the decoder gives the
    words that are everywhere.
    """
    ways = 1 + decoded
    if retriever.features.row_kind != "documents" or not retriever.record.source:
        return [[[] for _ in range(count)] for _ in range(ways)]
    place = {key: number for number, key in enumerate(keys.tolist())}
    sums, sizes = np.zeros((ways, count, *retriever.features.shape)), np.zeros(count)
    for found, X in retriever.reload_features(keys.tolist()):
        assert is_sparse(X)
        seen = [X, retriever.coder.decode(np.asarray(retriever.coder.encode(X)))] if decoded else [X]
        its = group[[place[key] for key in found]]
        for number in np.unique(its).tolist():
            members = np.flatnonzero(its == number)
            sums[:, number] += [np.asarray(rows[members].sum(0)).ravel() for rows in seen]
        sizes += np.bincount(its, minlength=count)
    means = sums / np.maximum(sizes, 1)[:, None]
    whole = sums.sum(1, keepdims=True) / max(1, sizes.sum())
    weights = np.maximum(means - whole, 0).astype(np.float32)
    return [[words[:WORDS] for words in retriever.features.inverse_transform(each)] for each in weights]
