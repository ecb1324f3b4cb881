"""Floats become bits: a rotation learnt so that taking the signs loses least.

Gong & Lazebnik 2011, "Iterative quantization: a Procrustean approach to learning binary codes".  A bare threshold at zero
or the median loses 4 to 10 points of precision that the rotation keeps.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from aesearch.arrays import read_arrays, write_arrays
from aesearch.coders.coder import Coder, Metric, Watch
from aesearch.errors import BadSetting

if TYPE_CHECKING:
    from aesearch.arrays import Rows

ARRAYS = "rotation.safetensors"
FIT_ROWS = 50_000


class Bits(Coder):
    """The codes of another coder, each number as one bit: 8 bytes for 64 numbers.

    bits = sign((z - mean) rotation), where z is of unit length if the other coder compares by cosine.

    Parameters
    ----------
    floats : the coder whose codes are turned into bits; fitted first, by fit().
    rounds : of the iterative quantisation.
    seed : of the rotation that it starts from.

    Attributes
    ----------
    mean : [D] float32;  rotation : [D, D] float32, orthogonal;  for decode(), scale : mean size of a
        rotated number, and length : mean length of a code where the metric dropped it, else 1.
    """

    name = "bits"
    metric: Metric = "hamming"

    def __init__(self, floats: Coder, *, rounds: int = 50, seed: int = 0) -> None:
        if floats.name == "raw":
            raise BadSetting('coder "raw" has no code to turn into bits; choose "pca" for pictures, "lsa" for words')
        if floats.metric == "hamming":
            raise BadSetting(f'coder "{floats.name}" gives bits already; leave them out (--no-bits)')
        if floats.code_size % 8:
            near = max(8, round(floats.code_size / 8) * 8)
            raise BadSetting(f"bits: code size {floats.code_size} is no multiple of 8; choose {near} (--code-size)")
        self.floats, self.rounds, self.seed = floats, rounds, seed
        self.code_size = floats.code_size

    @property
    def can_decode(self) -> bool:  # type: ignore[override]  # of the coder beneath
        return self.floats.can_decode

    def settings(self) -> dict[str, Any]:
        return {"rounds": self.rounds, "seed": self.seed}

    def fit(self, X: Rows, watch: Watch | None = None) -> Self:
        """Fits the coder of floats to X, then the rotation to its codes; see `Coder.fit`."""
        self.floats.fit(X, watch)
        self.shape = self.floats.shape
        generator = np.random.default_rng(self.seed)
        some = np.sort(generator.choice(X.shape[0], FIT_ROWS, replace=False)) if X.shape[0] > FIT_ROWS else slice(None)
        codes = np.asarray(self.floats.encode(X[some]))
        self.length = float(np.linalg.norm(codes, axis=1).mean()) if self.floats.metric == "cosine" else 1.0
        codes = self._comparable(codes)
        self.mean = codes.mean(0)
        self.rotation = quantising_rotation(codes - self.mean, self.rounds, generator)
        self.scale = float(np.abs((codes - self.mean) @ self.rotation).mean())
        return self

    def encode(self, X: Rows) -> np.ndarray:
        """[N, code_size / 8] uint8: the first number is the highest bit of the first byte."""
        self._check(X)
        codes = self._comparable(np.asarray(self.floats.encode(X)))
        return np.packbits((codes - self.mean) @ self.rotation > 0, axis=1)

    def remarks(self) -> list[str]:
        return self.floats.remarks()

    def detail(self, X: Rows) -> Rows:
        return self.floats.detail(X)

    def detail_parts(self) -> dict[str, int]:
        return self.floats.detail_parts()

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The rows that the floats nearest to these bits stand for."""
        signs = np.unpackbits(codes, axis=1).astype(np.float32) * 2 - 1
        return self.floats.decode((signs * self.scale @ self.rotation.T + self.mean) * self.length)

    def _comparable(self, codes: np.ndarray) -> np.ndarray:
        """The codes as the floats' metric sees them: without their length where that is the cosine."""
        if self.floats.metric != "cosine":
            return codes
        return codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1e-12)

    def _save_learnt(self, folder: Path) -> dict[str, Any]:
        self.floats.save(folder / "floats")
        write_arrays(folder / ARRAYS, {"mean": self.mean, "rotation": self.rotation})
        return {"scale": self.scale, "length": self.length}

    def _load_learnt(self, folder: Path, learnt: dict[str, Any]) -> None:
        arrays = read_arrays(folder / ARRAYS, "mean", "rotation")
        self.mean, self.rotation = arrays["mean"], arrays["rotation"]
        self.scale, self.length = float(learnt["scale"]), float(learnt["length"])
        self.shape = self.floats.shape


def quantising_rotation(codes: np.ndarray, rounds: int, generator: np.random.Generator) -> np.ndarray:
    """The rotation R for which sign(codes R) is nearest to codes R in squared error.  codes: [N, D], centred.

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
