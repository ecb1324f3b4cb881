"""Reconstruction losses, summed over the features of an item and averaged over items.

The sum makes "mse" the squared error per image that Hinton & Salakhutdinov (2006) report. A bag of words is never converted
to a dense target: an elementwise loss l(y, x) is computed as the sum of l(y, 0) over all terms, plus l(y, x) - l(y, 0) over
the terms of the document.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from aesearch.autoencoders.batches import SparseBatch
from aesearch.errors import InvalidParameter, UnknownName


def squared_error(y: Tensor, x: Tensor) -> Tensor:
    """Return (y - x)^2 of each element."""
    return (y - x) ** 2


def absolute_error(y: Tensor, x: Tensor) -> Tensor:
    """Return |y - x| of each element."""
    return (y - x).abs()


def binary_cross_entropy(y: Tensor, x: Tensor) -> Tensor:
    """Return -x ln p - (1 - x) ln(1 - p) of each element, for targets x in 0..1 and p = sigmoid(y)."""
    return F.softplus(y) - x * y


def _identity(y: Tensor) -> Tensor:
    return y


@dataclass(frozen=True)
class Elementwise:
    """A loss that compares each feature separately.

    Parameters
    ----------
    function : callable
        Loss of each element, from the decoder's output and the target.
    link : callable
        Maps the decoder's output to the reconstruction.
    """

    function: Callable[[Tensor, Tensor], Tensor]
    link: Callable[[Tensor], Tensor]

    def __call__(self, y: Tensor, x: Tensor | SparseBatch) -> Tensor:
        """Return the loss, a scalar, of the decoder's output y [B, ...] for the target x, [B, ...] or SparseBatch."""
        if isinstance(x, Tensor):
            return self.function(y, x).sum() / len(x)
        present = y[x.rows, x.terms]
        correction = self.function(present, x.weights) - self.function(present, torch.zeros_like(present))
        return (self.function(y, y.new_zeros(())).sum() + correction.sum()) / len(x)


class Multinomial:
    """Softmax loss of bags of words: -sum(t ln p) over the terms, where t are the document's weights scaled to sum to 1.

    It is the negative log-likelihood of the document's terms under the predicted distribution p. The reconstruction is p,
    scaled to unit length.

    References
    ----------
    Hinton & Salakhutdinov 2009, "Replicated softmax: an undirected topic model".
    Liang et al. 2018, "Variational autoencoders for collaborative filtering".
    """

    def __call__(self, y: Tensor, x: Tensor | SparseBatch) -> Tensor:
        """Return the loss, a scalar, of the logits y [B, V] for the target x."""
        if not isinstance(x, SparseBatch):
            raise InvalidParameter('loss "softmax" requires bags of words; for images choose "mse", "bce" or "l1"')
        totals = x.weights.new_zeros(len(x)).index_add(0, x.rows, x.weights)
        targets = x.weights / totals[x.rows].clamp_min(1e-12)
        negative_log_probabilities = y.logsumexp(1)[x.rows] - y[x.rows, x.terms]
        return (targets * negative_log_probabilities).sum() / len(x)

    @staticmethod
    def link(y: Tensor) -> Tensor:
        """Map the logits y [B, V] to the reconstruction."""
        return F.normalize(y.softmax(1), dim=1)


Loss = Elementwise | Multinomial

LOSSES: dict[str, Loss] = {
    "mse": Elementwise(squared_error, link=_identity),
    "l1": Elementwise(absolute_error, link=_identity),
    "bce": Elementwise(binary_cross_entropy, link=torch.sigmoid),
    "softmax": Multinomial(),
}


def get_loss(name: str) -> Loss:
    """Return the loss called `name`; raise UnknownName if there is none."""
    if name not in LOSSES:
        raise UnknownName("loss", name, LOSSES)
    return LOSSES[name]
