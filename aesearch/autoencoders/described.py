"""Base class of the coders that encode images and vectors from their descriptors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from aesearch.autoencoders.batches import SparseBatch
from aesearch.autoencoders.descriptors import IMAGE_BATCH_SIZE, Descriptors
from aesearch.autoencoders.scaling import MAX_FIT_ROWS, LinearReadout
from aesearch.autoencoders.torch_coder import TorchCoder

if TYPE_CHECKING:
    from aesearch.arrays import Rows


class DescribedCoder(TorchCoder):
    """A coder whose encoder maps the descriptors of an image or vector to its code.

    Attributes
    ----------
    encoder : nn.Module
        Maps descriptors [B, width] to codes [B, code_size].
    descriptor_layer : Descriptors
        Computes the descriptors; known after fit().
    is_mirror_invariant : bool
        Whether the collection's images could as well be mirrored, as photos can; known after fit(). If so, the code of an
        image is the sum of the codes of the image and its mirror image, so that both have the same code.
    """

    encoder: nn.Module
    descriptor_layer: Descriptors
    readout: LinearReadout
    is_mirror_invariant = False

    def to_code(self, x: Tensor | SparseBatch) -> Tensor:
        """Map a batch of rows, [B, *shape] or SparseBatch, to codes [B, code_size]."""
        return self.encoder(x) if isinstance(x, SparseBatch) else self.encode_with_descriptors(x)[0]

    def encode_with_descriptors(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map images or vectors [B, *shape] to their codes [B, code_size] and their descriptors [B, width]."""
        if not self.is_mirror_invariant:
            described = self.descriptor_layer(x)
            return self.encoder(described), described
        described, mirrored = self.descriptor_layer.forward_with_mirrored(x)
        return self.encoder(described) + self.encoder(mirrored), described

    @property
    def descriptor_weights(self) -> dict[str, float]:
        """Weight of each descriptor."""
        return self.descriptor_layer.weights

    def _build_descriptors(self, shape: tuple[int, ...], weights: Mapping[str, float]) -> None:
        """Create the modules between rows and descriptors."""
        self.descriptor_layer = Descriptors(shape, weights)
        self.readout = LinearReadout(self.code_size, shape)
        self.encode_batch_size = IMAGE_BATCH_SIZE

    def _finish(self, X: Rows) -> None:
        sample = np.asarray(X)[:: max(1, X.shape[0] // MAX_FIT_ROWS)]
        self.readout.fit(self.encode(sample), sample)

    def rerank_features(self, X: Rows) -> Rows:
        """Return documents as they are, and the descriptors of images and vectors."""
        self._check(X)
        return X if self.is_sparse else self.descriptor_layer.transform(np.asarray(X))

    def rerank_feature_groups(self) -> dict[str, int]:
        return {} if self.is_sparse else self.descriptor_layer.widths

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the reconstructed rows of codes, [n_items, *shape] float32.

        Images and vectors cannot be computed from their descriptors; they are reconstructed by linear regression.
        """
        return self._decode_batches(codes, self.readout)

    def _graph(self) -> nn.Module:
        return _Encoder(self)

    def _save_state(self, folder: Path) -> dict[str, Any]:
        return {
            **super()._save_state(folder),
            "descriptors": None if self.is_sparse else self.descriptor_layer.weights,
            "rerank_feature_groups": self.rerank_feature_groups(),
            "is_mirror_invariant": self.is_mirror_invariant,
        }


class _Encoder(nn.Module):
    """The encoder of images and vectors as it is exported: to codes and descriptors."""

    def __init__(self, model: DescribedCoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.encode_with_descriptors(x)
