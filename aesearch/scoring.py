"""A label-free score of codes, computed with items that the coder was not trained on.

Each held-out item is split into two augmented views: two halves of a document's words, two random crops of an image. Good
codes give both views the same nearest neighbors (agreement), and the neighbors of one view resemble the other view (content
similarity). The score is a weighted geometric mean of the two.

Each factor alone can mislead. Codes that merge rare subjects into large groups, or that keep little more than the
brightness of an image, give stable neighbors: their agreement is high. Codes that compare single words find items with the
words of the view: their similarity is high.

References
----------
Wallach, Murray, Salakhutdinov & Mimno 2009, "Evaluation methods for topic models": document completion, in which one half
of a held-out document predicts the other half.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from aesearch.arrays import is_sparse
from aesearch.augmentation import two_views
from aesearch.catalog import IMAGE_CONTENTS

if TYPE_CHECKING:
    from aesearch.arrays import Rows

MIN_ITEMS = 20
"""Minimum number of held-out items for a meaningful score."""
MAX_ITEMS = 1000
"""Maximum number of held-out items."""
HELD_OUT_SHARE = 0.1
"""Share of a collection that is held out, up to MAX_ITEMS."""

NEIGHBORHOOD_SIZES = (5, 10, 20, 50)
"""Numbers of neighbors whose agreement is averaged. Small classes are lost first in small neighborhoods."""
N_CONTENT_NEIGHBORS = 5
"""Neighbors that are compared with the other view."""
CHANCE_PAIRS_PER_ITEM = 4
"""Pairs of views of different items, per item, that estimate what is expected by chance."""
AGREEMENT_EXPONENT, SIMILARITY_EXPONENT = 2 / 3, 1 / 3
"""With these, the score ranked coders most like labels did, on balanced and unbalanced sets (benchmarks/score.py)."""
N_RESAMPLES = 1000
"""Bootstrap samples of a confidence interval."""
CONFIDENCE_PERCENT = 95


class Searchable(Protocol):
    """Codes under keys, such as a `Store`."""

    def __len__(self) -> int: ...

    def search(self, codes: Rows, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the keys and the distances of the k nearest codes: [n_queries, k] each."""
        ...


@dataclass(frozen=True, slots=True)
class Score:
    """Label-free score of codes, from 0 (no better than chance) to at most 1.

    Attributes
    ----------
    value : float
        Weighted geometric mean of the mean agreement and the similarity.
    interval : tuple of float
        95% confidence interval of the value, by a bootstrap over the items (Efron 1979).
    agreement : dict of str to float
        Share of their nearest neighbors that two views of an item have in common, corrected for chance, by the number of
        neighbors.
    similarity : float
        Cosine similarity of a view's neighbors to the other view, corrected for chance.
    n_items : int
        Number of held-out items.
    """

    value: float
    interval: tuple[float, float]
    agreement: dict[str, float]
    similarity: float
    n_items: int


@dataclass(frozen=True)
class ItemScores:
    """Agreement and similarity of single items: [n_items, n_sizes] and [n_items]."""

    sizes: tuple[int, ...]
    agreement: np.ndarray
    similarity: np.ndarray

    @classmethod
    def concatenate(cls, parts: Sequence[ItemScores]) -> ItemScores:
        """Return the scores of the items of all parts, which have the same sizes."""
        return cls(
            parts[0].sizes,
            np.concatenate([part.agreement for part in parts]),
            np.concatenate([part.similarity for part in parts]),
        )

    @property
    def factors(self) -> np.ndarray:
        """Mean agreement and similarity of each item, [n_items, 2]."""
        return np.stack([self.agreement.mean(1), self.similarity], axis=1)

    @property
    def value(self) -> float:
        """The score of all items; see `Score`."""
        return _combine(self.factors)

    def summarize(self, seed: int = 0) -> Score:
        """Return the score of all items with its confidence interval."""
        rng, n_items, factors = np.random.default_rng(seed), len(self.similarity), self.factors
        resampled = [_combine(factors[rng.integers(0, n_items, n_items)]) for _ in range(N_RESAMPLES)]
        low, high = np.percentile(resampled, [(100 - CONFIDENCE_PERCENT) / 2, (100 + CONFIDENCE_PERCENT) / 2])
        by_size = dict(zip(map(str, self.sizes), map(float, self.agreement.mean(0)), strict=True))
        return Score(self.value, (float(low), float(high)), by_size, float(self.similarity.mean()), n_items)


class HeldOutItems:
    """Held-out items that score coders. Coders that are scored with the same items can be compared.

    Parameters
    ----------
    X : array of shape (n_items, ...)
        Rows of the held-out items: csr, images [n_items, C, H, W], or vectors [n_items, D].
    seed : int
        Seed of the augmented views.

    Attributes
    ----------
    rows : array of shape (n_items, ...)
        X.
    first, second : array of shape (n_items, ...)
        The two augmented views.
    describe : callable
        Maps rows to the contents that are compared: [n_rows, n_features], csr or float32.
    """

    def __init__(self, X: Rows, *, seed: int = 0) -> None:
        self.rows = X
        self.first, self.second = two_views(X, np.random.default_rng(seed))
        self.describe = _content_descriptor(X)
        self._contents = _to_unit_length(self.describe(self.first)), _to_unit_length(self.describe(self.second))

    def __len__(self) -> int:
        return int(self.first.shape[0])

    def score(
        self,
        store: Searchable,
        first_codes: Rows,
        second_codes: Rows,
        contents_of: Callable[[np.ndarray], Rows],
        keys: np.ndarray | None = None,
    ) -> ItemScores:
        """Score codes.

        Parameters
        ----------
        store : Searchable
            Codes of the collection.
        first_codes, second_codes : array of shape (n_items, width)
            Codes of the two views.
        contents_of : callable
            Returns the contents of items in the store by their keys [n], as `describe` returns them: [n, n_features].
        keys : array of shape (n_items,), int64, optional
            Keys of the held-out items, if they are in the store. An item is not its own neighbor.
        """
        sizes = neighborhood_sizes(len(store))
        neighbors = [_search(store, codes, sizes[-1], keys) for codes in (first_codes, second_codes)]
        agreement = np.stack([_agreement(neighbors[0], neighbors[1], size) for size in sizes], axis=1)
        return ItemScores(sizes, agreement, self._similarity(neighbors, contents_of))

    def _similarity(self, neighbors: Sequence[np.ndarray], contents_of: Callable[[np.ndarray], Rows]) -> np.ndarray:
        """Return the mean cosine similarity of the neighbors of each view to the other view, less chance: [n_items]."""
        from scipy.sparse import csr_array

        nearest = [keys[:, :N_CONTENT_NEIGHBORS] for keys in neighbors]
        keys, positions = np.unique(np.concatenate(nearest), return_inverse=True)
        contents = _to_unit_length(contents_of(keys))
        n_items, k = nearest[0].shape
        shape = (2 * n_items, len(keys))
        means = csr_array(
            (np.full(2 * n_items * k, 1 / k), positions.ravel(), np.arange(0, 2 * n_items * k + 1, k)), shape=shape
        )
        summed = means @ contents
        others = self._contents[1], self._contents[0]
        parts = (summed[:n_items], summed[n_items:])
        own = np.mean([_dot(part, other) for part, other in zip(parts, others, strict=True)], axis=0)
        rng = np.random.default_rng(0)
        orders = [rng.permutation(n_items) for _ in range(CHANCE_PAIRS_PER_ITEM)]
        chance = np.mean([_dot(part, other[order]) for part, other in zip(parts, others, strict=True) for order in orders])
        return np.asarray(own - chance)


def neighborhood_sizes(n_items: int) -> tuple[int, ...]:
    """Return the numbers of neighbors that are compared in a collection: those in which chance is small, or the least."""
    return tuple(size for size in NEIGHBORHOOD_SIZES if size <= n_items // 5) or (min(NEIGHBORHOOD_SIZES[0], n_items),)


def hold_out_positions(n_items: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the items for training and of the held-out items, both in ascending order.

    No item is held out of collections in which they would be fewer than MIN_ITEMS.
    """
    n_held_out = min(MAX_ITEMS, int(n_items * HELD_OUT_SHARE))
    shuffled = rng.permutation(n_items)
    n_held_out = n_held_out if n_held_out >= MIN_ITEMS else 0
    return np.sort(shuffled[n_held_out:]), np.sort(shuffled[:n_held_out])


def hold_out(X: Rows, rng: np.random.Generator) -> tuple[Rows, HeldOutItems | None]:
    """Return the rows for training, and the held-out items, or None if there are too few rows for a score."""
    training, held_out = hold_out_positions(X.shape[0], rng)
    return X[training], HeldOutItems(X[held_out]) if len(held_out) else None


def _content_descriptor(X: Rows) -> Callable[[Rows], Any]:
    """Return the function that maps rows to the contents that are compared.

    These are the terms of documents, the standardized numbers of vectors, and the descriptors of images.
    """
    if is_sparse(X):
        return lambda rows: rows
    if X.ndim == 2:
        mean, deviation = X.mean(0), np.maximum(X.std(0), 1e-6)
        return lambda rows: (rows - mean) / deviation
    describe: Callable[[Rows], Any] = IMAGE_CONTENTS.load()(X)
    return describe


def _search(store: Searchable, codes: Rows, k: int, own_keys: np.ndarray | None) -> np.ndarray:
    """Return the keys of the k nearest items, [n_items, k], other than the items themselves."""
    if own_keys is None:
        return store.search(codes, k)[0]
    keys = store.search(codes, min(k + 1, len(store)))[0]
    is_other = keys != own_keys[:, None]
    is_other[is_other.all(1), -1] = False
    return keys[is_other].reshape(len(keys), -1)


def _agreement(first: np.ndarray, second: np.ndarray, k: int, seed: int = 0) -> np.ndarray:
    """Return the share of the first k keys that two rows have in common, less chance: [n_items]."""
    first, second = first[:, :k], second[:, :k]
    rng = np.random.default_rng(seed)
    chance = [_overlap(first, second[rng.permutation(len(second))]).mean() for _ in range(CHANCE_PAIRS_PER_ITEM)]
    return np.asarray(_overlap(first, second) - np.mean(chance))


def _overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the share of the keys in each row of a that are also in this row of b; a, b: [n, k], unique in each row."""
    keys = np.sort(np.concatenate([a, b], axis=1), axis=1)
    return np.asarray((keys[:, 1:] == keys[:, :-1]).sum(1) / max(1, a.shape[1]))


def _combine(factors: np.ndarray) -> float:
    """Return the score of items by their agreement and similarity, [n_items, 2]."""
    agreement, similarity = np.maximum(factors.mean(0), 0)
    return float(agreement**AGREEMENT_EXPONENT * similarity**SIMILARITY_EXPONENT)


def _to_unit_length(rows: Any) -> Any:
    """Return rows, csr or dense [n, width], scaled to length 1; rows of zeros stay."""
    if not is_sparse(rows):
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    from scipy.sparse import csr_array

    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return csr_array(rows.multiply(1 / np.maximum(lengths, 1e-12)[:, None]))


def _dot(a: Any, b: Any) -> np.ndarray:
    """Return the inner products of the rows of a with those of b: [n]."""
    if is_sparse(a):
        return np.asarray(a.multiply(b).sum(axis=1)).ravel()
    return np.einsum("nd,nd->n", a, b)
