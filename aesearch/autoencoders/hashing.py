"""Semantic hashing: the code itself is bits, learned as such; near items lie within a few flips, in a ball of addresses.

Salakhutdinov & Hinton 2007, "Semantic hashing" (words); Krizhevsky & Hinton 2011, "Using very deep autoencoders for
content-based image retrieval" (28- and 256-bit codes of pictures).  Noise is added to what enters sigmoid units: only an
answer far from the middle survives it, so the units saturate, and rounding them loses little.  With `straight_through` they
are rounded already in training, and the gradient passes as if they were not (Bengio et al. 2013).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.batches import SparseBatch
from aesearch.coders.base import Metric
from aesearch.errors import InvalidParameter


class HashingAutoencoder(Autoencoder):
    """An autoencoder whose codes are bits.

    Parameters
    ----------
    code_size : bits, a multiple of 8.
    code_noise : standard deviation of the noise on what enters the code's units in training.
    straight_through : whether they are rounded in training too.
    **others : as of `Autoencoder`.
    """

    def __init__(
        self, code_size: int = 64, *, code_noise: float = 1.0, straight_through: bool = False, **others: Any
    ) -> None:
        if code_size % 8:
            raise InvalidParameter(
                f"hashing: {code_size} bits are no multiple of 8; choose {max(8, round(code_size / 8) * 8)}"
            )
        if others.get("whiten"):
            raise InvalidParameter("hashing: bits cannot be whitened; leave it out")
        super().__init__(code_size, **{**others, "whiten": False})
        if code_noise < 0:
            raise InvalidParameter(f"hashing: code_noise is {code_noise}; choose 0 or more")
        self.code_noise, self.straight_through = code_noise, straight_through
        self.name = "hashing"
        self.metric: Metric = "hamming"

    # The steps.  The encoder gives what enters the units: above 0 is a 1.

    def to_code(self, x: Tensor | SparseBatch) -> Tensor:
        """[B, D]: what enters the units in use, the units in training."""
        entering = super().to_code(x)
        if not self.training:
            return entering
        units = (entering + self.code_noise * torch.randn_like(entering)).sigmoid()
        return units + (units.round() - units).detach() if self.straight_through else units

    def objective(self, x: Any) -> Tensor:
        z = self.to_code(self.corrupt(x))
        if not self.training:  # judged as it will be used: by its bits
            z = (z > 0).float()
        return self._loss(self.from_code(z), x)

    # The coder's contract.

    def get_params(self) -> dict[str, Any]:
        return super().get_params() | {"code_noise": self.code_noise, "straight_through": self.straight_through}

    def encode(self, X: Any) -> np.ndarray:
        """[N, code_size / 8] uint8: the first number is the highest bit of the first byte."""
        return np.packbits(super().encode(X) > 0, axis=1)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return super().decode(np.unpackbits(codes, axis=1).astype(np.float32))
