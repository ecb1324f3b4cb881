"""corrupt -> to_code -> from_code -> loss + penalty.  A variant has other ingredients, or one other step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from itertools import chain
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.arrays import is_sparse, read_arrays, write_arrays
from aesearch.autoencoders import convolutional, dense, losses
from aesearch.autoencoders import noise as noises
from aesearch.autoencoders.batches import RowBatches, SparseBatch
from aesearch.autoencoders.checkpoints import Checkpoint
from aesearch.autoencoders.export import export_encoder
from aesearch.autoencoders.layerwise import pretrain
from aesearch.autoencoders.scaling import Standardizer, Whitening
from aesearch.autoencoders.training import Trainable, TrainingConfig, train
from aesearch.coders.base import ONNX_FILE, Coder, EpochCallback, Metric
from aesearch.coders.onnx import WEIGHTS
from aesearch.errors import InvalidParameter, UnknownName

if TYPE_CHECKING:
    from aesearch.arrays import Rows

BATCH = 512
GAIN_ROWS = 1024
BODIES = ("dense", "convolutional")
LAYERS = {"words": (400,), "dense": (512, 256), "convolutional": (32, 64, 64)}
USUAL: dict[str, dict[str, Any]] = {
    "words": {"steps": 450, "batch_size": 128, "learning_rate": 5e-3},
    "pictures": {"steps": 2500, "batch_size": 32, "learning_rate": 2e-3},
}
"""Training where nothing else is asked for.  Longer, and codes of words get worse while their loss still falls; noise keeps
them from it for twice as long."""


class Autoencoder(Trainable, Coder):
    """A network that squeezes a row through a short code and is trained to give the row back.

    Parameters
    ----------
    code_size : numbers of a code, D.
    body : "dense" (fully connected) or "convolutional" (pictures alone).
    layers : sizes of the hidden layers from the input to the code, mirrored on the way back; channels for a convolutional
        body.  None: (400,) for words, (512, 256) for a dense body of pictures, (32, 64, 64) for a convolutional one.
    noise : None, "gaussian", "salt-and-pepper", "masking" or "dropout": what the input suffers in training, while the loss
        asks for the clean row (Vincent et al. 2008).
    noise_level : its standard deviation or probability; None for the noise's usual one.
    loss : "mse", "l1", "bce" or, for words, "softmax".  None: "softmax" for words, "mse" for pictures.
    tied : whether the decoder's weights are the encoder's, transposed (dense bodies alone).
    dropout : probability with which each hidden unit is left out in a step of training (Srivastava et al. 2014).
    pretrained_layers : whether each layer is trained first, as a shallow autoencoder of what the layers before it give,
        with this one's noise if it has any (Hinton & Salakhutdinov 2006; Vincent et al. 2010; dense bodies alone).
    whiten : whether codes are decorrelated and scaled to unit variance after training.  None: for pictures, whose codes
        are else ruled by brightness, and not for words.
    **training : the fields of `Training`: epochs, steps, batch_size, learning_rate, seed, device ...; for those not given,
        USUAL for words or for pictures.

    Attributes
    ----------
    encoder, decoder : torch modules, known after fit().
    standard : what pictures pass before the encoder, and back after the decoder;  whitening : the last step of `encode`.
    plan : the Training in full.

    References
    ----------
    Hinton & Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks".
    """

    outputs_per_unit = 1
    """What the encoder puts out for each number of a code."""
    encode_batch_size = BATCH
    """Rows encoded at a time."""
    allows_overcomplete = False
    """Whether something other than the code's width keeps it from copying."""

    encoder: nn.Sequential
    decoder: nn.Sequential
    standard: Standardizer
    whitening: Whitening
    gain: Tensor

    def __init__(
        self,
        code_size: int = 64,
        *,
        body: str = "dense",
        layers: Sequence[int] | None = None,
        noise: str | None = None,
        noise_level: float | None = None,
        loss: str | None = None,
        tied: bool = False,
        dropout: float = 0.0,
        pretrained_layers: bool = False,
        whiten: bool | None = None,
        **training: Any,
    ) -> None:
        super().__init__()
        if code_size < 1:
            raise InvalidParameter(f"code size is {code_size}; choose at least 1 (--code-size)")
        if body not in BODIES:
            raise UnknownName("body", body, BODIES)
        if layers is not None and any(size < 1 for size in layers):
            raise InvalidParameter(f"layers are {tuple(layers)}; each needs at least 1 unit")
        if loss is not None:
            losses.choose(loss)
        if not 0 <= dropout < 1:
            raise InvalidParameter(f"dropout is {dropout}; choose a probability of 0 or more and under 1")
        if body != "dense" and (tied or pretrained_layers):
            raise InvalidParameter(
                f"tied weights and layers trained one by one are for the dense body, not for the {body} one"
            )
        if tied and pretrained_layers:
            raise InvalidParameter("tied weights cannot be trained layer by layer as well; choose one of the two")
        self.code_size, self.body, self.layers = code_size, body, None if layers is None else tuple(layers)
        self.noise, self.noise_level = noise, noise_level
        self._noise = None if noise is None else noises.choose(noise, noise_level)
        self.loss, self.whiten = loss, whiten
        self.tied, self.dropout, self.pretrained_layers = tied, dropout, pretrained_layers
        self._training = training
        self.plan = TrainingConfig(**training)
        self.name = "denoising" if noise else body
        self.metric: Metric = "cosine"

    # The steps, in their order.

    def corrupt(self, x: Tensor | SparseBatch) -> Tensor | SparseBatch:
        """x with the noise of training; unchanged outside of it."""
        if self._noise is None or not self.training:
            return x
        noise, level = self._noise
        return x.map(lambda weights: noise(weights, level)) if isinstance(x, SparseBatch) else noise(x, level)

    def to_code(self, x: Tensor | SparseBatch) -> Tensor:
        """[B, *shape] or SparseBatch -> [B, D]"""
        return self.encoder(x if self.sparse else self.standard(x))

    def from_code(self, z: Tensor) -> Tensor:
        """[B, D] -> [B, *shape], before the loss's link."""
        y = self.decoder(z)
        return y if self.sparse else self.standard.inverse_transform(y)

    def penalty(self, x: Tensor | SparseBatch, z: Tensor) -> Tensor:
        """What is added to the loss; nothing here."""
        return z.new_zeros(())

    def objective(self, x: Any) -> Tensor:
        """The scalar that training lowers; x: [B, *shape] or SparseBatch."""
        z = self.to_code(self.corrupt(x))
        return self._loss(self.from_code(z), x) + self.penalty(x, z)

    # The coder's contract.

    def get_params(self) -> dict[str, Any]:
        plain = ("code_size", "body", "layers", "noise", "noise_level", "loss")
        own = (*plain, "tied", "dropout", "pretrained_layers", "whiten")
        return {name: getattr(self, name) for name in own} | self._training

    @classmethod
    def param_names(cls) -> list[str]:
        """The keywords that the constructor takes; a variant that passes `others` on takes those of Autoencoder too."""
        names = super().param_names()
        if names[-1] == "others":
            return list(dict.fromkeys(names[:-1] + Autoencoder.param_names()))
        return names[:-1] + [field.name for field in fields(TrainingConfig)]

    def fit(self, X: Rows, on_epoch: EpochCallback | None = None, checkpoint: Path | None = None) -> Self:
        """Trains on X, layer by layer first if so asked; see `Coder.fit`.  Raises AesearchError where training diverges."""
        with torch.random.fork_rng():
            torch.manual_seed(self.plan.seed)
            self._build(tuple(X.shape[1:]), sparse=is_sparse(X))
            if self._loss is losses.LOSSES["bce"]:
                _check_unit(X)
            if not self.sparse:
                self.standard.fit(X)
            saved = Checkpoint(checkpoint, self)
            stages = [train(self, X, self.plan, saved)]
            if self.pretrained_layers:
                stages.insert(0, pretrain(self, X, self.plan, saved))
            for epoch in chain(*stages):
                if on_epoch is not None:
                    on_epoch(epoch)
        self._finish(X)
        return self

    def _finish(self, X: Rows) -> None:
        """What is learned from the codes once training has ended."""
        if self._whitens:
            self.whitening.fit(self._codes_of(X, self.to_code))
        if self.sparse:
            self._fit_gain(X)

    def _fit_gain(self, X: Any) -> None:
        """A softmax gives shares, not weights: learns by how much they are to be raised to be nearest to the rows."""
        some = X[:: max(1, X.shape[0] // GAIN_ROWS)]
        shares = self.decode(self.encode(some))
        self.gain.fill_(float(some.multiply(shares).sum()) / max(float((shares**2).sum()), 1e-12))

    def _build(self, shape: tuple[int, ...], *, sparse: bool) -> None:
        """Makes the modules for rows of that shape.  Raises InvalidParameter where the settings do not go with it."""
        self.shape, self.sparse = shape, sparse
        if sparse and self.body != "dense":
            raise InvalidParameter(f'the {self.body} body is for pictures; for bags of words choose "dense" or "denoising"')
        if not sparse and self.loss == "softmax":
            raise InvalidParameter('loss "softmax" is for bags of words; for pictures choose "mse", "bce" or "l1"')
        if self.code_size >= prod(shape) and not self.noise and not self.allows_overcomplete:
            raise InvalidParameter(
                f"code size {self.code_size} for rows of {prod(shape)} numbers would copy them; choose less (--code-size)"
            )
        layers = self.layers if self.layers is not None else LAYERS["words" if sparse else self.body]
        put_out = self.code_size * self.outputs_per_unit
        if self.body == "convolutional":
            self.encoder = convolutional.encoder(shape, layers, put_out)
            self.decoder = convolutional.decoder(shape, layers, self.code_size)
        else:
            self.encoder = dense.encoder(shape, layers, put_out, sparse=sparse, dropout=self.dropout)
            self.decoder = (
                dense.tied(self.encoder, shape, sparse=sparse)
                if self.tied
                else dense.decoder(shape, layers, self.code_size, sparse=sparse, dropout=self.dropout)
            )
        self._loss = losses.choose(self.loss or self._usual_loss(sparse=sparse))
        usual = USUAL["words" if sparse else "pictures"]
        if sparse and self.noise:
            usual = usual | {"steps": 2 * usual["steps"]}
        self.plan = TrainingConfig(**{**usual, **self._training})
        self.standard = Standardizer(() if sparse else shape)
        self.whitening = Whitening(self.code_size)
        self.register_buffer("gain", torch.ones(()))
        self._whitens = not sparse if self.whiten is None else self.whiten

    def _usual_loss(self, *, sparse: bool) -> str:
        """The loss where none is named, of rows of `self.shape`."""
        return "softmax" if sparse else "mse"

    def encode(self, X: Rows) -> np.ndarray:
        self._check(X)
        return self._codes_of(X, lambda x: self.whitening(self.to_code(x)))

    @torch.no_grad()
    def _codes_of(self, X: Rows, step: Callable[[Any], Tensor]) -> np.ndarray:
        """What `step` makes of all rows, batch by batch."""
        self.eval()
        batches = RowBatches(X, next(self.parameters()).device)
        codes = [step(batches[rows]).cpu() for rows in torch.arange(X.shape[0]).split(self.encode_batch_size)]
        return torch.cat(codes).numpy() if codes else np.zeros((0, self.code_size), np.float32)

    @torch.no_grad()
    def decode(self, codes: np.ndarray) -> np.ndarray:
        self.eval()
        z = torch.from_numpy(np.ascontiguousarray(codes, np.float32)).to(next(self.parameters()).device)
        rows = [
            self._loss.link(self.from_code(self.whitening.inverse_transform(part))) * self.gain for part in z.split(BATCH)
        ]
        return torch.cat(rows).cpu().numpy()

    def _graph(self) -> nn.Module:
        """What asking needs, as it is exported; of words, all behind the layer that reads the bags."""
        steps = [self.encoder[1:]] if self.sparse else [self.standard, self.encoder]
        return nn.Sequential(*steps, self._head(), self.whitening)

    def _head(self) -> nn.Module:
        """What makes a code of what the encoder puts out."""
        return nn.Identity()

    def _save_state(self, folder: Path) -> dict[str, Any]:
        write_arrays(folder / WEIGHTS, {name: value.cpu().numpy() for name, value in self.state_dict().items()})
        if self.sparse:  # the graph begins behind the layer that reads the bags, which has no counterpart in ONNX
            width = self.encoder[0].get_parameter("bias").numel()
            export_encoder(self._graph(), (width,), folder / ONNX_FILE)
        else:
            export_encoder(self._graph(), self.shape or (), folder / ONNX_FILE)
        return {"sparse": self.sparse, "training": asdict(self.plan)}

    def _rebuild(self, learned: dict[str, Any]) -> None:
        self._build(tuple(learned["shape"]), sparse=learned["sparse"])

    def _load_state(self, folder: Path, learned: dict[str, Any]) -> None:
        self._rebuild(learned)
        arrays = read_arrays(folder / WEIGHTS)
        self.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
        self.to(self.plan.chosen_device() if self.plan.device != "cuda" or torch.cuda.is_available() else "cpu")
        self.eval()


def _check_unit(X: Any) -> None:
    """Raises InvalidParameter where numbers are not in 0..1, of which alone the cross-entropy is a loss."""
    values = X.data if is_sparse(X) else X
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if values.dtype != np.uint8 and not 0 <= low <= high <= 1:
        raise InvalidParameter(
            f'loss "bce" is for numbers in 0 to 1, and these are in {low:.3g} to {high:.3g}; choose "mse"'
        )
