"""Sparse autoencoder: few units of a code are active for an item, so that each unit represents a distinct feature.

The penalty "kl" is the Kullback-Leibler divergence of the mean activity of each sigmoid unit from a target rho. The penalty
"l1" is the sum of the rectified units.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.batches import SparseBatch
from aesearch.errors import InvalidParameter, UnknownName

CODE_UNITS: dict[str, type[nn.Module]] = {"kl": nn.Sigmoid, "l1": nn.ReLU}
DEFAULT_WEIGHTS = {"kl": 1.0, "l1": 0.05}
DOCUMENT_FACTOR = 0.01
"""Factor of the default weight for documents: the loss of an untrained model is not much larger than that of a good one."""


class SparseAutoencoder(Autoencoder):
    """Autoencoder with sparse codes. A code may have more dimensions than a row, because few of them are active.

    Parameters
    ----------
    code_size : int
        Dimensions of a code.
    sparsity : {"kl", "l1"}
        Penalty, and with it the code units: sigmoid for "kl", rectified linear for "l1".
    rho : float
        Target of the mean activity of each unit, between 0 and 1; for "kl" only.
    weight : float, optional
        Weight of the penalty relative to the reconstruction loss of one item. By default 1 for "kl" and 0.05 for "l1", both
        divided by 100 for documents.
    whiten : bool, optional
        Whether codes are decorrelated and scaled to unit variance after training. Whitened codes are not sparse. None means
        true for images and vectors, and false for documents.
    **params
        Further parameters of `Autoencoder`.

    References
    ----------
    Lee et al. 2008, "Sparse deep belief net model for visual area V2", and Ng 2011, "Sparse autoencoder"; for "kl".
    Olshausen & Field 1996, "Emergence of simple-cell receptive field properties by learning a sparse code for natural
    images"; for "l1".
    """

    allows_overcomplete = True

    def __init__(
        self,
        code_size: int = 64,
        *,
        sparsity: str = "kl",
        rho: float = 0.05,
        weight: float | None = None,
        whiten: bool | None = False,
        **params: Any,
    ) -> None:
        super().__init__(code_size, whiten=whiten, **params)
        if sparsity not in CODE_UNITS:
            raise UnknownName("sparsity", sparsity, CODE_UNITS)
        if not 0 < rho < 1:
            raise InvalidParameter(f"rho is {rho}; choose a mean activity between 0 and 1")
        if weight is not None and weight < 0:
            raise InvalidParameter(f"weight is {weight}; choose 0 or more")
        self.sparsity, self.rho, self.weight = sparsity, rho, weight
        self.name = "sparse"

    def penalty(self, x: Tensor | SparseBatch, z: Tensor) -> Tensor:
        """Return the weighted sparsity penalty of codes z [B, code_size]."""
        weight = self.weight
        if weight is None:
            weight = DEFAULT_WEIGHTS[self.sparsity] * (DOCUMENT_FACTOR if self.is_sparse else 1)
        if self.sparsity == "l1":
            return weight * z.abs().sum(1).mean()
        return weight * bernoulli_divergence(self.rho, z.mean(0)).sum()

    def get_params(self) -> dict[str, Any]:
        return super().get_params() | {"sparsity": self.sparsity, "rho": self.rho, "weight": self.weight}

    def _build_networks(self, shape: tuple[int, ...]) -> None:
        super()._build_networks(shape)
        self.encoder.append(CODE_UNITS[self.sparsity]())


def bernoulli_divergence(rho: float, activity: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of two Bernoulli distributions.

    KL(rho || a) = rho ln(rho / a) + (1 - rho) ln((1 - rho) / (1 - a))

    Parameters
    ----------
    rho : float
        Mean of the first distribution, between 0 and 1.
    activity : Tensor of shape [D]
        Means a of the second distribution, 0 to 1.

    Returns
    -------
    Tensor of shape [D], in nats
    """
    a, target = activity.clamp(1e-6, 1 - 1e-6), torch.tensor(rho)
    return rho * (target.log() - a.log()) + (1 - rho) * ((1 - target).log() - (1 - a).log())
