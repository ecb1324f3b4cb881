"""Neighbor autoencoder: reconstruct the nearest neighbors of an item instead of the item alone.

What an item has in common with its neighbors is its subject; what only the item has is detail. A code that has to
reconstruct the mean of the neighbors keeps the subject and drops the detail. The first neighbors are found in the features.
After each round of training, better ones are found in the codes just learned. Training stops when the label-free score of
held-out items stops increasing (`aesearch.scoring`); the loss is no guide to that.

References
----------
Chaidaroon, Ebesu & Fang 2018, "Deep semantic text hashing with weak supervision" (NbrReg).
Hansen et al. 2020, "Unsupervised semantic hashing with pairwise reconstruction" (PairRec).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.arrays import is_sparse
from aesearch.autoencoders import dense
from aesearch.autoencoders.checkpoints import Checkpoint
from aesearch.autoencoders.corruption import Corruption
from aesearch.autoencoders.described import DescribedCoder
from aesearch.autoencoders.descriptor_selection import select_descriptors
from aesearch.autoencoders.losses import LOSSES
from aesearch.autoencoders.neighbor_targets import NeighborData, TargetBatch
from aesearch.autoencoders.neighbor_training import (
    DOCUMENT_DEFAULTS,
    IMAGE_DEFAULTS,
    NeighborDefaults,
    NeighborTask,
    limit_steps,
)
from aesearch.autoencoders.torch_coder import check_code_is_smaller, check_layers, fit_gain
from aesearch.autoencoders.training import TrainingConfig, check_at_least_one, train
from aesearch.coders.base import DEFAULT_BUDGET_SECONDS, Epoch
from aesearch.errors import InvalidParameter
from aesearch.scoring import hold_out

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.scoring import HeldOutItems


class NeighborAutoencoder(DescribedCoder):
    """Autoencoder trained to reconstruct each item's nearest neighbors, which every round recomputes from its own codes.

    Documents are encoded from their terms, images and vectors from their descriptors.

    Parameters
    ----------
    code_size : int
        Dimensions of a code.
    n_neighbors : int
        Neighbors mixed into the target, in addition to the item itself; fewer in small collections.
    neighbor_weight : float, optional
        Weight of the neighbors in the target, 0 to 1; the rest is the item's own. By default 0.8 for documents, 0.6 for
        images and vectors.
    layers : sequence of int, optional
        Units of the encoder's hidden layers. The decoder has none, which is faster and gives better codes. By default
        (400,) for documents, (512,) for images and vectors.
    noise : {"gaussian", "salt-and-pepper", "masking", "dropout"}, optional
        Noise added to the input in training; None for no noise.
    noise_level : float, optional
        Standard deviation of "gaussian", or probability of the others. By default 0.5 for documents, and 0.1 for images and
        vectors; images are also augmented.
    descriptors : mapping of str to float, optional
        Weight of each descriptor of an image, such as {"gradients": 1.0, "colors": 0.5}; the others are "pixels" and
        "visual-words". By default the combination that scores highest on the collection after a short training.
    budget : float
        Maximum training time in seconds: no round starts that would probably exceed it. If it ends the training, the result
        depends on the speed of the machine, and `training_warnings` says so.
    rounds : int, optional
        Maximum number of rounds. By default 10 for documents, 4 for images and vectors.
    first_steps : int, optional
        Optimization steps in the first round. By default as in the other rounds.
    steps_per_round : int, optional
        Optimization steps in each of the other rounds. By default 200 for documents, 500 for images and vectors, and fewer
        for small collections.
    patience : int
        Rounds without a higher score after which training stops.
    batch_size : int
        Items per step.
    learning_rate : float, optional
        Peak of the learning rate in each round. By default 0.005 for documents, 0.002 for images and vectors.
    weight_decay : float
        Weight decay of AdamW.
    seed : int
        Seed of weights, batches, noise and augmentation. Equal seeds give equal models on the same machine.
    device : {"auto", "cpu", "cuda"}
        Where to train. "auto" is a CUDA device if there is one, else the CPU.

    """

    encoder: nn.Sequential
    decoder: nn.Sequential
    gain: Tensor
    _was_cut = False

    def __init__(
        self,
        code_size: int = 64,
        *,
        n_neighbors: int = 30,
        neighbor_weight: float | None = None,
        layers: Sequence[int] | None = None,
        noise: str | None = "masking",
        noise_level: float | None = None,
        descriptors: Mapping[str, float] | None = None,
        budget: float = DEFAULT_BUDGET_SECONDS,
        rounds: int | None = None,
        first_steps: int | None = None,
        steps_per_round: int | None = None,
        patience: int = 2,
        batch_size: int = 128,
        learning_rate: float | None = None,
        weight_decay: float = 0.0,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        super().__init__(code_size)
        self.n_neighbors, self.neighbor_weight, self.budget = n_neighbors, neighbor_weight, budget
        self.layers = None if layers is None else tuple(layers)
        self.noise, self.noise_level = noise, noise_level
        self.descriptors = None if descriptors is None else dict(descriptors)
        self.rounds, self.first_steps, self.steps_per_round, self.patience = rounds, first_steps, steps_per_round, patience
        self.batch_size, self.learning_rate, self.weight_decay = batch_size, learning_rate, weight_decay
        self.seed, self.device = seed, device
        self._check_params()
        self.config = self._create_config()  # complete when the kind of rows is known
        self.corrupt = Corruption(noise, noise_level)
        self.name = "neighbors"

    def _check_params(self) -> None:
        check_at_least_one(n_neighbors=self.n_neighbors, rounds=self.rounds)
        check_at_least_one(first_steps=self.first_steps, steps_per_round=self.steps_per_round)
        check_layers(self.layers)
        if self.neighbor_weight is not None and not 0 <= self.neighbor_weight <= 1:
            raise InvalidParameter(f"neighbor_weight is {self.neighbor_weight}; choose a number from 0 to 1")
        if not self.budget > 0:
            raise InvalidParameter(f"budget is {self.budget}; choose more than 0 seconds")

    @property
    def _defaults(self) -> NeighborDefaults:
        return DOCUMENT_DEFAULTS if self.is_sparse else IMAGE_DEFAULTS

    def _create_config(self) -> TrainingConfig:
        """Return the parameters of the training loop, whose epochs are rounds."""
        defaults = self._defaults
        return TrainingConfig(
            epochs=self.rounds or defaults.rounds,
            steps=self.steps_per_round or defaults.steps_per_round,
            batch_size=self.batch_size,
            learning_rate=defaults.learning_rate if self.learning_rate is None else self.learning_rate,
            weight_decay=self.weight_decay,
            patience=self.patience,
            seed=self.seed,
            device=self.device,
        )

    # The steps

    def objective(self, batch: TargetBatch) -> Tensor:
        """Return the loss of a batch: the cross-entropy of term shares, or the mean squared error of descriptors."""
        y = self.decoder(self.encoder(self.corrupt(batch.x)))
        if self.is_sparse:
            return (y.logsumexp(1) - (y * batch.target).sum(1)).mean()
        return (y - batch.target).square().mean()

    # Training

    def _train(self, X: Rows, checkpoint: Checkpoint, held_out: HeldOutItems | None) -> Iterator[Epoch]:
        started = time.perf_counter()
        rng = np.random.default_rng(self.seed)
        if held_out is None:
            X, held_out = hold_out(X, rng)
        task = self._create_task(self._prepare(X, held_out, rng), started)
        yield from train(task, checkpoint)
        self._was_cut = task.was_cut

    def _create_task(self, data: NeighborData, started: float) -> NeighborTask:
        defaults, n_items = self._defaults, len(data.initial_codes)
        return NeighborTask(
            self,
            self.encoder,
            data,
            replace(
                self.config, steps=self.steps_per_round or limit_steps(defaults.steps_per_round, n_items, self.batch_size)
            ),
            first_steps=self.first_steps or limit_steps(defaults.first_steps, n_items, self.batch_size),
            n_neighbors=self.n_neighbors,
            neighbor_weight=defaults.neighbor_weight if self.neighbor_weight is None else self.neighbor_weight,
            budget=self.budget,
            started=started,
        )

    def _prepare(self, X: Rows, held_out: HeldOutItems | None, rng: np.random.Generator) -> NeighborData:
        """Create the modules for rows, and return what they are trained on."""
        shape, device = tuple(X.shape[1:]), self.config.find_device()
        if is_sparse(X):
            self._build(shape, None)
            return NeighborData.from_documents(X, held_out, rng, device)
        X = np.asarray(X)
        layer, self.is_mirror_invariant = select_descriptors(X, held_out, self.descriptors, rng)
        self._build(shape, layer.weights)
        self.descriptor_layer.load_state_dict(layer.state_dict())
        return NeighborData.from_described(X, held_out, layer, rng, device, mirror=self.is_mirror_invariant)

    def _finish(self, X: Rows) -> None:
        if self.is_sparse:
            self.gain.fill_(fit_gain(self, X))
        else:
            super()._finish(X)

    def _build(self, shape: tuple[int, ...], weights: Mapping[str, float] | None) -> None:
        """Create the modules for rows of a shape. `weights` are those of the descriptors, or None for documents."""
        if self.noise is None:
            check_code_is_smaller(self.code_size, shape)
        self.shape, self.is_sparse = shape, weights is None
        self.config = self._create_config()
        width = shape
        if weights is None:
            self.register_buffer("gain", torch.ones(()))
        else:
            self._build_descriptors(shape, weights)
            width = (self.descriptor_layer.width,)
        layers = self._defaults.layers if self.layers is None else self.layers
        self.encoder = dense.build_encoder(width, layers, self.code_size, is_sparse=self.is_sparse)
        self.decoder = dense.build_decoder(width, (), self.code_size, is_sparse=self.is_sparse)
        noise_level = self._defaults.noise_level if self.noise_level is None else self.noise_level
        self.corrupt = Corruption(self.noise, noise_level)

    # Contract of coders

    def training_warnings(self) -> list[str]:
        if not self._was_cut:
            return []
        return [
            f"the budget of {self.budget:g} seconds ended the training early, so the codes depend on the speed of this "
            "machine; allow more time (--budget)"
        ]

    def get_params(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.param_names()}

    def decode(self, codes: np.ndarray) -> np.ndarray:
        if self.is_sparse:
            return self._decode_batches(codes, lambda z: LOSSES["softmax"].link(self.decoder(z)) * self.gain)
        return super().decode(codes)

    def _graph(self) -> nn.Module:
        return self.encoder[1:] if self.is_sparse else super()._graph()

    def _rebuild(self, state: dict[str, Any]) -> None:
        self._build(tuple(state["shape"]), state["descriptors"])
        self.is_mirror_invariant = state["is_mirror_invariant"]
