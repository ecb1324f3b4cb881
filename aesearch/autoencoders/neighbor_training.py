"""Training of the neighbor autoencoder, in rounds.

Each round recomputes the neighbors from the codes learned so far, and learns better codes. The codes are scored after each
round with held-out items (`aesearch.scoring`), and those of the best round are kept. Many short rounds suit collections of
large subjects, and merge rare subjects with frequent ones; one long round keeps these (`aesearch.coders.auto`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.autoencoders.batches import RowBatches
from aesearch.autoencoders.neighbor_targets import (
    NeighborData,
    TargetBatch,
    TargetBatches,
    build_cosine_store,
    compute_target_weights,
)
from aesearch.autoencoders.optimizers import create_optimizer
from aesearch.autoencoders.training import Score, Task, Trainable, TrainingConfig

MAX_GRAPH_ITEMS = 20_000
"""Neighbors are chosen from at most this many items: the cost of the search grows with the square of the collection."""
ITEMS_PER_NEIGHBOR = 100
"""Small collections have small clusters, so they use one neighbor for each of this many items."""
MIN_NEIGHBORS = 3
"""Minimum number of neighbors in such collections."""
MAX_PASSES = 200
"""A round takes at most this many passes over a collection."""
BATCH_SIZE = 512
"""Rows encoded at a time."""


class NeighborDefaults(NamedTuple):
    """Default parameters of the neighbor autoencoder that depend on the kind of items."""

    layers: tuple[int, ...]
    noise_level: float
    neighbor_weight: float
    rounds: int
    first_steps: int
    steps_per_round: int
    learning_rate: float


DOCUMENT_DEFAULTS = NeighborDefaults((400,), 0.5, 0.8, rounds=10, first_steps=200, steps_per_round=200, learning_rate=5e-3)
IMAGE_DEFAULTS = NeighborDefaults((512,), 0.1, 0.6, rounds=4, first_steps=500, steps_per_round=500, learning_rate=2e-3)
"""Defaults for images and vectors."""


class NeighborTask(Task):
    """Training of a neighbor autoencoder, with one epoch per round.

    Parameters
    ----------
    model : Trainable
        Its objective takes a TargetBatch.
    encoder : nn.Module
        Part of the model that maps inputs to codes.
    data : NeighborData
    config : TrainingConfig
        `epochs` are the rounds, `steps` the steps of each but the first.
    first_steps : int
        Steps of the first round.
    n_neighbors : int
        Neighbors in a target; fewer in a small collection.
    neighbor_weight : float
        Weight of the neighbors in a target, 0 to 1.
    budget, started : float
        See `Task`.
    """

    unit = "round"

    def __init__(
        self,
        model: Trainable,
        encoder: nn.Module,
        data: NeighborData,
        config: TrainingConfig,
        *,
        first_steps: int,
        n_neighbors: int,
        neighbor_weight: float,
        budget: float,
        started: float,
    ) -> None:
        super().__init__(model, config, config.epochs or 1, budget=budget, started=started)
        self.encoder, self.data, self.codes = encoder, data, data.initial_codes
        n_items = len(self.codes)
        self.n_neighbors = min(n_neighbors, max(MIN_NEIGHBORS, n_items // ITEMS_PER_NEIGHBOR), n_items - 1)
        self.neighbor_weight, self.first_steps, self.n_rounds = neighbor_weight, first_steps, 0
        self.graph = np.arange(0, n_items, max(1, -(-n_items // MAX_GRAPH_ITEMS)))

    def next_batches(self) -> Iterable[TargetBatch]:
        weights = compute_target_weights(self.codes, self.graph, self.n_neighbors, self.neighbor_weight)
        targets = TargetBatches(self.data, weights, self.config.find_device())
        config, n_steps = self.config, self.config.steps if self.n_rounds else self.first_steps
        self.n_rounds += 1
        self.optimizer, self.schedule = create_optimizer(self.model, config.learning_rate, config.weight_decay, n_steps)
        return (targets[positions] for positions in shuffle_batches(len(self.codes), config.batch_size, n_steps))

    def score(self) -> Score:
        self.codes = self._encode(self.data.inputs[0])
        held_out = self.data.held_out
        if held_out is None:
            return Score(None)
        first, second = (self._encode(view) for view in held_out.views)
        value = held_out.items.score(build_cosine_store(self.codes), first, second, held_out.contents.__getitem__).value
        return Score(value, label_free=value)

    def state_dict(self) -> dict[str, Any]:
        return {"n_rounds": self.n_rounds}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.n_rounds = state["n_rounds"]
        self.codes = self._encode(self.data.inputs[0])

    @torch.no_grad()
    def _encode(self, inputs: RowBatches) -> np.ndarray:
        """Return the codes of inputs, [n_items, code_size] float32."""
        self.model.eval()
        batches = (inputs[positions] for positions in torch.arange(len(inputs)).split(BATCH_SIZE))
        return torch.cat([self.encoder(batch).cpu() for batch in batches]).numpy()


def limit_steps(n_steps: int, n_items: int, batch_size: int) -> int:
    """Return n_steps, or the steps of MAX_PASSES passes over a small collection if these are fewer."""
    return max(1, min(n_steps, MAX_PASSES * n_items // batch_size))


def shuffle_batches(n_items: int, batch_size: int, n_batches: int) -> Iterator[Tensor]:
    """Yield batches of random positions, as many as required. Every position appears once before any repeats."""
    while n_batches > 0:
        batches = torch.randperm(n_items).split(batch_size)[:n_batches]
        n_batches -= len(batches)
        yield from batches
