"""Base class of all coders trained with torch: seeding, batches, saving, loading and ONNX export."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.arrays import read_arrays, write_arrays
from aesearch.autoencoders.batches import RowBatches
from aesearch.autoencoders.checkpoints import Checkpoint
from aesearch.autoencoders.export import export_encoder
from aesearch.autoencoders.threads import training_threads
from aesearch.autoencoders.training import Trainable, TrainingConfig
from aesearch.coders.base import BITS_PER_BYTE, ONNX_FILE, Coder, Epoch, EpochCallback, Metric
from aesearch.coders.onnx import WEIGHTS_FILE
from aesearch.errors import InvalidParameter

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.scoring import HeldOutItems

BATCH_SIZE = 512
"""Rows encoded, or codes decoded, at a time."""
MAX_GAIN_ROWS = 1024
"""Documents that `fit_gain` uses at most."""


class TorchCoder(Trainable, Coder):
    """A coder that is trained with torch.

    A subclass creates and trains its modules (`_train`), maps batches of rows to codes (`to_code`) and codes to rows
    (`decode`), and creates the modules of a saved coder (`_rebuild`).

    Attributes
    ----------
    config : TrainingConfig
        Parameters of training; complete after fit().
    is_sparse : bool
        Whether the rows are bags of words; known after fit().
    whitening : nn.Module
        The last step of encode(), after to_code().
    """

    metric: Metric = "cosine"
    config: TrainingConfig
    is_sparse = False
    whitening: nn.Module
    encode_batch_size = BATCH_SIZE

    def __init__(self, code_size: int) -> None:
        super().__init__()
        if code_size < 1:
            raise InvalidParameter(f"code size is {code_size}; choose at least 1 (--code-size)")
        self.code_size = code_size
        self.whitening = nn.Identity()

    @classmethod
    def param_names(cls) -> list[str]:
        """Return the names of the constructor's parameters.

        These include the fields of TrainingConfig if the constructor takes **training, and the parameters of the base class
        if it takes other additional keywords.
        """
        names = []
        for name, param in inspect.signature(cls).parameters.items():
            if param.kind is not param.VAR_KEYWORD:
                names.append(name)
            elif name == "training":
                names += [field.name for field in fields(TrainingConfig) if field.name not in names]
            else:
                bases = [base for base in cls.__bases__ if issubclass(base, TorchCoder)]
                names += [inherited for inherited in bases[0].param_names() if inherited not in names]
        return names

    # Training

    def fit(
        self,
        X: Rows,
        on_epoch: EpochCallback | None = None,
        checkpoint: Path | None = None,
        held_out: HeldOutItems | None = None,
    ) -> Self:
        """Train on rows; see `Coder.fit`. The global random state of torch stays as it is.

        Raises
        ------
        AesearchError
            If training diverges.
        """
        with training_threads(), torch.random.fork_rng():
            torch.manual_seed(self.config.seed)
            for epoch in self._train(X, Checkpoint(checkpoint, self), held_out):
                if on_epoch is not None:
                    on_epoch(epoch)
            self._finish(X)
        return self

    @abstractmethod
    def _train(self, X: Rows, checkpoint: Checkpoint, held_out: HeldOutItems | None) -> Iterator[Epoch]:
        """Create the modules, train them on X, and yield each epoch."""

    @abstractmethod
    def _finish(self, X: Rows) -> None:
        """Fit what depends on the final codes, after training."""

    @abstractmethod
    def to_code(self, x: Any) -> Tensor:
        """Map a batch of rows, [B, *shape] or SparseBatch, to codes before whitening [B, code_size]."""

    # Encoding and decoding

    def encode(self, X: Rows) -> np.ndarray:
        self._check(X)
        return self._encode_batches(X, lambda x: self.whitening(self.to_code(x)))

    @torch.no_grad()
    def _encode_batches(self, X: Rows, encode: Callable[[Any], Tensor]) -> np.ndarray:
        """Apply a function to all rows in batches of `encode_batch_size`, and concatenate the results."""
        self.eval()
        data = RowBatches(X, self._device)
        batches = (data[positions] for positions in torch.arange(X.shape[0]).split(self.encode_batch_size))
        codes = [encode(batch).cpu() for batch in batches]
        return torch.cat(codes).numpy() if codes else np.zeros((0, self.code_size), np.float32)

    @torch.no_grad()
    def _decode_batches(self, codes: np.ndarray, decode: Callable[[Tensor], Tensor]) -> np.ndarray:
        """Apply a function to all codes in batches, and concatenate the results."""
        self.eval()
        z = torch.from_numpy(np.ascontiguousarray(codes, np.float32)).to(self._device)
        return torch.cat([decode(batch) for batch in z.split(BATCH_SIZE)]).cpu().numpy()

    @property
    def _device(self) -> torch.device:
        return next(self.parameters()).device

    # Saving and loading

    @abstractmethod
    def _rebuild(self, state: dict[str, Any]) -> None:
        """Create the modules of a saved coder; their weights are loaded afterwards."""

    @abstractmethod
    def _graph(self) -> nn.Module:
        """Return the encoder as it is exported; for bags of words, everything after the first layer."""

    def _save_state(self, folder: Path) -> dict[str, Any]:
        write_arrays(folder / WEIGHTS_FILE, {name: value.cpu().numpy() for name, value in self.state_dict().items()})
        export_encoder(self._graph(), self._graph_input_shape(), folder / ONNX_FILE)
        return {"sparse": self.is_sparse, "training": asdict(self.config)}

    def _graph_input_shape(self) -> tuple[int, ...]:
        if self.is_sparse:  # ONNX has no counterpart of the first layer, which reads the bags of words
            return (self.get_parameter("encoder.0.bias").numel(),)
        return self.shape or ()

    def _load_state(self, folder: Path, state: dict[str, Any]) -> None:
        self._rebuild(state)
        weights = read_arrays(folder / WEIGHTS_FILE)
        self.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
        # A model trained with CUDA can be used without it.
        is_missing = self.config.device == "cuda" and not torch.cuda.is_available()
        self.to("cpu" if is_missing else self.config.find_device())
        self.eval()


def check_layers(layers: tuple[int, ...] | None) -> None:
    """Raise InvalidParameter if a layer has no units."""
    if layers is not None and any(size < 1 for size in layers):
        raise InvalidParameter(f"layers are {layers}; each needs at least 1 unit")


def check_code_is_smaller(code_size: int, shape: tuple[int, ...]) -> None:
    """Raise InvalidParameter if a code is as large as a row, so that the network could copy its input."""
    width = prod(shape)
    if code_size >= width:
        is_short = width <= BITS_PER_BYTE
        remedy = 'another coder, such as "neighbors" (--coder)' if is_short else "a smaller one (--code-size)"
        raise InvalidParameter(
            f"code size {code_size} is not smaller than a row of {width} values, so the network could copy its input; "
            f"choose {remedy}"
        )


def fit_gain(coder: Coder, X: Any) -> float:
    """Return the factor by which decoded documents are closest to X, [n_items, n_terms] csr, in least squares.

    The decoder's distribution over terms does not know the scale of the weights.
    """
    sample = X[:: max(1, X.shape[0] // MAX_GAIN_ROWS)]
    decoded = coder.decode(np.asarray(coder.encode(sample)))
    return float(sample.multiply(decoded).sum()) / max(float((decoded**2).sum()), 1e-12)
