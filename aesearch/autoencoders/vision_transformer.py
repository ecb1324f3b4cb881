"""Parts of a vision transformer: scaling, patches, position encodings, blocks (Dosovitskiy et al. 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.autoencoders.scaling import MAX_FIT_ROWS, Standardizer

if TYPE_CHECKING:
    from aesearch.arrays import Rows


class TransformerSize(NamedTuple):
    """Width, blocks and attention heads of the encoder; width and blocks of the decoder."""

    width: int
    n_blocks: int
    n_heads: int
    decoder_width: int
    n_decoder_blocks: int


SIZES = {
    "tiny": TransformerSize(64, 4, 4, 32, 1),
    "small": TransformerSize(192, 6, 6, 96, 2),
    "base": TransformerSize(768, 12, 12, 512, 8),
}


class ChannelStandardizer(Standardizer):
    """Standardizer with one mean for each channel, which fits images of any size.

    Parameters
    ----------
    n_channels : int
    """

    def __init__(self, n_channels: int) -> None:
        super().__init__((n_channels, 1, 1))

    def fit(self, X: Rows) -> None:
        """Fit to images [n_items, C, H, W] uint8 or float32."""
        sample = np.asarray(X[:: max(1, len(X) // MAX_FIT_ROWS)])
        unit = np.float32(255 if sample.dtype == np.uint8 else 1)
        self.mean.copy_(torch.from_numpy(sample.mean((0, 2, 3), keepdims=True)[0] / unit))
        self.deviation.fill_(max(float(sample.std()) / float(unit), 1e-6))


def patchify(x: Tensor, side: int) -> Tensor:
    """Cut images [B, C, H, W] into square patches [B, N, C * side^2], row by row."""
    _, _, height, width = x.shape
    patches = x.unflatten(3, (width // side, side)).unflatten(2, (height // side, side))  # [B, C, h, side, w, side]
    return patches.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def unpatchify(patches: Tensor, side: int, height: int, width: int) -> Tensor:
    """Join patches [B, N, C * side^2] to images [B, C, height, width]."""
    grid = patches.unflatten(1, (height // side, width // side)).unflatten(3, (-1, side, side))
    return grid.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)


def compute_patch_statistics(patches: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each of the patches [B, N, P]: [B, N, 1] each."""
    return patches.mean(2, keepdim=True), (patches.var(2, keepdim=True) + 1e-6).sqrt()


def encode_positions(grid: tuple[int, int], width: int, device: torch.device) -> Tensor:
    """Return the position encodings of a grid of patches, row by row: [rows * columns, width].

    Sines and cosines of the patch's row are in the first half, those of its column in the second.
    """
    frequencies = 10_000.0 ** (-torch.arange(width // 4, device=device) / (width / 4))
    row_angles, column_angles = (torch.arange(side, device=device)[:, None] * frequencies for side in grid)
    rows, columns = (torch.cat([angles.sin(), angles.cos()], 1) for angles in (row_angles, column_angles))
    encodings = [rows[:, None].expand(-1, grid[1], -1), columns[None].expand(grid[0], -1, -1)]
    return torch.cat(encodings, 2).flatten(0, 1)


def build_transformer(width: int, n_blocks: int, n_heads: int) -> nn.Module:
    """Return blocks of pre-norm attention and a two-layer network, which map tokens [B, N, width] to tokens."""
    block = nn.TransformerEncoderLayer(width, n_heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
    return nn.TransformerEncoder(block, n_blocks, nn.LayerNorm(width), enable_nested_tensor=False)
