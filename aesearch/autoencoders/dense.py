"""The fully connected body: the layers narrow to the code and widen again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from torch import nn

from aesearch.autoencoders.bags import BagLinear


def encoder(shape: tuple[int, ...], layers: Sequence[int], code_size: int, *, sparse: bool) -> nn.Sequential:
    """[B, *shape] (or Bags of shape[0] words) -> [B, code_size]; the first layer of a sparse one is a BagLinear."""
    sizes = [prod(shape), *layers, code_size]
    bend = activation(sparse=sparse)
    steps: list[nn.Module] = [BagLinear(sizes[0], sizes[1])] if sparse else [nn.Flatten(), nn.Linear(sizes[0], sizes[1])]
    for size, next_size in pairwise(sizes[1:]):
        steps += [bend(), nn.Linear(size, next_size)]
    return nn.Sequential(*steps)


def decoder(shape: tuple[int, ...], layers: Sequence[int], code_size: int, *, sparse: bool) -> nn.Sequential:
    """[B, code_size] -> [B, *shape], before the loss's link."""
    sizes = [code_size, *reversed(layers), prod(shape)]
    bend = activation(sparse=sparse)
    steps: list[nn.Module] = []
    for size, next_size in pairwise(sizes):
        steps += [nn.Linear(size, next_size), bend()]
    return nn.Sequential(*steps[:-1], nn.Unflatten(1, shape))


def activation(*, sparse: bool) -> type[nn.Module]:
    """The smooth SiLU reconstructs pictures better; codes of words find better neighbours with ReLU's hard zeros."""
    return nn.ReLU if sparse else nn.SiLU
