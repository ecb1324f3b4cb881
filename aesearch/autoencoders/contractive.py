"""Contractive autoencoder: codes that change little when the input does, because the encoder's Jacobian is penalized.

The penalty is weight * ||dz/dx||^2, the squared Frobenius norm. It has a closed form for one layer of sigmoid units. For
deeper encoders it is estimated by ||v^T dz/dx||^2 with a standard normal v, which has the same expectation.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.batches import SparseBatch, SparseLinear
from aesearch.autoencoders.dense import get_linear_layers
from aesearch.errors import InvalidParameter

DEFAULT_WEIGHT = 0.1
DOCUMENT_WEIGHT = 1e-4
"""Smaller, because for documents the loss of an untrained model is not much larger than that of a good one."""


class ContractiveAutoencoder(Autoencoder):
    """Autoencoder with sigmoid code units that are robust to small changes of the input.

    Parameters
    ----------
    code_size : int
        Dimensions of a code.
    weight : float, optional
        Weight of the penalty relative to the reconstruction loss of one item. By default 0.1, and 0.0001 for documents.
    **params
        Further parameters of `Autoencoder`.

    References
    ----------
    Rifai et al. 2011, "Contractive auto-encoders: explicit invariance during feature extraction".
    Hutchinson 1990, "A stochastic estimator of the trace of the influence matrix for Laplacian smoothing splines".
    """

    def __init__(self, code_size: int = 64, *, weight: float | None = None, **params: Any) -> None:
        super().__init__(code_size, **params)
        if weight is not None and weight < 0:
            raise InvalidParameter(f"weight is {weight}; choose 0 or more")
        self.weight = weight
        self.name = "contractive"

    def objective(self, batch: Any) -> Tensor:
        """Return the reconstruction loss of a batch, in training plus the penalty."""
        if not self.training:
            return super().objective(batch)
        weight = self.weight
        if weight is None:
            weight = DOCUMENT_WEIGHT if self.is_sparse else DEFAULT_WEIGHT
        entry, z = self.to_code_with_entry(self.corrupt(batch))
        return self.reconstruction_loss(self.from_code(z), batch) + weight * self.squared_jacobian(entry, z).mean()

    def to_code_with_entry(self, x: Tensor | SparseBatch) -> tuple[Tensor, Tensor]:
        """Return the tensor that the code is differentiated by, and the code [B, code_size].

        The tensor is the standardized input [B, *shape]. Bags of words are sparse, so their codes are differentiated by the
        output of the first layer [B, units].
        """
        entry = self.encoder[0](x) if self.is_sparse else self.standardizer(x)
        entry = entry.requires_grad_() if entry.is_leaf else entry
        return entry, (self.encoder[1:] if self.is_sparse else self.encoder)(entry)

    def squared_jacobian(self, entry: Tensor, z: Tensor, v: Tensor | None = None) -> Tensor:
        """Return ||dz/dx||^2 of each row, [B]: exact for a dense encoder of one layer, otherwise an unbiased estimate.

        Parameters
        ----------
        entry, z : Tensor
            As `to_code_with_entry` returns them.
        v : Tensor of shape [B, code_size], optional
            Standard normal vectors; if given, the estimate is also used for one layer. By default they are drawn if needed.
        """
        layers = get_linear_layers(self.encoder)
        if self.architecture == "dense" and len(layers) == 1 and v is None:
            slopes = z * (1 - z)  # derivatives of the sigmoid, [B, code_size]
            return slopes.square() @ self._gram_matrix(layers[0]).diagonal()
        v = torch.randn_like(z) if v is None else v
        (gradient,) = torch.autograd.grad((z * v).sum(), entry, create_graph=True)  # v^T dz/dentry
        if not self.is_sparse:
            return gradient.flatten(1).square().sum(1) / self.standardizer.deviation**2
        # With the first layer's weights W, |gradient @ W|^2 = gradient W W^T gradient^T, which avoids a [B, V] matrix.
        return ((gradient @ self._gram_matrix(layers[0])) * gradient).sum(1)

    def _gram_matrix(self, layer: nn.Module) -> Tensor:
        """Return W W^T [units, units] of the weights W of a layer, relative to the input before standardization."""
        if isinstance(layer, SparseLinear):
            return layer.weight.T @ layer.weight
        weight = layer.get_parameter("weight") / self.standardizer.deviation
        return weight @ weight.T

    def get_params(self) -> dict[str, Any]:
        return super().get_params() | {"weight": self.weight}

    def _build_networks(self, shape: tuple[int, ...]) -> None:
        super()._build_networks(shape)
        self.encoder.append(nn.Sigmoid())
