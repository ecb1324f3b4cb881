"""Semantic hashing: an autoencoder with binary codes, so that similar items differ in few bits.

In training, noise is added to the input of sigmoid code units. Only inputs far from 0 carry information through the noise.
The units therefore saturate, and rounding them to bits loses little.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.batches import SparseBatch
from aesearch.coders.base import BITS_PER_BYTE, Metric
from aesearch.errors import InvalidParameter


class HashingAutoencoder(Autoencoder):
    """Autoencoder with binary codes, which are compared by the Hamming distance.

    Parameters
    ----------
    code_size : int
        Bits of a code, a multiple of 8.
    code_noise : float
        Standard deviation of the noise added to the input of the code units in training.
    straight_through : bool
        Whether the code units are also rounded in training. The gradient ignores the rounding (Bengio et al. 2013).
    whiten : bool
        Must be false: bits cannot be whitened.
    **params
        Further parameters of `Autoencoder`.

    References
    ----------
    Salakhutdinov & Hinton 2007, "Semantic hashing"; for documents.
    Krizhevsky & Hinton 2011, "Using very deep autoencoders for content-based image retrieval"; codes of 28 and 256 bits.
    Bengio et al. 2013, "Estimating or propagating gradients through stochastic neurons for conditional computation".
    """

    metric: Metric = "hamming"

    def __init__(
        self,
        code_size: int = 64,
        *,
        code_noise: float = 1.0,
        straight_through: bool = False,
        whiten: bool = False,
        **params: Any,
    ) -> None:
        if code_size % BITS_PER_BYTE:
            nearest = max(1, round(code_size / BITS_PER_BYTE)) * BITS_PER_BYTE
            raise InvalidParameter(f"code size {code_size} is not a multiple of 8; choose {nearest} (--code-size)")
        if whiten:
            raise InvalidParameter("whiten is true, but binary codes cannot be whitened; leave it out")
        super().__init__(code_size, whiten=False, **params)
        if code_noise < 0:
            raise InvalidParameter(f"code_noise is {code_noise}; choose 0 or more")
        self.code_noise, self.straight_through = code_noise, straight_through
        self.name = "hashing"

    @classmethod
    def max_code_size(cls, shape: tuple[int, ...], n_items: int) -> int:
        return max(BITS_PER_BYTE, super().max_code_size(shape, n_items))

    def to_code(self, x: Tensor | SparseBatch) -> Tensor:
        """Return the input of the code units, [B, code_size], or in training the units themselves. Positive is a 1."""
        inputs = super().to_code(x)
        if not self.training:
            return inputs
        units = (inputs + self.code_noise * torch.randn_like(inputs)).sigmoid()
        return units + (units.round() - units).detach() if self.straight_through else units

    def objective(self, batch: Any) -> Tensor:
        """Return the reconstruction loss of a batch; in validation, that of the bits."""
        z = self.to_code(self.corrupt(batch))
        if not self.training:
            z = (z > 0).float()
        return self.reconstruction_loss(self.from_code(z), batch)

    def encode(self, X: Any) -> np.ndarray:
        """Return the packed bits of rows, (n_items, code_size / 8) uint8. Dimension 0 is the highest bit of byte 0."""
        return np.packbits(super().encode(X) > 0, axis=1)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return super().decode(np.unpackbits(codes, axis=1).astype(np.float32))

    def get_params(self) -> dict[str, Any]:
        return super().get_params() | {"code_noise": self.code_noise, "straight_through": self.straight_through}
