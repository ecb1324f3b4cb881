"""Inputs and targets of the neighbor autoencoder: a target is a mixture of an item and its nearest neighbors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from scipy.sparse import csr_array, eye_array
from torch import Tensor

from aesearch.arrays import is_sparse
from aesearch.augmentation import augment_images
from aesearch.autoencoders.batches import RowBatches, SparseBatch
from aesearch.autoencoders.descriptors import Descriptors
from aesearch.scoring import HeldOutItems
from aesearch.stores.flat import FlatStore

LSA_DIMENSIONS = 64
"""Dimensions of the codes in which the first neighbors of documents are found."""
TEMPERATURE = 0.1
"""Difference in cosine distance by which the weight of a neighbor falls to 1/e."""
MAX_AUGMENTED_VIEWS, MIN_AUGMENTED_VIEWS = 6, 2
"""Augmented views of each image that are inputs in training, beside the image itself."""
MAX_AUGMENTED_IMAGES = 40_000
"""Large collections get fewer views, down to the minimum: their descriptors take most of the time."""


@dataclass
class NeighborData:
    """Training data of a neighbor autoencoder.

    Attributes
    ----------
    contents : array of shape (n_items, n_features)
        What each item contributes to the targets: its term shares (csr), or its descriptors (float32).
    inputs : list of RowBatches
        Inputs of the encoder: the items themselves, then augmented views of them.
    initial_codes : array of shape (n_items, width), float32
        Codes in which the neighbors of the first round are found.
    held_out : HeldOutData or None
        None if there are too few items to score the codes.
    """

    contents: Any
    inputs: list[RowBatches]
    initial_codes: np.ndarray
    held_out: HeldOutData | None

    @classmethod
    def from_documents(cls, X: Any, held_out: HeldOutItems | None, rng: np.random.Generator, device: torch.device) -> Self:
        """Prepare bags of words, [n_items, n_terms] csr."""
        totals = np.maximum(X.sum(1), 1e-12)
        return cls(
            contents=csr_array(X.multiply((1 / totals)[:, None])),
            inputs=[RowBatches(X, device)],
            initial_codes=compute_lsa_codes(X, rng),
            held_out=None if held_out is None else HeldOutData.create(held_out, X, lambda rows: rows, device),
        )

    @classmethod
    def from_described(
        cls,
        X: np.ndarray,
        held_out: HeldOutItems | None,
        layer: Descriptors,
        rng: np.random.Generator,
        device: torch.device,
        *,
        mirror: bool,
    ) -> Self:
        """Prepare the descriptors of images [n_items, C, H, W] or vectors [n_items, D]; `mirror` allows mirrored views."""
        described = layer.transform(X)
        inputs = [described]
        n_views = max(MIN_AUGMENTED_VIEWS, min(MAX_AUGMENTED_VIEWS, MAX_AUGMENTED_IMAGES // len(X)))
        for _ in range(n_views if X.ndim == 4 else 0):  # vectors have no natural augmentation
            inputs.append(_to_half_precision(layer.transform(augment_images(X, rng, mirror=mirror))))
        return cls(
            contents=described,
            inputs=[RowBatches(view, device) for view in inputs],
            initial_codes=described,
            held_out=None if held_out is None else HeldOutData.create(held_out, X, layer.transform, device),
        )


@dataclass(frozen=True)
class HeldOutData:
    """What scores the codes during training.

    Attributes
    ----------
    items : HeldOutItems
    views : list of RowBatches
        The two views of the held-out items, as inputs of the encoder.
    contents : array of shape (n_items, n_features)
        Contents of the training items, with which `HeldOutItems.score` compares the views.
    """

    items: HeldOutItems
    views: list[RowBatches]
    contents: Any

    @classmethod
    def create(cls, items: HeldOutItems, X: Any, to_input: Callable[[Any], Any], device: torch.device) -> Self:
        """Prepare held-out items for training rows X; `to_input` maps rows to inputs of the encoder."""
        views = [RowBatches(to_input(view), device) for view in (items.first, items.second)]
        return cls(items, views, items.describe(X))


@dataclass(frozen=True)
class TargetBatch:
    """A batch of B inputs, [B, n_features] or SparseBatch, and their targets, [B, n_features]."""

    x: Tensor | SparseBatch
    target: Tensor

    def __len__(self) -> int:
        return len(self.target)


class TargetBatches:
    """Batches of inputs with their targets, by the positions of the items.

    Parameters
    ----------
    data : NeighborData
    weights : csr array of shape (n_items, n_items)
        Weight of each item's contents in each target; rows sum to 1.
    device : torch.device
    """

    def __init__(self, data: NeighborData, weights: Any, device: torch.device) -> None:
        self._data, self._weights, self._device = data, weights, device

    def __getitem__(self, positions: Tensor) -> TargetBatch:
        """Return the batch of items at positions [B] int64, all in one view, which is drawn at random."""
        view = int(torch.randint(len(self._data.inputs), ()))
        target = self._weights[positions.numpy()] @ self._data.contents
        target = target.toarray() if is_sparse(target) else target
        target = torch.from_numpy(target.astype(np.float32)).to(self._device)
        return TargetBatch(self._data.inputs[view][positions], target)


def compute_target_weights(codes: np.ndarray, graph: np.ndarray, n_neighbors: int, neighbor_weight: float) -> Any:
    """Return the weights of all items in the target of each item.

    Parameters
    ----------
    codes : array of shape (n_items, width), float32
        Compared by cosine.
    graph : array of shape (n_candidates,), int
        Items that may be neighbors.
    n_neighbors : int
    neighbor_weight : float
        Sum of the weights of the neighbors. The rest is the weight of the item itself.

    Returns
    -------
    csr array of shape (n_items, n_items)
        Rows sum to 1.

    Notes
    -----
    A neighbor at the cosine distance d has a share proportional to exp(-d / TEMPERATURE) of the neighbors' weight. In equal
    shares, the many neighbors of an item of a rare subject that are of other subjects would outweigh the few of its own.
    """
    n_items = len(codes)
    if n_neighbors < 1:
        return eye_array(n_items, format="csr")
    keys, distances = build_cosine_store(codes[graph], graph).search(codes, min(n_neighbors + 1, len(graph)))
    is_neighbor = keys != np.arange(n_items)[:, None]
    # An item that is not in the graph, or that has many copies, does not find itself; then drop the farthest neighbor.
    is_neighbor[is_neighbor.all(1), -1] = False
    neighbors = keys[is_neighbor].reshape(n_items, -1)
    shares = np.exp(-distances[is_neighbor].reshape(n_items, -1) / TEMPERATURE)
    weights = (neighbor_weight / shares.sum(1, keepdims=True) * shares).astype(np.float32)
    row_starts = np.arange(0, neighbors.size + 1, neighbors.shape[1])
    neighbor_weights = csr_array((weights.ravel(), neighbors.ravel(), row_starts), shape=(n_items, n_items))
    return csr_array(neighbor_weights + (1 - neighbor_weight) * eye_array(n_items, dtype=np.float32, format="csr"))


def compute_lsa_codes(X: Any, rng: np.random.Generator, size: int = LSA_DIMENSIONS) -> np.ndarray:
    """Return the latent semantic codes of documents (Deerwester et al. 1990), [n_items, size] float32.

    Parameters
    ----------
    X : csr array of shape (n_items, n_terms)
    rng : numpy.random.Generator
    size : int
        Dimensions of a code; fewer if X is smaller.
    """
    from scipy.sparse.linalg import svds

    size = min(size, min(X.shape) - 1)
    if size < 1:
        return X.toarray()
    if not X.count_nonzero():
        return np.zeros((X.shape[0], size), np.float32)
    left, values, _ = svds(X.astype(np.float64), k=size, v0=rng.standard_normal(min(X.shape)))
    return np.ascontiguousarray(left * values, np.float32)


def build_cosine_store(codes: np.ndarray, keys: np.ndarray | None = None) -> FlatStore:
    """Return a store of codes [n_items, width] under their keys [n_items], or else under their positions."""
    store = FlatStore("cosine", codes.shape[1])
    store.add(np.arange(len(codes)) if keys is None else keys, codes)
    return store


def _to_half_precision(X: np.ndarray) -> np.ndarray:
    """Return float32 rows as float16 if they fit. Augmented views take most of the memory, and need no precision."""
    return X.astype(np.float16) if np.abs(X).max(initial=0) < np.finfo(np.float16).max else X
