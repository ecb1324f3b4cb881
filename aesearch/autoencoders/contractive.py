"""Contractive: codes that move little when the input does, by the size of the encoder's Jacobian.

Rifai et al. 2011, "Contractive auto-encoders: explicit invariance during feature extraction": the loss is added
weight * ||dz/dx||^2, the squared Frobenius norm.  For one layer of sigmoids it has a closed form; of a deep encoder it is
estimated by ||v^T dz/dx||^2 with v standard normal, which has that expectation (Hutchinson 1990).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.batches import SparseBatch, SparseLinear
from aesearch.autoencoders.dense import linear_layers
from aesearch.errors import InvalidParameter

WEIGHT, OF_WORDS = 0.1, 1e-4
"""Of pictures, and of words, whose loss falls by little between knowing nothing and telling documents apart."""


class ContractiveAutoencoder(Autoencoder):
    """An autoencoder with sigmoid codes that resist small changes of the input.

    Parameters
    ----------
    weight : of the squared Frobenius norm, beside the loss of one item; None for 0.1, of words 0.0001.
    **others : as of `Autoencoder`.
    """

    def __init__(self, code_size: int = 64, *, weight: float | None = None, **others: Any) -> None:
        super().__init__(code_size, **others)
        if weight is not None and weight < 0:
            raise InvalidParameter(f"contractive: weight is {weight}; choose 0 or more")
        self.weight = weight
        self.name = "contractive"

    def objective(self, x: Any) -> Tensor:
        if not self.training:
            return super().objective(x)
        seen = self.corrupt(x)
        entry, z = self._entered(seen)
        weight = (OF_WORDS if self.sparse else WEIGHT) if self.weight is None else self.weight
        return self._loss(self.from_code(z), x) + weight * self.squared_jacobian(entry, z).mean()

    def squared_jacobian(self, entry: Tensor, z: Tensor, v: Tensor | None = None) -> Tensor:
        """||dz/dx||^2 of each row, [B]: exact for one layer, else an estimate by one v [B, D] of random normal numbers.

        entry, z : what `_entered` gives.
        """
        layers = linear_layers(self.encoder)
        if self.body == "dense" and len(layers) == 1 and v is None:
            slopes = z * (1 - z)  # [B, D], of the sigmoid
            return slopes.square() @ self._gram(layers[0]).diagonal()
        v = torch.randn_like(z) if v is None else v
        (pulled,) = torch.autograd.grad((z * v).sum(), entry, create_graph=True)
        if not self.sparse:
            return pulled.flatten(1).square().sum(1) / self.standard.deviation**2
        return ((pulled @ self._gram(layers[0])) * pulled).sum(1)  # back through the layer of words, without its V columns

    def _entered(self, x: Tensor | SparseBatch) -> tuple[Tensor, Tensor]:
        """Where the derivative is taken, [B, ...], and the codes: the standardized pictures, or the first sums of words."""
        entry = self.encoder[0](x) if self.sparse else self.standard(x)
        entry = entry.requires_grad_() if entry.is_leaf else entry
        return entry, (self.encoder[1:] if self.sparse else self.encoder)(entry)

    def _gram(self, layer: nn.Module) -> Tensor:
        """W W^T of a layer, [out, out]; per unit of the input as it is, before it was standardized."""
        if isinstance(layer, SparseLinear):
            return layer.weight.T @ layer.weight
        weight = layer.get_parameter("weight") / self.standard.deviation
        return weight @ weight.T

    def get_params(self) -> dict[str, Any]:
        return super().get_params() | {"weight": self.weight}

    def _build(self, shape: tuple[int, ...], *, sparse: bool) -> None:
        super()._build(shape, sparse=sparse)
        self.encoder.append(nn.Sigmoid())
