"""How far a reconstruction is from its target: summed over an item's features, mean over the items.

So "mse" is the squared error per picture that Hinton & Salakhutdinov (2006) print, and the losses of a bag of words and of
a picture are read alike.  A target of bags is never made dense: an elementwise loss l(y, x) is summed as l(y, 0) over all
words, plus l(y, x) - l(y, 0) over those that are there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from aesearch.autoencoders.batches import SparseBatch
from aesearch.errors import InvalidParameter, UnknownName


def squared(y: Tensor, x: Tensor) -> Tensor:
    return (y - x) ** 2


def absolute(y: Tensor, x: Tensor) -> Tensor:
    return (y - x).abs()


def cross_entropy(y: Tensor, x: Tensor) -> Tensor:
    """Binary cross-entropy of the logit y with the target x in 0..1, as -x ln p - (1 - x) ln(1 - p)."""
    return F.softplus(y) - x * y


@dataclass(frozen=True)
class Elementwise:
    """A loss that looks at each feature alone.  `link` makes the decoder's output a reconstruction."""

    of: Callable[[Tensor, Tensor], Tensor]
    link: Callable[[Tensor], Tensor]

    def __call__(self, y: Tensor, x: Tensor | SparseBatch) -> Tensor:
        """y: [B, ...], x: [B, ...] or SparseBatch.  Returns a scalar."""
        if isinstance(x, Tensor):
            return self.of(y, x).sum() / len(x)
        present = y[x.rows, x.words]
        there = self.of(present, x.weights) - self.of(present, torch.zeros_like(present))
        return (self.of(y, y.new_zeros(())).sum() + there.sum()) / len(x)


class Multinomial:
    """Softmax reconstruction: -sum over words of t ln p, where t is the document's weights as shares of 1.

    The likelihood of the document's words under the reconstructed distribution (Hinton & Salakhutdinov 2009, replicated
    softmax; Liang et al. 2018).  The reconstruction is that distribution, scaled to unit length.
    """

    def __call__(self, y: Tensor, x: Tensor | SparseBatch) -> Tensor:
        if not isinstance(x, SparseBatch):
            raise InvalidParameter('loss "softmax" is for bags of words; for pictures choose "mse", "bce" or "l1"')
        total = x.weights.new_zeros(len(x)).index_add(0, x.rows, x.weights)
        share = x.weights / total[x.rows].clamp_min(1e-12)
        surprise = y.logsumexp(1)[x.rows] - y[x.rows, x.words]
        return (share * surprise).sum() / len(x)

    @staticmethod
    def link(y: Tensor) -> Tensor:
        return F.normalize(y.softmax(1), dim=1)


Loss = Elementwise | Multinomial

LOSSES: dict[str, Loss] = {
    "mse": Elementwise(squared, link=lambda y: y),
    "l1": Elementwise(absolute, link=lambda y: y),
    "bce": Elementwise(cross_entropy, torch.sigmoid),
    "softmax": Multinomial(),
}


def choose(name: str) -> Loss:
    """The loss of that name.  Raises UnknownName."""
    if name not in LOSSES:
        raise UnknownName("loss", name, LOSSES)
    return LOSSES[name]
