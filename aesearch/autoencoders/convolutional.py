"""The convolutional body: strided convolutions halve the picture down to the code, transposed ones double it again.

Masci et al. 2011, "Stacked convolutional auto-encoders for hierarchical feature extraction"; strides in the place of
pooling as in Radford et al. 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from aesearch.errors import InvalidParameter

KERNEL, STRIDE, PADDING = 4, 2, 1
SMALLEST = 4
"""A picture is halved while both sides stay at least half of this; small pictures use the first few layers only."""


def encoder(shape: tuple[int, ...], layers: Sequence[int], code_size: int) -> nn.Sequential:
    """[B, C, H, W] -> [B, code_size]; `layers` are the channels after each halving."""
    sizes, channels = _plan(shape, layers)
    steps: list[nn.Module] = []
    for before, after in pairwise(channels):
        steps += [nn.Conv2d(before, after, KERNEL, STRIDE, PADDING), nn.SiLU()]
    height, width = sizes[-1]
    return nn.Sequential(*steps, nn.Flatten(), nn.Linear(channels[-1] * height * width, code_size))


def decoder(shape: tuple[int, ...], layers: Sequence[int], code_size: int) -> nn.Sequential:
    """[B, code_size] -> [B, C, H, W], before the loss's link."""
    sizes, channels = _plan(shape, layers)
    height, width = sizes[-1]
    steps: list[nn.Module] = [
        nn.Linear(code_size, channels[-1] * height * width),
        nn.Unflatten(1, (channels[-1], height, width)),
    ]
    for (before, after), (small, large) in zip(pairwise(reversed(channels)), pairwise(reversed(sizes)), strict=True):
        odd = (large[0] - 2 * small[0], large[1] - 2 * small[1])  # the row and column that an odd side lost by halving
        steps += [nn.SiLU(), nn.ConvTranspose2d(before, after, KERNEL, STRIDE, PADDING, output_padding=odd)]
    return nn.Sequential(*steps)


def _plan(shape: tuple[int, ...], layers: Sequence[int]) -> tuple[list[tuple[int, int]], list[int]]:
    """The sides and the channels from the picture down to the smallest map, both one longer than the halvings."""
    if len(shape) != 3:
        raise InvalidParameter(
            f'the convolutional body is for pictures [C, H, W], not for rows of shape {shape}; choose "dense"'
        )
    sizes, channels = [(shape[1], shape[2])], [shape[0]]
    for layer in layers:
        height, width = sizes[-1]
        if min(height, width) < SMALLEST:
            break
        sizes.append((height // 2, width // 2))
        channels.append(layer)
    return sizes, channels
