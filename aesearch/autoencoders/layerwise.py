"""Greedy layer-wise pre-training: each layer first learns, as a shallow autoencoder, to give back what reaches it.

Hinton & Salakhutdinov 2006 (by restricted Boltzmann machines); Bengio et al. 2007, "Greedy layer-wise training of deep
networks" (by autoencoders); with noise on what reaches each layer, Vincent et al. 2010, "Stacked denoising autoencoders".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.autoencoders import losses
from aesearch.autoencoders.batches import RowBatches, SparseBatch
from aesearch.autoencoders.checkpoints import Checkpoint
from aesearch.autoencoders.dense import activation, linear_layers
from aesearch.autoencoders.training import Trainable, TrainingConfig, train
from aesearch.coders.base import Epoch

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.autoencoders.autoencoder import Autoencoder

BATCH = 512
SHARE = 3
"""Each layer is given the steps of the whole, or its epochs, divided by this."""


class Shallow(Trainable):
    """One layer and its counterpart in the decoder, sharing the deep network's own weights: nothing is copied back.

    first : whether the layer reads the rows themselves, by the deep network's loss; the others give back hidden units, by
        their squared error.
    """

    def __init__(self, deep: Autoencoder, there: nn.Module, back: nn.Module, *, first: bool, last: bool) -> None:
        super().__init__()
        self.there, self.back, self._deep, self._first = there, back, (deep,), first
        self._bend = nn.Identity() if last else activation(sparse=deep.sparse)()
        self._outer = activation(sparse=deep.sparse)()  # as in the deep network, after a hidden layer of the decoder

    def objective(self, x: Any) -> Tensor:
        (deep,) = self._deep
        deep.train(self.training)
        seen = deep.corrupt(x)
        if not self._first:
            return losses.choose("mse")(self._outer(self.back(self.hidden(seen))), x)
        y = self.back(self.hidden(seen)).unflatten(1, deep.shape or ())
        return deep._loss(y if deep.sparse else deep.standard.inverse_transform(y), x)

    def hidden(self, x: Tensor | SparseBatch) -> Tensor:
        """[B, ...] -> [B, units]"""
        (deep,) = self._deep
        if self._first and not deep.sparse:
            x = deep.standard(x).flatten(1)
        return self._bend(self.there(x))


def pretrain(deep: Autoencoder, X: Rows, plan: TrainingConfig, checkpoint: Checkpoint) -> Iterator[Epoch]:
    """Trains each layer of `deep` and its counterpart in the decoder on what the layers before it make of X."""
    plan = replace(
        plan, steps=max(1, plan.steps // SHARE), epochs=None if plan.epochs is None else max(1, plan.epochs // SHARE)
    )
    there, back = linear_layers(deep.encoder), linear_layers(deep.decoder)
    rows: Rows = X
    deep.to(plan.chosen_device())
    for number, (layer, counterpart) in enumerate(zip(there, reversed(back), strict=True)):
        shallow = Shallow(deep, layer, counterpart, first=number == 0, last=number == len(there) - 1)
        yield from train(shallow, rows, plan, checkpoint)
        if number < len(there) - 1:
            rows = _hidden(shallow, rows, plan.chosen_device())


@torch.no_grad()
def _hidden(shallow: Shallow, rows: Rows, device: torch.device) -> np.ndarray:
    """What the layer makes of all rows: [N, units] float32."""
    data = RowBatches(rows, device)
    return torch.cat([shallow.hidden(data[some]).cpu() for some in torch.arange(len(data)).split(BATCH)]).numpy()
