"""Codes of the neighbor autoencoder and of a baseline, blended into one code of the same size.

The network finds what items of a subject have in common, and loses some of what only few items have. The baseline keeps it.
Their codes are scaled to unit length and concatenated, and principal components reduce them to the size of one code. Its
neighbors are better than those of either on many collections (benchmarks/RESULTS.md).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from aesearch.arrays import is_sparse, read_arrays, write_arrays
from aesearch.catalog import create_coder
from aesearch.coders.base import BITS_PER_BYTE, DEFAULT_BUDGET_SECONDS, Coder, EpochCallback, Metric
from aesearch.scoring import hold_out

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.scoring import HeldOutItems

ARRAYS_FILE = "blend.safetensors"
BASELINE_SIZE_RATIO = 2
"""Dimensions of the baseline's code, relative to those of the network's."""
BASELINE_WEIGHT = 0.7
"""Length of the baseline's codes, relative to those of the network. With 1, balanced collections lose a point of P@100."""


class Blend(Coder):
    """Principal components of the concatenated codes of the neighbor autoencoder and of a baseline.

    The baseline is LSA for documents, "descriptors" for images, and "pca-whitened" for vectors.

    Parameters
    ----------
    code_size : int
        Dimensions of a code, and of the network's.
    rounds, first_steps : int, optional
        Rounds of the network's training, and optimization steps of the first; see `NeighborAutoencoder`.
    budget : float
        Maximum training time in seconds.
    seed : int
        Seed of both coders.
    device : {"auto", "cpu", "cuda"}
        Where to train. "auto" is a CUDA device if there is one, else the CPU.

    Attributes
    ----------
    members : sequence of Coder
        The network and the baseline; known after fit().
    mean : array of shape (n_dimensions,), float32
        Mean of the concatenated codes.
    components : array of shape (code_size, n_dimensions), float32
    norm : float
        Mean length of the network's codes. decode() uses it.
    """

    name = "blend"
    metric: Metric = "cosine"
    member_folders = ("network", "baseline")

    def __init__(
        self,
        code_size: int = 64,
        *,
        rounds: int | None = None,
        first_steps: int | None = None,
        budget: float = DEFAULT_BUDGET_SECONDS,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        self.code_size, self.rounds, self.first_steps = code_size, rounds, first_steps
        self.budget, self.seed, self.device = budget, seed, device
        create_coder("neighbors", **self.get_params())  # checks the parameters

    def get_params(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.param_names()}

    @classmethod
    def max_code_size(cls, shape: tuple[int, ...], n_items: int) -> int:
        return min(super().max_code_size(shape, n_items), max(n_items, BITS_PER_BYTE))

    @property
    def can_decode(self) -> bool:  # type: ignore[override]  # depends on how the network was loaded
        return self.members[0].can_decode

    def fit(
        self,
        X: Rows,
        on_epoch: EpochCallback | None = None,
        checkpoint: Path | None = None,
        held_out: HeldOutItems | None = None,
    ) -> Self:
        """Fit both coders to X, then the principal components to their codes; see `Coder.fit`."""
        if held_out is None:
            X, held_out = hold_out(X, np.random.default_rng(self.seed))
        network = create_coder("neighbors", **self.get_params()).fit(X, on_epoch, checkpoint, held_out)
        baseline = self._create_baseline(X, network).fit(X, held_out=held_out)
        self.members, self.shape = (network, baseline), network.shape
        codes = self._concatenate(X)
        self.mean = codes.mean(0)
        codes -= self.mean
        _, directions = np.linalg.eigh(codes.T.astype(np.float64) @ codes)
        self.components = np.ascontiguousarray(directions[:, ::-1][:, : self.code_size].T, np.float32)
        self.norm = float(np.linalg.norm(np.asarray(network.encode(X[:1000])), axis=1).mean())
        return self

    def _create_baseline(self, X: Rows, network: Any) -> Coder:
        size = BASELINE_SIZE_RATIO * self.code_size
        if len(X.shape) == 4:
            baseline: Coder = create_coder(
                "descriptors", code_size=size, descriptors=network.descriptor_weights, seed=self.seed, device=self.device
            )
        else:
            size = max(1, min(size, X.shape[0], X.shape[1] - 1))
            baseline = create_coder("lsa" if is_sparse(X) else "pca-whitened", code_size=size, seed=self.seed)
        return baseline

    def _concatenate(self, X: Rows) -> np.ndarray:
        """Return the codes of both coders side by side, each scaled to its length."""
        network, baseline = (_to_unit_length(np.asarray(member.encode(X), np.float32)) for member in self.members)
        return np.hstack([network, np.float32(BASELINE_WEIGHT) * baseline])

    def encode(self, X: Rows) -> np.ndarray:
        self._check(X)
        return (self._concatenate(X) - self.mean) @ self.components.T

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return what the network reconstructs from its part of the codes."""
        concatenated = codes @ self.components + self.mean
        part = concatenated[:, : self.members[0].code_size]
        return self.members[0].decode(_to_unit_length(part) * self.norm)

    def rerank_features(self, X: Rows) -> Rows:
        self._check(X)
        return self.members[0].rerank_features(X)

    def rerank_feature_groups(self) -> dict[str, int]:
        return self.members[0].rerank_feature_groups()

    def training_warnings(self) -> list[str]:
        return [warning for member in self.members for warning in member.training_warnings()]

    def _save_state(self, folder: Path) -> dict[str, Any]:
        for member, name in zip(self.members, self.member_folders, strict=True):
            member.save(folder / name)
        write_arrays(folder / ARRAYS_FILE, {"mean": self.mean, "components": self.components})
        return {"norm": self.norm}

    def _load_state(self, folder: Path, state: dict[str, Any]) -> None:
        arrays = read_arrays(folder / ARRAYS_FILE, "mean", "components")
        self.mean, self.components, self.norm = arrays["mean"], arrays["components"], float(state["norm"])
        self.shape = tuple(state["shape"])


def _to_unit_length(codes: np.ndarray) -> np.ndarray:
    return codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), np.float32(1e-12))
