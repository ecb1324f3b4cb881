"""Descriptors of images and vectors: each raw descriptor is centered, partly whitened, and weighted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.autoencoders.batches import RowBatches
from aesearch.autoencoders.raw_descriptors import IMAGE_DESCRIPTORS, VECTOR_DESCRIPTORS
from aesearch.errors import InvalidParameter, UnknownName

MAX_COMPONENTS = 128
"""Principal components of each descriptor that are kept."""
WHITENING_EXPONENT = 0.25
"""Each component is divided by its variance to this power. 0.5 would be full whitening, which amplifies the components of
least variance up to those of most. Neighbors are better with 0.25 on digits and clothes, and about equal on photos."""
MIN_VARIANCE_SHARE = 1e-3
"""Variances below this share of the largest are treated as noise, and are not amplified further."""
CHUNK_ROWS = 1024
"""Rows whose descriptors are held in memory before whitening: they are many times as wide as after it."""
IMAGE_BATCH_SIZE = 32
"""Few enough images that their feature maps stay in the processor's cache."""


class Descriptors(nn.Module):
    """Maps images or vectors [B, *shape] to their weighted descriptors [B, width].

    Parameters
    ----------
    shape : tuple of int
        (C, H, W) for images with values in 0..1, or (D,) for vectors.
    weights : mapping of str to float
        Weight of each descriptor: "gradients", "colors" (if C is 3) and "pixels" for images, "numbers" for vectors.

    Attributes
    ----------
    widths : dict of str to int
        Columns of each descriptor, in order.
    width : int
        Their sum.

    Raises
    ------
    UnknownName
        If there is no such descriptor.
    InvalidParameter
        If no descriptor is given, or one does not fit the images.
    """

    def __init__(self, shape: tuple[int, ...], weights: Mapping[str, float]) -> None:
        super().__init__()
        self.weights = dict(weights)
        classes = VECTOR_DESCRIPTORS if len(shape) == 1 else IMAGE_DESCRIPTORS
        for name in weights:
            if name not in classes:
                raise UnknownName("descriptor", name, classes)
        if not weights:
            raise InvalidParameter('no descriptors are given; choose at least one, such as "gradients"')
        if "colors" in weights and shape[0] != 3:
            raise InvalidParameter(f'descriptor "colors" requires 3 channels, and images have {shape[0]}; use "gradients"')
        self.extractors = nn.ModuleDict({name: classes[name](shape) for name in weights})
        self.widths: dict[str, int] = {}
        for name in weights:
            n_features = int(self.extractors[name](torch.zeros(1, *shape)).shape[1])
            self.widths[name] = min(n_features, MAX_COMPONENTS)
            self.register_buffer(f"{name}_mean", torch.zeros(n_features))
            self.register_buffer(f"{name}_components", torch.zeros(n_features, self.widths[name]))
        self.width = sum(self.widths.values())

    @torch.no_grad()
    def fit(self, raw: Mapping[str, Tensor]) -> None:
        """Fit the components to raw descriptors, as `extract` returns them."""
        for name, weight in self.weights.items():
            rows = raw[name]
            mean = rows.mean(0).double()
            covariance = rows.new_zeros(rows.shape[1], rows.shape[1], dtype=torch.float64)
            for chunk in _center(rows, mean):
                covariance.addmm_(chunk.T, chunk)
            variances, directions = torch.linalg.eigh(covariance / max(1, len(rows) - 1))
            n_components = self.widths[name]
            variances, directions = variances[-n_components:].flip(0), directions[:, -n_components:].flip(1)
            min_variance = max(MIN_VARIANCE_SHARE * float(variances[0]), 1e-12)
            components = directions / variances.clamp_min(min_variance) ** WHITENING_EXPONENT
            squares = sum((chunk @ components).square().sum() for chunk in _center(rows, mean))
            scale = (squares / (len(rows) * n_components)).sqrt()
            scale = scale if scale > 1e-6 else torch.ones_like(scale)  # equal rows differ by rounding errors only
            self.get_buffer(f"{name}_mean").copy_(mean)
            self.get_buffer(f"{name}_components").copy_(components * (weight / scale))

    def forward(self, x: Tensor) -> Tensor:
        """Return the descriptors of a batch [B, *shape]: [B, width]."""
        return self.whiten({name: extract(x) for name, extract in self.extractors.items()})

    def forward_with_mirrored(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the descriptors of images [B, C, H, W] and of their mirror images: [B, width] each.

        The raw descriptor of a mirror image is that of the image in another order, so it is not computed again.
        """
        raw = {name: extract(x) for name, extract in self.extractors.items()}
        mirrored = {name: raw[name][:, self.extractors[name].get_buffer("mirrored_order")] for name in raw}
        return self.whiten(raw), self.whiten(mirrored)

    @torch.no_grad()
    def transform(self, X: np.ndarray) -> np.ndarray:
        """Return the descriptors of rows, [n_items, width] float32.

        Parameters
        ----------
        X : array of shape (n_items, *shape)
            uint8 pixels in 0..255, or float32.
        """
        chunks = [self.whiten(self.extract(X[i : i + CHUNK_ROWS])) for i in range(0, max(1, len(X)), CHUNK_ROWS)]
        return torch.cat(chunks).cpu().numpy()

    @torch.no_grad()
    def extract(self, X: np.ndarray) -> dict[str, Tensor]:
        """Return the raw descriptors of rows, before whitening: [n_items, n_features] each."""
        data = RowBatches(np.ascontiguousarray(X), next(self.buffers()).device)
        raw: dict[str, Tensor] = {}
        for positions in torch.arange(len(data)).split(IMAGE_BATCH_SIZE) or [torch.arange(0)]:
            batch = data[positions]
            for name, extract in self.extractors.items():
                features = extract(batch)
                if name not in raw:  # concatenating the batches at the end would take twice the memory
                    raw[name] = features.new_empty(len(data), *features.shape[1:])
                raw[name][positions] = features
        return raw

    def whiten(self, raw: Mapping[str, Tensor]) -> Tensor:
        """Center, whiten, weight and concatenate raw descriptors, [B, n_features] each: [B, width]."""
        parts = [
            (raw[name] - self.get_buffer(f"{name}_mean")) @ self.get_buffer(f"{name}_components") for name in self.weights
        ]
        return torch.cat(parts, 1)


def _center(rows: Tensor, mean: Tensor) -> Iterator[Tensor]:
    """Yield rows [N, n_features] minus their mean in float64, in chunks: all together take twice the memory of the rows."""
    return (chunk.double() - mean for chunk in rows.split(CHUNK_ROWS))
