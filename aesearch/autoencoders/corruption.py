"""The input noise of denoising autoencoders as a layer."""

from __future__ import annotations

from torch import Tensor, nn

from aesearch.autoencoders.batches import SparseBatch
from aesearch.autoencoders.noise import get_noise


class Corruption(nn.Module):
    """Adds noise to batches of rows in training, and leaves them unchanged otherwise, as nn.Dropout does.

    In a bag of words, only the weights of the document's terms change.

    Parameters
    ----------
    noise : str or None
        A name in NOISES; None for no noise.
    level : float or None
        Level of the noise; None for its default.

    Raises
    ------
    UnknownName
        If there is no such noise.
    InvalidParameter
        If the level is out of range.
    """

    def __init__(self, noise: str | None, level: float | None) -> None:
        super().__init__()
        self._noise = None if noise is None else get_noise(noise, level)

    def forward(self, x: Tensor | SparseBatch) -> Tensor | SparseBatch:
        """Return the batch x, [B, *shape] or SparseBatch, with noise."""
        if self._noise is None or not self.training:
            return x
        noise, level = self._noise
        return x.map_weights(lambda weights: noise(weights, level)) if isinstance(x, SparseBatch) else noise(x, level)
