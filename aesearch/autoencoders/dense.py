"""The dense architecture: fully connected layers that narrow down to the code and widen again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from aesearch.autoencoders.batches import SparseLinear


def build_encoder(
    shape: tuple[int, ...], layers: Sequence[int], code_size: int, *, is_sparse: bool, dropout: float = 0.0
) -> nn.Sequential:
    """Return the network from rows [B, *shape] to codes [B, code_size].

    Parameters
    ----------
    shape : tuple of int
        Shape of a row.
    layers : sequence of int
        Units of the hidden layers.
    code_size : int
        Units of the last layer.
    is_sparse : bool
        Whether the input is a SparseBatch; then the first layer is a SparseLinear.
    dropout : float
        Probability of dropping a hidden unit in training.
    """
    sizes = [prod(shape), *layers, code_size]
    activation = get_activation(is_sparse=is_sparse)
    first = [SparseLinear(sizes[0], sizes[1])] if is_sparse else [nn.Flatten(), nn.Linear(sizes[0], sizes[1])]
    modules: list[nn.Module] = [*first]
    for size, next_size in pairwise(sizes[1:]):
        modules += [activation(), *_dropout(dropout), nn.Linear(size, next_size)]
    return nn.Sequential(*modules)


def build_decoder(
    shape: tuple[int, ...], layers: Sequence[int], code_size: int, *, is_sparse: bool, dropout: float = 0.0
) -> nn.Sequential:
    """Return the network from codes [B, code_size] to [B, *shape], to which the link of the loss is applied.

    The parameters are those of `build_encoder`; `layers` are the hidden layers of the encoder, in its order.
    """
    sizes = [code_size, *reversed(layers), prod(shape)]
    activation = get_activation(is_sparse=is_sparse)
    modules: list[nn.Module] = [nn.Linear(sizes[0], sizes[1])]
    for size, next_size in pairwise(sizes[1:]):
        modules += [activation(), *_dropout(dropout), nn.Linear(size, next_size)]
    return nn.Sequential(*modules, nn.Unflatten(1, shape))


def build_tied_decoder(encoder: nn.Sequential, shape: tuple[int, ...], *, is_sparse: bool) -> nn.Sequential:
    """Return a decoder from [B, code_size] to [B, *shape] that uses the transposed weights of the encoder."""
    activation = get_activation(is_sparse=is_sparse)
    modules: list[nn.Module] = []
    for layer in reversed(get_linear_layers(encoder)):
        modules += [TiedLinear(layer), activation()]
    return nn.Sequential(*modules[:-1], nn.Unflatten(1, shape))


class TiedLinear(nn.Module):
    """A layer with the transposed weights of another layer and its own bias: [B, out_features] -> [B, in_features]."""

    def __init__(self, layer: nn.Linear | SparseLinear) -> None:
        super().__init__()
        self._layer = (layer,)  # inside a tuple, so that torch does not register and save the weights twice
        self.bias = nn.Parameter(torch.zeros(layer.in_features))

    @property
    def weight(self) -> Tensor:
        """The weights of the other layer, not copied."""
        return self._layer[0].weight

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight if isinstance(self._layer[0], SparseLinear) else self.weight.T
        return nn.functional.linear(x, weight, self.bias)


def get_linear_layers(network: nn.Sequential) -> list[nn.Linear | SparseLinear]:
    """Return the layers of an encoder or an untied decoder that have weights, in their order."""
    return [module for module in network if isinstance(module, nn.Linear | SparseLinear)]


def get_activation(*, is_sparse: bool) -> type[nn.Module]:
    """Return the activation of hidden layers.

    The smooth SiLU reconstructs images better; codes of bags of words find better neighbors with the hard zeros of ReLU.
    """
    return nn.ReLU if is_sparse else nn.SiLU


def _dropout(probability: float) -> list[nn.Module]:
    return [nn.Dropout(probability)] if probability else []
