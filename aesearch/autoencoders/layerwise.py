"""Greedy layerwise pretraining: each layer is first trained alone, as a shallow autoencoder of its input.

References
----------
Hinton & Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks" (restricted Boltzmann machines).
Bengio et al. 2007, "Greedy layer-wise training of deep networks" (autoencoders).
Vincent et al. 2010, "Stacked denoising autoencoders" (with noise on the input of each layer).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.autoencoders.batches import RowBatches
from aesearch.autoencoders.checkpoints import Checkpoint
from aesearch.autoencoders.corruption import Corruption
from aesearch.autoencoders.dense import get_activation, get_linear_layers
from aesearch.autoencoders.losses import Loss, get_loss
from aesearch.autoencoders.scaling import Standardizer
from aesearch.autoencoders.training import RowTask, Trainable, TrainingConfig, train
from aesearch.coders.base import Epoch

if TYPE_CHECKING:
    from aesearch.arrays import Rows

BATCH_SIZE = 512
STEPS_DIVISOR = 3
"""Each layer is trained for the steps, or epochs, of the whole network divided by this."""


class DeepAutoencoder(Protocol):
    """The parts of a dense autoencoder that pretraining uses."""

    shape: tuple[int, ...] | None
    is_sparse: bool
    corrupt: Corruption
    standardizer: Standardizer
    encoder: nn.Sequential
    decoder: nn.Sequential
    reconstruction_loss: Loss


class ShallowAutoencoder(Trainable):
    """One layer of a deep autoencoder and its counterpart in the decoder. Their weights are shared, not copied.

    Parameters
    ----------
    corrupt : Corruption
        Adds noise to the input.
    encoder, decoder : nn.Module
        The layers, with everything that has to be applied before and after them.
    loss : Loss
    """

    def __init__(self, corrupt: Corruption, encoder: nn.Module, decoder: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.corrupt, self.encoder, self.decoder, self.loss = corrupt, encoder, decoder, loss

    def objective(self, batch: Any) -> Tensor:
        """Return the reconstruction loss of a batch of the layer's input, [B, ...] or SparseBatch."""
        return self.loss(self.decoder(self.encoder(self.corrupt(batch))), batch)


def pretrain_layers(deep: DeepAutoencoder, X: Rows, config: TrainingConfig, checkpoint: Checkpoint) -> Iterator[Epoch]:
    """Train each layer, and its counterpart in the decoder, on the output of the layers before it. Yield each epoch.

    Parameters
    ----------
    deep : DeepAutoencoder
        Trained in place.
    X : array of shape (n_items, *shape)
    config : TrainingConfig
        Training of the whole network; that of a layer is shorter.
    checkpoint : Checkpoint
    """
    config = replace(
        config,
        steps=max(1, config.steps // STEPS_DIVISOR),
        epochs=None if config.epochs is None else max(1, config.epochs // STEPS_DIVISOR),
    )
    layers, counterparts = get_linear_layers(deep.encoder), get_linear_layers(deep.decoder)[::-1]
    rows: Rows = X
    for depth, (layer, counterpart) in enumerate(zip(layers, counterparts, strict=True)):
        is_last = depth == len(layers) - 1
        # The code, which is the output of the last layer, has no activation.
        hidden = nn.Sequential(layer, nn.Identity() if is_last else get_activation(is_sparse=deep.is_sparse)())
        shallow = (_first_layer if depth == 0 else _inner_layer)(deep, hidden, counterpart)
        yield from train(RowTask(shallow, rows, config), checkpoint)
        if not is_last:
            rows = _encode(shallow.encoder, rows, config.find_device())


def _first_layer(deep: DeepAutoencoder, hidden: nn.Module, counterpart: nn.Module) -> ShallowAutoencoder:
    """Return the autoencoder of the rows themselves, which has the loss of the deep network."""
    if deep.is_sparse:
        return ShallowAutoencoder(deep.corrupt, hidden, counterpart, deep.reconstruction_loss)
    encoder = nn.Sequential(deep.standardizer, nn.Flatten(), hidden)
    decoder = nn.Sequential(counterpart, nn.Unflatten(1, deep.shape or ()), _InverseStandardizer(deep.standardizer))
    return ShallowAutoencoder(deep.corrupt, encoder, decoder, deep.reconstruction_loss)


def _inner_layer(deep: DeepAutoencoder, hidden: nn.Module, counterpart: nn.Module) -> ShallowAutoencoder:
    """Return the autoencoder of hidden units, which are the output of an activation."""
    decoder = nn.Sequential(counterpart, get_activation(is_sparse=deep.is_sparse)())
    return ShallowAutoencoder(deep.corrupt, hidden, decoder, get_loss("mse"))


class _InverseStandardizer(nn.Module):
    """The inverse of a standardizer as a layer."""

    def __init__(self, standardizer: Standardizer) -> None:
        super().__init__()
        self.standardizer = standardizer

    def forward(self, y: Tensor) -> Tensor:
        return self.standardizer.inverse_transform(y)


@torch.no_grad()
def _encode(encoder: nn.Module, rows: Rows, device: torch.device) -> np.ndarray:
    """Return the output of a layer for all rows, [n_items, n_units] float32."""
    data = RowBatches(rows, device)
    batches = (data[positions] for positions in torch.arange(len(data)).split(BATCH_SIZE))
    return torch.cat([encoder(batch).cpu() for batch in batches]).numpy()
