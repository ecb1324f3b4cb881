"""Floats become bits: a rotation learned so that taking the signs loses least.

Gong & Lazebnik 2011, "Iterative quantization: a Procrustean approach to learning binary codes".  A bare threshold at zero
or the median loses 4 to 10 points of precision that the rotation keeps.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from aesearch.arrays import read_arrays, write_arrays
from aesearch.coders.base import Coder, EpochCallback, Metric
from aesearch.errors import InvalidParameter

if TYPE_CHECKING:
    from aesearch.arrays import Rows

ARRAYS = "rotation.safetensors"
FIT_ROWS = 50_000


class ITQ(Coder):
    """The codes of another coder, each number as one bit: 8 bytes for 64 numbers.

    bits = sign((z - mean) rotation), where z is of unit length if the other coder compares by cosine.

    Parameters
    ----------
    floats : the coder whose codes are turned into bits; fitted first, by fit().
    rounds : of the iterative quantization.
    seed : of the rotation that it starts from.

    Attributes
    ----------
    mean : [D] float32;  rotation : [D, D] float32, orthogonal;  for decode(), scale : mean size of a
        rotated number, and length : mean length of a code where the metric dropped it, else 1.
    """

    name = "itq"
    metric: Metric = "hamming"

    def __init__(self, base: Coder, *, rounds: int = 50, seed: int = 0) -> None:
        if base.name == "raw":
            raise InvalidParameter('coder "raw" has no code to turn into bits; choose "pca" for pictures, "lsa" for words')
        if base.metric == "hamming":
            raise InvalidParameter(f'coder "{base.name}" gives bits already; leave them out (--no-bits)')
        if base.code_size % 8:
            near = max(8, round(base.code_size / 8) * 8)
            raise InvalidParameter(f"bits: code size {base.code_size} is no multiple of 8; choose {near} (--code-size)")
        self._base, self.rounds, self.seed = base, rounds, seed
        self.code_size = base.code_size

    @property
    def base(self) -> Coder:
        return self._base

    @property
    def can_decode(self) -> bool:  # type: ignore[override]  # of the coder beneath
        return self.base.can_decode

    def get_params(self) -> dict[str, Any]:
        return {"rounds": self.rounds, "seed": self.seed}

    def fit(self, X: Rows, on_epoch: EpochCallback | None = None, checkpoint: Path | None = None) -> Self:
        """Fits the coder of floats to X, then the rotation to its codes; see `Coder.fit`."""
        self.base.fit(X, on_epoch, checkpoint)
        self.shape = self.base.shape
        generator = np.random.default_rng(self.seed)
        some = np.sort(generator.choice(X.shape[0], FIT_ROWS, replace=False)) if X.shape[0] > FIT_ROWS else slice(None)
        codes = np.asarray(self.base.encode(X[some]))
        self.length = float(np.linalg.norm(codes, axis=1).mean()) if self.base.metric == "cosine" else 1.0
        codes = self._comparable(codes)
        self.mean = codes.mean(0)
        self.rotation = fit_itq_rotation(codes - self.mean, self.rounds, generator)
        self.scale = float(np.abs((codes - self.mean) @ self.rotation).mean())
        return self

    def encode(self, X: Rows) -> np.ndarray:
        """[N, code_size / 8] uint8: the first number is the highest bit of the first byte."""
        self._check(X)
        codes = self._comparable(np.asarray(self.base.encode(X)))
        return np.packbits((codes - self.mean) @ self.rotation > 0, axis=1)

    def training_warnings(self) -> list[str]:
        return self.base.training_warnings()

    def rerank_features(self, X: Rows) -> Rows:
        return self.base.rerank_features(X)

    def rerank_feature_groups(self) -> dict[str, int]:
        return self.base.rerank_feature_groups()

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The rows that the floats nearest to these bits stand for."""
        signs = np.unpackbits(codes, axis=1).astype(np.float32) * 2 - 1
        return self.base.decode((signs * self.scale @ self.rotation.T + self.mean) * self.length)

    def _comparable(self, codes: np.ndarray) -> np.ndarray:
        """The codes as the floats' metric sees them: without their length where that is the cosine."""
        if self.base.metric != "cosine":
            return codes
        return codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1e-12)

    def _save_state(self, folder: Path) -> dict[str, Any]:
        self.base.save(folder / "base")
        write_arrays(folder / ARRAYS, {"mean": self.mean, "rotation": self.rotation})
        return {"scale": self.scale, "length": self.length}

    def _load_state(self, folder: Path, learned: dict[str, Any]) -> None:
        arrays = read_arrays(folder / ARRAYS, "mean", "rotation")
        self.mean, self.rotation = arrays["mean"], arrays["rotation"]
        self.scale, self.length = float(learned["scale"]), float(learned["length"])
        self.shape = self.base.shape


def fit_itq_rotation(codes: np.ndarray, rounds: int, generator: np.random.Generator) -> np.ndarray:
    """The rotation R for which sign(codes R) is nearest to codes R in squared error.  codes: [N, D], centered.

    In turn: B = sign(codes R), then R = the orthogonal matrix that best carries codes onto B (orthogonal Procrustes:
    from the singular value decomposition codes^T B = U S V^T, R = U V^T).  Returns [D, D] float32.
    """
    size = codes.shape[1]
    rotation = np.linalg.qr(generator.standard_normal((size, size)))[0].astype(np.float32)
    for _ in range(rounds):
        signs = np.where(codes @ rotation > 0, np.float32(1), np.float32(-1))
        left, _, right = np.linalg.svd(codes.T @ signs)
        rotation = (left @ right).astype(np.float32)
    return rotation
