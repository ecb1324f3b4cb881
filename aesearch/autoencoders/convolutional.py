"""The convolutional architecture: strided convolutions halve an image down to the code, transposed ones double it again.

References
----------
Masci et al. 2011, "Stacked convolutional auto-encoders for hierarchical feature extraction".
Radford et al. 2016, "Unsupervised representation learning with deep convolutional generative adversarial networks"; strides
replace pooling as in this paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from aesearch.errors import InvalidParameter

KERNEL_SIZE, STRIDE, PADDING = 4, 2, 1
MIN_SIDE_TO_HALVE = 4
"""Maps with a shorter side, in pixels, are not halved again; small images therefore use only the first layers."""


def build_encoder(shape: tuple[int, ...], layers: Sequence[int], code_size: int) -> nn.Sequential:
    """Return the network from images [B, C, H, W] to codes [B, code_size]; `layers` are the channels after each halving."""
    sizes, channels = _plan_maps(shape, layers)
    modules: list[nn.Module] = []
    for in_channels, out_channels in pairwise(channels):
        modules += [nn.Conv2d(in_channels, out_channels, KERNEL_SIZE, STRIDE, PADDING), nn.SiLU()]
    height, width = sizes[-1]
    return nn.Sequential(*modules, nn.Flatten(), nn.Linear(channels[-1] * height * width, code_size))


def build_decoder(shape: tuple[int, ...], layers: Sequence[int], code_size: int) -> nn.Sequential:
    """Return the network from codes [B, code_size] to [B, C, H, W], to which the link of the loss is applied."""
    sizes, channels = _plan_maps(shape, layers)
    height, width = sizes[-1]
    modules: list[nn.Module] = [
        nn.Linear(code_size, channels[-1] * height * width),
        nn.Unflatten(1, (channels[-1], height, width)),
    ]
    steps = zip(pairwise(reversed(channels)), pairwise(reversed(sizes)), strict=True)
    for (in_channels, out_channels), (small, large) in steps:
        # Halving dropped one row or column of an odd side; output_padding restores it.
        padding = (large[0] - 2 * small[0], large[1] - 2 * small[1])
        modules += [
            nn.SiLU(),
            nn.ConvTranspose2d(in_channels, out_channels, KERNEL_SIZE, STRIDE, PADDING, output_padding=padding),
        ]
    return nn.Sequential(*modules)


def _plan_maps(shape: tuple[int, ...], layers: Sequence[int]) -> tuple[list[tuple[int, int]], list[int]]:
    """Return the (height, width) and the channels of all maps, from the image to the smallest one."""
    if len(shape) != 3:
        raise InvalidParameter(
            f'architecture "convolutional" requires images [C, H, W], but rows have shape {shape}; choose "dense"'
        )
    sizes, channels = [(shape[1], shape[2])], [shape[0]]
    for layer in layers:
        height, width = sizes[-1]
        if min(height, width) < MIN_SIDE_TO_HALVE:
            break
        sizes.append((height // 2, width // 2))
        channels.append(layer)
    return sizes, channels
