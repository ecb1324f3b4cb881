"""Descriptors of images and vectors: each raw descriptor is centered, partly whitened, and weighted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.autoencoders.batches import RowBatches
from aesearch.autoencoders.principal_components import center, fit_principal_components
from aesearch.autoencoders.raw_descriptors import IMAGE_DESCRIPTORS, VECTOR_DESCRIPTORS
from aesearch.autoencoders.visual_words import VisualWords
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
MAX_FIT_VALUES = 16 << 20
"""Values of a raw descriptor that its components are fitted to: 64 MiB. A wide descriptor is fitted to fewer rows."""
IMAGE_BATCH_SIZE = 32
"""Few enough images that their feature maps stay in the processor's cache."""


class Descriptors(nn.Module):
    """Maps images or vectors [B, *shape] to their weighted descriptors [B, width].

    Parameters
    ----------
    shape : tuple of int
        (C, H, W) for images with values in 0..1, or (D,) for vectors.
    weights : mapping of str to float
        Weight of each descriptor: "gradients", "colors" (if C is 3), "pixels" and "visual-words" for images, "numbers" for
        vectors.

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
        self.shape, self.weights = tuple(shape), dict(weights)
        classes = VECTOR_DESCRIPTORS if len(shape) == 1 else {**IMAGE_DESCRIPTORS, "visual-words": VisualWords}
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
    def fit_rows(self, X: np.ndarray, rng: np.random.Generator) -> Self:
        """Learn the dictionary of visual words from rows, and fit the components to their raw descriptors.

        Parameters
        ----------
        X : array of shape (n_items, *shape)
            uint8 pixels in 0..255, or float32.
        rng : numpy.random.Generator
            Draws the patches that a dictionary is learned from.
        """
        for name, extract in self.extractors.items():
            if isinstance(extract, VisualWords):
                extract.fit(X, seed=int(rng.integers(2**31)))
            max_rows = max(1, MAX_FIT_VALUES // len(self.get_buffer(f"{name}_mean")))
            self._fit_components(name, self._extract(name, X[:: max(1, -(-len(X) // max_rows))]))
        return self

    @torch.no_grad()
    def fit(self, raw: Mapping[str, Tensor]) -> None:
        """Fit the components to raw descriptors, as `extract` returns them."""
        for name in self.weights:
            self._fit_components(name, raw[name])

    def _fit_components(self, name: str, rows: Tensor) -> None:
        """Fit the components of one descriptor to raw descriptors [n_items, n_features]."""
        mean = rows.mean(0).double()
        variances, directions = fit_principal_components(rows, mean, self.widths[name])
        min_variance = max(MIN_VARIANCE_SHARE * float(variances[0]), 1e-12)
        components = directions / variances.clamp_min(min_variance) ** WHITENING_EXPONENT
        squares = torch.stack([(chunk @ components).square().sum() for chunk in center(rows, mean)]).sum()
        scale = (squares / (len(rows) * self.widths[name])).sqrt()
        scale = scale if scale > 1e-6 else torch.ones_like(scale)  # equal rows differ by rounding errors only
        self.get_buffer(f"{name}_mean").copy_(mean)
        self.get_buffer(f"{name}_components").copy_(components * (self.weights[name] / scale))

    def reweight(self, weights: Mapping[str, float]) -> Descriptors:
        """Return some of the fitted descriptors with other weights. They need not be fitted again."""
        other = Descriptors(self.shape, weights)
        state = self.state_dict()
        for name, weight in weights.items():
            state[f"{name}_components"] = state[f"{name}_components"] * (weight / self.weights[name])
        other.load_state_dict({name: state[name] for name in other.state_dict()})
        return other

    def reweight_rows(self, rows: np.ndarray, weights: Mapping[str, float]) -> np.ndarray:
        """Return the rows that `reweight(weights)` would compute for the same items.

        Parameters
        ----------
        rows : array of shape (n_items, width)
            Result of `transform`.
        weights : mapping of str to float
        """
        ends = dict(zip(self.widths, np.cumsum([*self.widths.values()]), strict=True))
        parts = [
            rows[:, ends[name] - self.widths[name] : ends[name]] * np.float32(weight / self.weights[name])
            for name, weight in weights.items()
        ]
        return np.concatenate(parts, axis=1)

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
        chunks = []
        for start in range(0, max(1, len(X)), CHUNK_ROWS):
            chunks.append(self.whiten(self.extract(X[start : start + CHUNK_ROWS])))
        return torch.cat(chunks).cpu().numpy()

    @torch.no_grad()
    def extract(self, X: np.ndarray) -> dict[str, Tensor]:
        """Return the raw descriptors of rows, before whitening: [n_items, n_features] each."""
        return {name: self._extract(name, X) for name in self.weights}

    def _extract(self, name: str, X: np.ndarray) -> Tensor:
        """Return one raw descriptor of rows, before whitening: [n_items, n_features]."""
        mean = self.get_buffer(f"{name}_mean")
        data = RowBatches(np.ascontiguousarray(X), mean.device)
        raw = mean.new_empty(len(data), len(mean))  # concatenating the batches at the end would take twice the memory
        for positions in torch.arange(len(data)).split(IMAGE_BATCH_SIZE):
            raw[positions] = self.extractors[name](data[positions])
        return raw

    def whiten(self, raw: Mapping[str, Tensor]) -> Tensor:
        """Center, whiten, weight and concatenate raw descriptors, [B, n_features] each: [B, width]."""
        parts = [
            (raw[name] - self.get_buffer(f"{name}_mean")) @ self.get_buffer(f"{name}_components") for name in self.weights
        ]
        return torch.cat(parts, 1)
