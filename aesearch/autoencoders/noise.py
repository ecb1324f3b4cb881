"""Noise that corrupts the input of a denoising autoencoder (Vincent et al. 2008, 2010).

Each noise is a function of a tensor with values in 0..1 and a level. For a bag of words the tensor holds the weights of the
terms in the document, so noise can remove or change a term, but never add one.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import torch
from torch import Tensor

from aesearch.errors import InvalidParameter, UnknownName


def add_gaussian_noise(x: Tensor, level: float) -> Tensor:
    """Add normal noise with standard deviation `level`."""
    return x + level * torch.randn_like(x)


def add_salt_and_pepper(x: Tensor, level: float) -> Tensor:
    """Replace each value with probability `level`: half of the time by the maximum of the batch, half of the time by 0."""
    uniform = torch.rand_like(x)
    salted = torch.where(uniform < level / 2, x.amax() if x.numel() else x.sum(), x)
    return torch.where((uniform >= level / 2) & (uniform < level), torch.zeros_like(x), salted)


def mask_values(x: Tensor, level: float) -> Tensor:
    """Set each value to 0 with probability `level`."""
    return x * (torch.rand_like(x) >= level)


def drop_values(x: Tensor, level: float) -> Tensor:
    """Set each value to 0 with probability `level`, and scale up the rest to keep the mean (Srivastava et al. 2014)."""
    return mask_values(x, level) / (1 - level)


Noise = Callable[[Tensor, float], Tensor]

NOISES: dict[str, tuple[Noise, float]] = {  # function and default level
    "gaussian": (add_gaussian_noise, 0.3),
    "salt-and-pepper": (add_salt_and_pepper, 0.25),
    "masking": (mask_values, 0.5),
    "dropout": (drop_values, 0.5),
}


def get_noise(name: str, level: float | None) -> tuple[Noise, float]:
    """Return the noise called `name`, and its level.

    Parameters
    ----------
    name : str
        A name in NOISES.
    level : float or None
        Standard deviation of "gaussian", probability of the other noises. None for the default level.

    Raises
    ------
    UnknownName
        If there is no such noise.
    InvalidParameter
        If the level is out of range.
    """
    if name not in NOISES:
        raise UnknownName("noise", name, NOISES)
    noise, default_level = NOISES[name]
    if level is None:
        return noise, default_level
    limit = inf if name == "gaussian" else 1.0
    if not 0 <= level < limit:
        raise InvalidParameter(f'noise "{name}": noise_level {level} is outside 0 <= noise_level < {limit}; choose another')
    return noise, level
