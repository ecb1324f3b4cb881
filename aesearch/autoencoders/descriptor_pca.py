"""Principal components of the descriptors of images: codes without a trained network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import torch
from torch import nn

from aesearch.autoencoders.described import DescribedCoder
from aesearch.autoencoders.descriptor_selection import select_descriptors
from aesearch.autoencoders.principal_components import fit_principal_components
from aesearch.autoencoders.training import TrainingConfig
from aesearch.scoring import hold_out

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.autoencoders.checkpoints import Checkpoint
    from aesearch.coders.base import Epoch
    from aesearch.scoring import HeldOutItems


class DescriptorPCA(DescribedCoder):
    """Codes of images that are principal components of their descriptors.

    Nothing is trained, so it suits small collections of images, and is the baseline of the neighbor autoencoder.

    Parameters
    ----------
    code_size : int
        Dimensions of a code.
    descriptors : mapping of str to float, optional
        Weight of each descriptor; see `NeighborAutoencoder`.
    seed : int
        Seed of the choice of descriptors.
    device : {"auto", "cpu", "cuda"}
        Where to compute the codes.
    """

    encoder: nn.Linear

    def __init__(
        self, code_size: int = 64, *, descriptors: Mapping[str, float] | None = None, seed: int = 0, device: str = "auto"
    ) -> None:
        super().__init__(code_size)
        self.descriptors = None if descriptors is None else dict(descriptors)
        self.seed, self.device = seed, device
        self.config = TrainingConfig(seed=seed, device=device)
        self.name = "descriptors"

    def _train(self, X: Rows, checkpoint: Checkpoint, held_out: HeldOutItems | None) -> Iterator[Epoch]:
        rng = np.random.default_rng(self.seed)
        if held_out is None:
            X, held_out = hold_out(X, rng)
        X = np.asarray(X)
        layer, self.is_mirror_invariant = select_descriptors(X, held_out, self.descriptors, rng)
        self._build(tuple(X.shape[1:]), layer.weights)
        self.descriptor_layer.load_state_dict(layer.state_dict())
        rows = torch.from_numpy(layer.transform(X))
        mean = rows.mean(0).double()
        n_components = min(self.code_size, layer.width)
        _, directions = fit_principal_components(rows, mean, n_components)
        with torch.no_grad():
            self.encoder.weight.zero_()
            self.encoder.weight[:n_components] = directions.T.float()
            self.encoder.bias.copy_(-self.encoder.weight @ mean.float())
        self.to(self.config.find_device())
        self.eval()
        yield from ()

    def objective(self, batch: Any) -> NoReturn:
        """Raise TypeError: nothing is trained."""
        raise TypeError("the principal components of descriptors are not trained")

    def _build(self, shape: tuple[int, ...], weights: Mapping[str, float]) -> None:
        """Create the modules for images of a shape."""
        self.shape = shape
        self._build_descriptors(shape, weights)
        self.encoder = nn.Linear(self.descriptor_layer.width, self.code_size)

    def get_params(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.param_names()}

    def _rebuild(self, state: dict[str, Any]) -> None:
        self._build(tuple(state["shape"]), state["descriptors"])
        self.is_mirror_invariant = state["is_mirror_invariant"]
