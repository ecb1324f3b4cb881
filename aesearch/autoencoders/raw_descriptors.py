"""Raw descriptors of images: histograms of oriented gradients for shape, color histograms, small thumbnails.

A vector has one raw descriptor, the vector at unit length. All are computed by sums and products, so that they can be
exported together with an encoder. The raw descriptor of a mirror image has the values of the image's own in another order,
`mirrored_order`.

References
----------
Dalal & Triggs 2005, "Histograms of oriented gradients for human detection".
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

N_DIRECTIONS = 12
"""Directions of gradients over the full circle: an edge from dark to light differs from one from light to dark."""
THUMBNAIL_SIDE = 16
"""Maximum side of a thumbnail in pixels."""


class Gradients(nn.Module):
    """Histograms of oriented gradients: [B, C, H, W] -> [B, N_DIRECTIONS * n_cells^2].

    They say how strongly the brightness rises in each direction in each cell. A pixel counts the channel of the steepest
    gradient. Cells overlap by half, and are normalized by the energy around them.

    Parameters
    ----------
    shape : tuple of int
        (C, H, W)
    """

    rows: Tensor
    columns: Tensor
    directions: Tensor
    mirrored_order: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        _, height, width = shape
        shorter_side = min(height, width)
        n_cells = min(8, max(2, shorter_side // (4 if shorter_side >= 16 else 2)))
        numbers = torch.arange(N_DIRECTIONS)
        angles = numbers * (2 * math.pi / N_DIRECTIONS)
        order = torch.arange(N_DIRECTIONS * n_cells**2).view(N_DIRECTIONS, n_cells, n_cells)
        mirrored_numbers = (N_DIRECTIONS // 2 - numbers) % N_DIRECTIONS
        for name, value in (
            ("rows", build_pooling_weights(height, n_cells)),
            ("columns", build_pooling_weights(width, n_cells)),
            ("directions", torch.stack([angles.cos(), angles.sin()], 1)),
            ("mirrored_order", order[mirrored_numbers].flip(2).flatten()),
        ):
            self.register_buffer(name, value, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the histograms of images with values in 0..1."""
        # The square root makes an edge in a dark region count as much as one in a bright region.
        padded = nn.functional.pad(x.clamp_min(0).sqrt(), (1, 1, 1, 1), mode="replicate")
        dx = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]  # [B, C, H, W]
        dy = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
        squared_norm = dx * dx + dy * dy
        if x.shape[1] > 1:
            squared_norm, steepest = squared_norm.max(1, keepdim=True)
            dx, dy = dx.gather(1, steepest), dy.gather(1, steepest)  # [B, 1, H, W]
        # norm * cos^8 of the angle to each direction: a gradient between two directions counts for both. It is computed as
        # (norm^1/8 * cos)^8, one matrix product for all directions. The ONNX exporter would drop the addition of a tiny
        # number, but not this minimum.
        norm = squared_norm.clamp_min(1e-8).sqrt()
        scale = norm.sqrt().sqrt().sqrt() / norm
        gradients = torch.cat([dx * scale, dy * scale], 1)  # [B, 2, H, W]
        responses = (self.directions @ gradients.flatten(2)).relu().unflatten(2, x.shape[2:])  # [B, N_DIRECTIONS, H, W]
        responses = responses * responses
        responses = responses * responses
        responses = responses * responses
        cells = self.rows @ responses @ self.columns.T  # [B, N_DIRECTIONS, n_cells, n_cells]
        energy = nn.functional.pad(cells.square().sum(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
        energy = nn.functional.avg_pool2d(energy, 3, 1)
        return (cells / (energy + 3e-3).sqrt()).flatten(1)


class ColorHistogram(nn.Module):
    """Histograms of lightness and two opponent colors in four quarters of an image: [B, 3, H, W] -> [B, 4 * 100].

    Parameters
    ----------
    shape : tuple of int
        (3, H, W)
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("rows", build_pooling_weights(shape[1], 2), persistent=False)
        self.register_buffer("columns", build_pooling_weights(shape[2], 2), persistent=False)
        self.register_buffer("mirrored_order", torch.arange(400).view(100, 2, 2).flip(2).flatten(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the square roots of the histograms of images with values in 0..1."""
        red, green, blue = x[:, 0], x[:, 1], x[:, 2]  # [B, H, W]
        lightness = _assign_to_bins((red + green + blue) / 3, 0.0, 1.0, 4)
        red_green = _assign_to_bins((red - green) / 2, -0.25, 0.25, 5)
        yellow_blue = _assign_to_bins((red + green - 2 * blue) / 4, -0.25, 0.25, 5)
        joint = (red_green.unsqueeze(2) * yellow_blue.unsqueeze(1)).flatten(1, 2)  # [B, 25, H, W]
        joint = (joint.unsqueeze(2) * lightness.unsqueeze(1)).flatten(1, 2)  # [B, 100, H, W]
        return (self.rows @ joint @ self.columns.T).clamp_min(1e-6).sqrt().flatten(1)


class Thumbnail(nn.Module):
    """Images reduced to at most THUMBNAIL_SIDE pixels on each side: [B, C, H, W] -> [B, C * h * w].

    Parameters
    ----------
    shape : tuple of int
        (C, H, W)
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        channels, height, width = shape[0], min(THUMBNAIL_SIDE, shape[1]), min(THUMBNAIL_SIDE, shape[2])
        self.register_buffer("rows", build_pooling_weights(shape[1], height), persistent=False)
        self.register_buffer("columns", build_pooling_weights(shape[2], width), persistent=False)
        order = torch.arange(channels * height * width).view(channels, height, width)
        self.register_buffer("mirrored_order", order.flip(2).flatten(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the pixels of the thumbnails."""
        return (self.rows @ x @ self.columns.T).flatten(1)


class UnitVector(nn.Module):
    """Vectors scaled to unit length, because embeddings are usually compared by cosine: [B, D] -> [B, D].

    Parameters
    ----------
    shape : tuple of int
        (D,)
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Return the unit vectors."""
        return x / x.square().sum(1, keepdim=True).clamp_min(1e-12).sqrt()


IMAGE_DESCRIPTORS: dict[str, type[nn.Module]] = {"gradients": Gradients, "colors": ColorHistogram, "pixels": Thumbnail}
VECTOR_DESCRIPTORS: dict[str, type[nn.Module]] = {"numbers": UnitVector}


def build_pooling_weights(size: int, n_cells: int) -> Tensor:
    """Return the weights by which cells average a side of `size` pixels, [n_cells, size].

    They are triangular: each cell's weights fall to 0 at the centers of its neighbors.
    """
    centers = (torch.arange(n_cells) + 0.5) * (size / n_cells)
    weights = (1 - (torch.arange(size) + 0.5 - centers[:, None]).abs() * (n_cells / size)).clamp_min(0)
    return weights / weights.sum(1, keepdim=True)


def _assign_to_bins(values: Tensor, low: float, high: float, n_bins: int) -> Tensor:
    """Divide each value between the two bins whose centers it lies between: [B, H, W] -> [B, n_bins, H, W]."""
    centers = torch.linspace(low, high, n_bins, device=values.device).view(1, -1, 1, 1)
    step = (high - low) / (n_bins - 1)
    return (1 - (values.clamp(low, high).unsqueeze(1) - centers).abs() / step).clamp_min(0)
