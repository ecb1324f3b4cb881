"""Variational autoencoder: the code of an item is a normal distribution, and all codes together are close to N(0, I).

The encoder returns the mean and the log-variance of q(z|x), and the decoder reconstructs from mean + deviation * noise. The
loss is the negative evidence lower bound (ELBO), E_q[-ln p(x|z)] + beta * KL(q(z|x) || N(0, I)). beta rises from 0 in the
first steps, so that the decoder learns to use the code before the divergence is penalized.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.batches import SparseBatch
from aesearch.errors import InvalidParameter

if TYPE_CHECKING:
    from aesearch.arrays import Rows

MIN_ACTIVE_VARIANCE = 0.01
"""A dimension is active if its mean varies over the items by more than this variance (Burda et al. 2016)."""
DEFAULT_BETA = 1.0
DOCUMENT_BETA = 0.01
"""The softmax loss counts a document as one word drawn from it; this beta weighs the code as if a hundred were drawn."""


class VariationalAutoencoder(Autoencoder):
    """Variational autoencoder; with `noise`, a denoising one (Im et al. 2017).

    Encoding is deterministic: the code is the mean of q(z|x).

    Parameters
    ----------
    code_size : int
        Dimensions of a code.
    beta : float, optional
        Weight of the divergence from N(0, I) (Higgins et al. 2017). By default 1, and 0.01 for documents.
    warm_up : int
        Steps in which beta rises to its value (Bowman et al. 2016; Sønderby et al. 2016).
    loss : {"mse", "l1", "bce", "softmax"}, optional
        Reconstruction loss. By default "bce" for images, "softmax" for documents, "mse" for vectors.
    whiten : bool, optional
        Whether codes are decorrelated and scaled to unit variance after training. None means true for images and vectors,
        and false for documents.
    **params
        Further parameters of `Autoencoder`, except `tied` and `layerwise_pretraining`.

    Attributes
    ----------
    active_units : int or None
        Number of code dimensions that carry information; known after fit(). If there are few, the posterior has collapsed.

    References
    ----------
    Kingma & Welling 2014, "Auto-encoding variational Bayes".
    """

    outputs_per_dimension = 2
    active_units: int | None = None
    steps_done: Tensor

    def __init__(
        self,
        code_size: int = 64,
        *,
        beta: float | None = None,
        warm_up: int = 500,
        loss: str | None = None,
        whiten: bool | None = False,
        **params: Any,
    ) -> None:
        super().__init__(code_size, loss=loss, whiten=whiten, **params)
        if self.tied or self.layerwise_pretraining:
            raise InvalidParameter(
                "a variational autoencoder supports neither tied weights nor layerwise pretraining: its encoder has two "
                "outputs for each input of the decoder; leave them out"
            )
        if beta is not None and beta < 0:
            raise InvalidParameter(f"beta is {beta}; choose 0 or more")
        if warm_up < 0:
            raise InvalidParameter(f"warm_up is {warm_up}; choose 0 or more")
        self.beta, self.warm_up = beta, warm_up
        self.name = "variational-denoising" if self.noise else "variational"

    def posterior(self, x: Tensor | SparseBatch) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z|x), [B, code_size] each."""
        mean, log_variance = super().to_code(x).chunk(2, dim=1)
        return mean, log_variance.clamp(-20, 20)

    def to_code(self, x: Tensor | SparseBatch) -> Tensor:
        """Return the mean of q(z|x), [B, code_size]."""
        return self.posterior(x)[0]

    def objective(self, batch: Any) -> Tensor:
        """Return the negative ELBO of a batch with the current beta; in validation at z = mean and with the full beta."""
        mean, log_variance = self.posterior(self.corrupt(batch))
        z, beta = mean, self._full_beta
        if self.training:
            z = _sample_normal(mean, log_variance)
            self.steps_done += 1
            beta = (self.steps_done / max(1, self.warm_up)).clamp(max=1) * beta
        # With the rising beta in validation, the best epoch would be one before beta has reached its value.
        return self.reconstruction_loss(self.from_code(z), batch) + beta * normal_divergence(mean, log_variance).mean()

    @property
    def _full_beta(self) -> Any:
        if self.beta is not None:
            return self.beta
        return DOCUMENT_BETA if self.is_sparse else DEFAULT_BETA

    @torch.no_grad()
    def elbo(self, x: Tensor | SparseBatch, draws: int = 1) -> Tensor:
        """Return the evidence lower bound (beta = 1) in nats, averaged over the rows x and over `draws` samples of z."""
        self.eval()
        mean, log_variance = self.posterior(x)
        losses = [self.reconstruction_loss(self.from_code(_sample_normal(mean, log_variance)), x) for _ in range(draws)]
        return -torch.stack(losses).mean() - normal_divergence(mean, log_variance).mean()

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """Return new rows, decoded from codes drawn from N(0, I): (count, *shape) float32."""
        codes = np.random.default_rng(seed).standard_normal((count, self.code_size))
        return self.decode(codes.astype(np.float32))

    def get_params(self) -> dict[str, Any]:
        return super().get_params() | {"beta": self.beta, "warm_up": self.warm_up}

    def training_warnings(self) -> list[str]:
        if self.active_units is None or self.active_units >= self.code_size:
            return []
        return [
            f"only {self.active_units} of {self.code_size} code dimensions carry information, because the posterior of the "
            "others has collapsed; choose a smaller code size, which loses nothing, or a smaller beta, which activates more"
        ]

    def _finish(self, X: Rows) -> None:
        super()._finish(X)
        self.active_units = int((self.encode(X).var(0) > MIN_ACTIVE_VARIANCE).sum())

    def _build_networks(self, shape: tuple[int, ...]) -> None:
        super()._build_networks(shape)
        self.register_buffer("steps_done", torch.zeros(()))

    def _default_loss(self) -> str:
        is_image = len(self.shape or ()) == 3
        return "bce" if is_image else super()._default_loss()

    def _code_head(self) -> nn.Module:
        return _FirstColumns(self.code_size)

    def _save_state(self, folder: Path) -> dict[str, Any]:
        return {**super()._save_state(folder), "active_units": self.active_units}

    def _load_state(self, folder: Path, state: dict[str, Any]) -> None:
        super()._load_state(folder, state)
        self.active_units = state["active_units"]


class _FirstColumns(nn.Module):
    """Selects the first columns of a matrix: [B, M] -> [B, n_columns]."""

    def __init__(self, n_columns: int) -> None:
        super().__init__()
        self.n_columns = n_columns

    def forward(self, x: Tensor) -> Tensor:
        return x[:, : self.n_columns]


def normal_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(N(mean, variance) || N(0, I)) = 1/2 sum(mean^2 + variance - ln variance - 1) of each row.

    Parameters
    ----------
    mean, log_variance : Tensor of shape [B, D]

    Returns
    -------
    Tensor of shape [B], in nats
    """
    return 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum(1)


def _sample_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    return mean + (log_variance / 2).exp() * torch.randn_like(mean)
