"""Sparse: most units of a code are silent for any one item, so that each comes to stand for something of its own.

"kl": sigmoid units, each pulled towards being active in a share rho of the items, by the Kullback-Leibler divergence of
its mean from rho (Ng 2011, "Sparse autoencoder"; Lee et al. 2008).  "l1": rectified units, their sum held down (Olshausen &
Field 1996, "Emergence of simple-cell receptive field properties by learning a sparse code for natural images").
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.batches import SparseBatch
from aesearch.errors import InvalidParameter, UnknownName

UNITS: dict[str, type[nn.Module]] = {"kl": nn.Sigmoid, "l1": nn.ReLU}
WEIGHT = {"kl": 1.0, "l1": 0.05}
OF_WORDS = 0.01
"""The share of it for words, whose loss falls by little between knowing nothing and telling documents apart."""


class SparseAutoencoder(Autoencoder):
    """An autoencoder whose codes may be wider than its input, since few of their units are active at a time.

    Parameters
    ----------
    sparsity : "kl" or "l1".
    rho : for "kl", the mean activity wanted of each unit, between 0 and 1.
    weight : of the penalty; None for 1 ("kl") or 0.05 ("l1"), of words a hundredth, beside the loss of one item.
    **others : as of `Autoencoder`.
    """

    allows_overcomplete = True

    def __init__(
        self,
        code_size: int = 64,
        *,
        sparsity: str = "kl",
        rho: float = 0.05,
        weight: float | None = None,
        **others: Any,
    ) -> None:
        super().__init__(code_size, **{"whiten": False, **others})
        if sparsity not in UNITS:
            raise UnknownName("sparsity", sparsity, UNITS)
        if not 0 < rho < 1:
            raise InvalidParameter(f"sparse: rho is {rho}; choose a mean activity between 0 and 1")
        if weight is not None and weight < 0:
            raise InvalidParameter(f"sparse: weight is {weight}; choose 0 or more")
        self.sparsity, self.rho, self.weight = sparsity, rho, weight
        self.name = "sparse"

    def penalty(self, x: Tensor | SparseBatch, z: Tensor) -> Tensor:
        weight = WEIGHT[self.sparsity] * (OF_WORDS if self.sparse else 1) if self.weight is None else self.weight
        if self.sparsity == "l1":
            return weight * z.abs().sum(1).mean()
        return weight * divergence(self.rho, z.mean(0)).sum()

    def get_params(self) -> dict[str, Any]:
        return super().get_params() | {"sparsity": self.sparsity, "rho": self.rho, "weight": self.weight}

    def _build(self, shape: tuple[int, ...], *, sparse: bool) -> None:
        super()._build(shape, sparse=sparse)
        self.encoder.append(UNITS[self.sparsity]())


def divergence(rho: float, activity: Tensor) -> Tensor:
    """KL(rho || activity) of two coins: rho ln(rho / a) + (1 - rho) ln((1 - rho) / (1 - a)).  activity: [D] in 0..1."""
    a, wanted = activity.clamp(1e-6, 1 - 1e-6), torch.tensor(rho)
    return rho * (wanted.log() - a.log()) + (1 - rho) * ((1 - wanted).log() - (1 - a).log())
