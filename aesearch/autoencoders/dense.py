"""The fully connected body: the layers narrow to the code and widen again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from aesearch.autoencoders.batches import SparseLinear


def encoder(
    shape: tuple[int, ...], layers: Sequence[int], code_size: int, *, sparse: bool, dropout: float = 0.0
) -> nn.Sequential:
    """[B, *shape] (or SparseBatch of shape[0] words) -> [B, code_size]; the first layer of a sparse one is a SparseLinear."""
    sizes = [prod(shape), *layers, code_size]
    bend = activation(sparse=sparse)
    steps: list[nn.Module] = [SparseLinear(sizes[0], sizes[1])] if sparse else [nn.Flatten(), nn.Linear(sizes[0], sizes[1])]
    for size, next_size in pairwise(sizes[1:]):
        steps += [bend(), *([nn.Dropout(dropout)] if dropout else []), nn.Linear(size, next_size)]
    return nn.Sequential(*steps)


def decoder(
    shape: tuple[int, ...], layers: Sequence[int], code_size: int, *, sparse: bool, dropout: float = 0.0
) -> nn.Sequential:
    """[B, code_size] -> [B, *shape], before the loss's link."""
    sizes = [code_size, *reversed(layers), prod(shape)]
    bend = activation(sparse=sparse)
    steps: list[nn.Module] = []
    for size, next_size in pairwise(sizes):
        steps += [nn.Linear(size, next_size), bend(), *([nn.Dropout(dropout)] if dropout else [])]
    return nn.Sequential(*steps[: -2 if dropout else -1], nn.Unflatten(1, shape))


def tied(encoder: nn.Sequential, shape: tuple[int, ...], *, sparse: bool) -> nn.Sequential:
    """The decoder whose weights are the encoder's own, transposed: [B, code_size] -> [B, *shape]."""
    bend = activation(sparse=sparse)
    steps: list[nn.Module] = []
    for layer in reversed(linear_layers(encoder)):
        steps += [Transposed(layer), bend()]
    return nn.Sequential(*steps[:-1], nn.Unflatten(1, shape))


class Transposed(nn.Module):
    """The way back through a layer: its weights transposed, and a bias of its own."""

    def __init__(self, layer: nn.Linear | SparseLinear) -> None:
        super().__init__()
        self._layer = (layer,)  # in a tuple, so that the weights are not counted, or saved, twice
        self.bias = nn.Parameter(torch.zeros(_inputs(layer)))

    @property
    def weight(self) -> Tensor:
        """[in, out] of the way back is [out, in] of the way there: one tensor."""
        return self._layer[0].weight

    def forward(self, z: Tensor) -> Tensor:
        weight = self.weight if isinstance(self._layer[0], SparseLinear) else self.weight.T
        return nn.functional.linear(z, weight, self.bias)


def linear_layers(body: nn.Sequential) -> list[nn.Linear | SparseLinear]:
    """The layers with weights, from the first to the last."""
    return [step for step in body if isinstance(step, nn.Linear | SparseLinear)]


def _inputs(layer: nn.Linear | SparseLinear) -> int:
    return layer.weight.shape[0] if isinstance(layer, SparseLinear) else layer.in_features


def activation(*, sparse: bool) -> type[nn.Module]:
    """The smooth SiLU reconstructs pictures better; codes of words find better neighbors with ReLU's hard zeros."""
    return nn.ReLU if sparse else nn.SiLU
