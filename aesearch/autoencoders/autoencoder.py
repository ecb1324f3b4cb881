"""The autoencoder: corrupt -> to_code -> from_code -> loss + penalty. Variants change its parameters, or one step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.arrays import is_sparse
from aesearch.autoencoders import convolutional, dense
from aesearch.autoencoders.batches import SparseBatch
from aesearch.autoencoders.checkpoints import Checkpoint
from aesearch.autoencoders.corruption import Corruption
from aesearch.autoencoders.layerwise import pretrain_layers
from aesearch.autoencoders.losses import LOSSES, Loss, get_loss
from aesearch.autoencoders.scaling import Standardizer, Whitening
from aesearch.autoencoders.torch_coder import TorchCoder, check_code_is_smaller, check_layers, fit_gain
from aesearch.autoencoders.training import RowTask, TrainingConfig, train
from aesearch.coders.base import Epoch
from aesearch.errors import InvalidParameter, UnknownName

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.scoring import HeldOutItems

ARCHITECTURES = ("dense", "convolutional")
DEFAULT_LAYERS = {"dense": (512, 256), "convolutional": (32, 64, 64)}
DOCUMENT_LAYERS = (400,)
DOCUMENT_TRAINING: dict[str, Any] = {"steps": 450, "batch_size": 128, "learning_rate": 5e-3}
"""Default training for documents. With more steps the codes get worse, although the loss still falls."""
NOISY_DOCUMENT_STEPS = 900
"""Default number of steps for documents with noise, which delays that."""


class Autoencoder(TorchCoder):
    """Neural network that compresses a row to a short code and is trained to reconstruct the row from it.

    Parameters
    ----------
    code_size : int
        Dimensions of a code.
    architecture : {"dense", "convolutional"}
        Fully connected layers, or strided convolutions (images only).
    layers : sequence of int, optional
        Units of the encoder's hidden layers from the input to the code, or channels of its convolutions. The decoder has
        them in reverse order. By default (400,) for documents, (512, 256) for images and vectors, and (32, 64, 64) for
        convolutions.
    noise : {"gaussian", "salt-and-pepper", "masking", "dropout"}, optional
        Noise added to the input in training, while the target stays clean (Vincent et al. 2008). By default none.
    noise_level : float, optional
        Standard deviation of "gaussian" (default 0.3), or probability of "salt-and-pepper" (default 0.25), "masking" and
        "dropout" (default 0.5).
    loss : {"mse", "l1", "bce", "softmax"}, optional
        Reconstruction loss; "softmax" is for documents only. By default "softmax" for documents, "mse" for images and
        vectors.
    tied : bool
        Whether the decoder uses the transposed weights of the encoder (dense architecture only).
    dropout : float
        Probability of dropping a hidden unit in training (Srivastava et al. 2014; dense architecture only).
    layerwise_pretraining : bool
        Whether each layer is first trained alone, as a shallow autoencoder of the output of the layers before it (Hinton &
        Salakhutdinov 2006; with noise, Vincent et al. 2010; dense architecture only).
    whiten : bool, optional
        Whether codes are decorrelated and scaled to unit variance after training. By default true for images and vectors,
        whose codes otherwise mainly encode brightness, and false for documents.
    **training
        Parameters of `TrainingConfig`: epochs, steps, batch_size, learning_rate, seed, device, ...

    Attributes
    ----------
    encoder, decoder : nn.Sequential
        Known after fit(), as are the others.
    standardizer : Standardizer
        Scales images and vectors before the encoder, and back after the decoder.
    reconstruction_loss : Loss

    References
    ----------
    Hinton & Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks".
    """

    outputs_per_dimension = 1
    """Outputs of the encoder for each dimension of a code."""
    allows_overcomplete = False
    """Whether a code may be larger than a row: a penalty keeps the network from copying its input."""

    encoder: nn.Sequential
    decoder: nn.Sequential
    standardizer: Standardizer
    whitening: Whitening
    gain: Tensor
    reconstruction_loss: Loss

    def __init__(
        self,
        code_size: int = 64,
        *,
        architecture: str = "dense",
        layers: Sequence[int] | None = None,
        noise: str | None = None,
        noise_level: float | None = None,
        loss: str | None = None,
        tied: bool = False,
        dropout: float = 0.0,
        layerwise_pretraining: bool = False,
        whiten: bool | None = None,
        **training: Any,
    ) -> None:
        super().__init__(code_size)
        self.architecture, self.layers = architecture, None if layers is None else tuple(layers)
        self.noise, self.noise_level = noise, noise_level
        self.loss, self.tied, self.dropout = loss, tied, dropout
        self.layerwise_pretraining, self.whiten = layerwise_pretraining, whiten
        self.training_params = training
        self._check_params()
        self.config = TrainingConfig(**training)
        self.corrupt = Corruption(noise, noise_level)
        self.name = "denoising" if noise else architecture

    def _check_params(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise UnknownName("architecture", self.architecture, ARCHITECTURES)
        check_layers(self.layers)
        if self.loss is not None:
            get_loss(self.loss)
        if not 0 <= self.dropout < 1:
            raise InvalidParameter(f"dropout is {self.dropout}; choose a probability of at least 0 and less than 1")
        if self.architecture != "dense" and (self.tied or self.layerwise_pretraining):
            raise InvalidParameter(
                f'architecture "{self.architecture}" has neither tied weights nor layerwise pretraining; choose "dense"'
            )
        if self.tied and self.layerwise_pretraining:
            raise InvalidParameter("tied weights cannot be pretrained layer by layer; choose one of the two")

    # The steps, in order. `corrupt`, a layer that adds noise in training, is the first.

    def to_code(self, x: Tensor | SparseBatch) -> Tensor:
        """Map a batch of rows, [B, *shape] or SparseBatch, to codes before whitening [B, code_size]."""
        return self.encoder(x if self.is_sparse else self.standardizer(x))

    def from_code(self, z: Tensor) -> Tensor:
        """Map codes [B, code_size] to the decoder's output [B, *shape], before the link of the loss."""
        y = self.decoder(z)
        return y if self.is_sparse else self.standardizer.inverse_transform(y)

    def penalty(self, x: Tensor | SparseBatch, z: Tensor) -> Tensor:
        """Return a penalty on rows x with codes z, which is added to the reconstruction loss; 0 by default."""
        return z.new_zeros(())

    def objective(self, batch: Any) -> Tensor:
        """Return the reconstruction loss plus the penalty of a batch, [B, *shape] or SparseBatch."""
        z = self.to_code(self.corrupt(batch))
        return self.reconstruction_loss(self.from_code(z), batch) + self.penalty(batch, z)

    # Training

    def _train(self, X: Rows, checkpoint: Checkpoint, held_out: HeldOutItems | None) -> Iterator[Epoch]:
        self._build(tuple(X.shape[1:]), is_sparse=is_sparse(X))
        if self.reconstruction_loss is LOSSES["bce"]:
            _check_unit_interval(X)
        if not self.is_sparse:
            self.standardizer.fit(X)
        if self.layerwise_pretraining:
            yield from pretrain_layers(self, X, self.config, checkpoint)
        yield from train(RowTask(self, X, self.config), checkpoint)

    def _finish(self, X: Rows) -> None:
        if self._is_whitened:
            self.whitening.fit(self._encode_batches(X, self.to_code))
        if self.is_sparse:
            self.gain.fill_(fit_gain(self, X))

    def _build(self, shape: tuple[int, ...], *, is_sparse: bool) -> None:
        """Create the modules for rows of a shape. Raise InvalidParameter if a parameter does not fit such rows."""
        self.shape, self.is_sparse = shape, is_sparse
        self._check_rows(shape)
        self._build_networks(shape)
        self.reconstruction_loss = get_loss(self.loss or self._default_loss())
        defaults = dict(DOCUMENT_TRAINING) if is_sparse else {}
        if is_sparse and self.noise:
            defaults["steps"] = NOISY_DOCUMENT_STEPS
        self.config = TrainingConfig(**{**defaults, **self.training_params})
        self.standardizer = Standardizer(() if is_sparse else shape)
        self.whitening = Whitening(self.code_size)
        self.register_buffer("gain", torch.ones(()))
        self._is_whitened = not is_sparse if self.whiten is None else self.whiten

    def _check_rows(self, shape: tuple[int, ...]) -> None:
        if self.is_sparse and self.architecture != "dense":
            raise InvalidParameter(
                f'the {self.architecture} architecture requires images; for bags of words choose "dense" or "denoising"'
            )
        if not self.is_sparse and self.loss == "softmax":
            raise InvalidParameter('loss "softmax" requires bags of words; for images choose "mse", "bce" or "l1"')
        if not self.noise and not self.allows_overcomplete:
            check_code_is_smaller(self.code_size, shape)

    def _build_networks(self, shape: tuple[int, ...]) -> None:
        layers = self.layers
        if layers is None:
            layers = DOCUMENT_LAYERS if self.is_sparse else DEFAULT_LAYERS[self.architecture]
        n_outputs = self.code_size * self.outputs_per_dimension
        if self.architecture == "convolutional":
            self.encoder = convolutional.build_encoder(shape, layers, n_outputs)
            self.decoder = convolutional.build_decoder(shape, layers, self.code_size)
            return
        options: dict[str, Any] = {"is_sparse": self.is_sparse, "dropout": self.dropout}
        self.encoder = dense.build_encoder(shape, layers, n_outputs, **options)
        if self.tied:
            self.decoder = dense.build_tied_decoder(self.encoder, shape, is_sparse=self.is_sparse)
        else:
            self.decoder = dense.build_decoder(shape, layers, self.code_size, **options)

    def _default_loss(self) -> str:
        """Return the name of the loss for rows of `self.shape`, if the user chooses none."""
        return "softmax" if self.is_sparse else "mse"

    # Contract of coders

    def get_params(self) -> dict[str, Any]:
        names = ("code_size", "architecture", "layers", "noise", "noise_level", "loss", "tied", "dropout")
        return {
            **{name: getattr(self, name) for name in (*names, "layerwise_pretraining", "whiten")},
            **self.training_params,
        }

    def decode(self, codes: np.ndarray) -> np.ndarray:
        def reconstruct(z: Tensor) -> Tensor:
            return self.reconstruction_loss.link(self.from_code(self.whitening.inverse_transform(z))) * self.gain

        return self._decode_batches(codes, reconstruct)

    def _graph(self) -> nn.Module:
        steps = [self.encoder[1:]] if self.is_sparse else [self.standardizer, self.encoder]
        return nn.Sequential(*steps, self._code_head(), self.whitening)

    def _code_head(self) -> nn.Module:
        """Return the module that maps the encoder's output to a code."""
        return nn.Identity()

    def _rebuild(self, state: dict[str, Any]) -> None:
        self._build(tuple(state["shape"]), is_sparse=state["sparse"])


def _check_unit_interval(X: Any) -> None:
    """Raise InvalidParameter if values are not in 0..1, the domain of the cross-entropy."""
    values = X.data if is_sparse(X) else X
    if values.dtype == np.uint8 or not values.size:
        return
    low, high = float(values.min()), float(values.max())
    if not 0 <= low <= high <= 1:
        raise InvalidParameter(
            f'loss "bce" requires values from 0 to 1, and these are from {low:.3g} to {high:.3g}; choose "mse"'
        )
