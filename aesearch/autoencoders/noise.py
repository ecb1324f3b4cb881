"""What a denoising autoencoder takes away from its input (Vincent et al. 2008, 2010).

Each is a function of any tensor of values in 0..1 and a level.  For a bag of words it is given the weights of the words
that are there: a word may be lost or altered, none is made up.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from aesearch.errors import InvalidParameter, UnknownName


def gaussian(x: Tensor, level: float) -> Tensor:
    """Adds normal noise of standard deviation `level`."""
    return x + level * torch.randn_like(x)


def salt_and_pepper(x: Tensor, level: float) -> Tensor:
    """Sets each value, with probability `level`, to the largest of the batch or to 0, one as often as the other."""
    draw = torch.rand_like(x)
    salted = torch.where(draw < level / 2, x.amax() if x.numel() else x.sum(), x)
    return torch.where((draw >= level / 2) & (draw < level), torch.zeros_like(x), salted)


def masking(x: Tensor, level: float) -> Tensor:
    """Sets each value to 0 with probability `level`."""
    return x * (torch.rand_like(x) >= level)


def dropout(x: Tensor, level: float) -> Tensor:
    """Masking, and what is left is scaled up so that its mean stays (Srivastava et al. 2014)."""
    return masking(x, level) / (1 - level)


Noise = Callable[[Tensor, float], Tensor]

NOISES: dict[str, tuple[Noise, float]] = {  # with the level used where none is named
    "gaussian": (gaussian, 0.3),
    "salt-and-pepper": (salt_and_pepper, 0.25),
    "masking": (masking, 0.5),
    "dropout": (dropout, 0.5),
}


def choose(name: str, level: float | None) -> tuple[Noise, float]:
    """The noise of that name and its level.  Raises UnknownName, or InvalidParameter for a level outside its range."""
    if name not in NOISES:
        raise UnknownName("noise", name, NOISES)
    noise, usual = NOISES[name]
    level = usual if level is None else level
    most = float("inf") if name == "gaussian" else 1.0
    if not 0 <= level < most:
        raise InvalidParameter(f"noise {name}: level {level} is outside 0 (included) to {most} (excluded)")
    return noise, level
