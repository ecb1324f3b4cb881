"""Variational: a code is a region, not a point, and the regions fill a normal distribution from which new items are drawn.

Kingma & Welling 2014, "Auto-encoding variational Bayes".  The encoder gives the mean and the log-variance of q(z|x); the
decoder is given mean + deviation * noise; the loss is the negative ELBO, E_q[-ln p(x|z)] + beta * KL(q(z|x) || N(0, I)),
beta as in Higgins et al. 2017, rising from 0 over the first steps as in Bowman et al. 2016 and Soenderby et al. 2016.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.batches import SparseBatch
from aesearch.coders.base import EpochCallback
from aesearch.errors import InvalidParameter

ACTIVE = 0.01
"""A unit is active where its mean varies by more than this over the items (Burda et al. 2016)."""
BETA = {"words": 0.01, "pictures": 1.0}
"""A document's words count as one drawn word in the softmax loss; beta weighs its code as if there were a hundred."""


class VariationalAutoencoder(Autoencoder):
    """A variational autoencoder; with `noise`, a denoising one (Im et al. 2017).

    `encode` gives the mean of q(z|x), so the same item has the same code twice.

    Parameters
    ----------
    beta : weight of the divergence from N(0, I).  None: 1 for pictures, 0.01 for words.
    warm_up : steps over which beta rises to its value.
    loss : None for "bce" of pictures, "softmax" of words, "mse" of vectors.
    **others : as of `Autoencoder`.

    Attributes
    ----------
    active_units : after fit(), how many numbers of the code say anything; where few do, the posterior has collapsed.
    """

    outputs_per_unit = 2
    steps_done: Tensor

    def __init__(
        self,
        code_size: int = 64,
        *,
        beta: float | None = None,
        warm_up: int = 500,
        loss: str | None = None,
        **others: Any,
    ) -> None:
        super().__init__(code_size, loss=loss, **{"whiten": False, **others})
        if self.tied or self.pretrained_layers:
            raise InvalidParameter(
                "variational: its encoder ends in two numbers for each of the decoder's, so layers cannot be paired"
            )
        if (beta is not None and beta < 0) or warm_up < 0:
            raise InvalidParameter("variational: beta and warm_up are 0 or more")
        self.beta, self.warm_up = beta, warm_up
        self.active_units: int | None = None
        self.name = "variational-denoising" if self.noise else "variational"

    # The steps.

    def posterior(self, x: Tensor | SparseBatch) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x): [B, D] each."""
        mean, log_variance = super().to_code(x).chunk(2, dim=1)
        return mean, log_variance.clamp(-20, 20)

    def to_code(self, x: Tensor | SparseBatch) -> Tensor:
        return self.posterior(x)[0]

    def objective(self, x: Any) -> Tensor:
        mean, log_variance = self.posterior(self.corrupt(x))
        z = mean + (log_variance / 2).exp() * torch.randn_like(mean) if self.training else mean
        if self.training:
            self.steps_done += 1
        # In validation beta counts in full: else the best epoch would be the one before it counted.
        rise = (self.steps_done / max(1, self.warm_up)).clamp(max=1) if self.training else 1.0
        return self._loss(self.from_code(z), x) + rise * self._beta * divergence(mean, log_variance).mean()

    @property
    def _beta(self) -> float:
        return BETA["words" if self.sparse else "pictures"] if self.beta is None else self.beta

    @torch.no_grad()
    def elbo(self, x: Tensor | SparseBatch, draws: int = 1) -> Tensor:
        """The evidence lower bound with beta = 1, mean over the rows x and over so many draws of z; a scalar, in nats."""
        self.eval()
        mean, log_variance = self.posterior(x)
        losses = [
            self._loss(self.from_code(mean + (log_variance / 2).exp() * torch.randn_like(mean)), x) for _ in range(draws)
        ]
        return -torch.stack(losses).mean() - divergence(mean, log_variance).mean()

    @torch.no_grad()
    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """New items, drawn from N(0, I): [count, *shape] float32, as `decode` gives them."""
        generator = np.random.default_rng(seed)
        return self.decode(generator.standard_normal((count, self.code_size)).astype(np.float32))

    # The coder's contract.

    def get_params(self) -> dict[str, Any]:
        return super().get_params() | {"beta": self.beta, "warm_up": self.warm_up}

    def fit(self, X: Any, on_epoch: EpochCallback | None = None, checkpoint: Path | None = None) -> Any:
        super().fit(X, on_epoch, checkpoint)
        self.active_units = int((self.encode(X).var(0) > ACTIVE).sum())
        return self

    def training_warnings(self) -> list[str]:
        if self.active_units is None or self.active_units >= self.code_size:
            return []
        return [
            f"{self.active_units} of {self.code_size} numbers of the code say anything (the posterior of the others has "
            "collapsed); a smaller code size says as much, a smaller beta wakes more of them"
        ]

    def _build(self, shape: tuple[int, ...], *, sparse: bool) -> None:
        super()._build(shape, sparse=sparse)
        self.register_buffer("steps_done", torch.zeros(()))

    def _usual_loss(self, *, sparse: bool) -> str:
        return "softmax" if sparse else "bce" if len(self.shape or ()) == 3 else "mse"

    def _head(self) -> nn.Module:
        return _Means(self.code_size)

    def _save_state(self, folder: Any) -> dict[str, Any]:
        return {**super()._save_state(folder), "active_units": self.active_units}

    def _load_state(self, folder: Any, learned: dict[str, Any]) -> None:
        super()._load_state(folder, learned)
        self.active_units = learned["active_units"]


class _Means(nn.Module):
    """The first half of what the encoder puts out."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, both: Tensor) -> Tensor:
        return both[:, : self.size]


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, I)) = 1/2 sum(mean^2 + variance - ln variance - 1).  [B, D] each.  Returns [B], nats."""
    return 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum(1)
