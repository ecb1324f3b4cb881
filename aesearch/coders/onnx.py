"""An autoencoder's encoder without torch: ONNX Runtime, and for bags of words one sparse product before it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from aesearch.arrays import is_sparse, read_arrays
from aesearch.coders.base import ONNX_FILE, Coder, EpochCallback
from aesearch.errors import AesearchError
from aesearch.onnx_sessions import open_session

if TYPE_CHECKING:
    from aesearch.arrays import Rows

WEIGHTS = "weights.safetensors"
BATCH = 256
PICTURES = 32
"""Rows, and pictures, encoded at a time: so few pictures that the maps made of them stay in the processor's cache."""
CODE, DETAIL = "code", "detail"
"""The outputs of an encoder: all have the first, those that describe what they encode the second too."""


class OnnxCoder(Coder):
    """Encodes from `encoder.onnx` alone.  It cannot be fitted, and decoding needs the autoencoder itself.

    A first layer over words stays out of the graph, which has no sparse product: its weights [V, H] are read from the
    autoencoder's own file, and ONNX Runtime is given X weights + bias, [N, H].
    """

    can_decode = False

    def __init__(self, name: str, settings: dict[str, Any]) -> None:
        self.name, self._settings = name, settings

    def get_params(self) -> dict[str, Any]:
        return self._settings

    def fit(self, X: Rows, on_epoch: EpochCallback | None = None, checkpoint: Path | None = None) -> Self:
        raise AesearchError("this encoder was loaded to be asked only; to train, load the index with encoder_only=False")

    def encode(self, X: Rows) -> np.ndarray:
        self._check(X)
        codes = self._run(CODE, X)
        floats = np.concatenate(codes) if codes else np.zeros((0, self.code_size), np.float32)
        return np.packbits(floats > 0, axis=1) if self.metric == "hamming" else floats

    def rerank_features(self, X: Rows) -> Rows:
        if DETAIL not in {output.name for output in self._session.get_outputs()}:
            return super().rerank_features(X)
        self._check(X)
        return np.concatenate(self._run(DETAIL, X))

    def rerank_feature_groups(self) -> dict[str, int]:
        return self._detail_parts

    def _run(self, output: str, X: Rows) -> list[np.ndarray]:
        """What the graph makes of X, by batches: several at once, one on each core."""
        size = PICTURES if self.shape is not None and len(self.shape) == 3 else BATCH
        starts = range(0, X.shape[0], size)

        def made(start: int) -> np.ndarray:
            codes: np.ndarray = self._session.run([output], {"x": self._input(X[start : start + size])})[0]
            return codes

        if len(starts) < 2:
            return [made(start) for start in starts]
        from concurrent.futures import ThreadPoolExecutor  # here, because a query is one batch and begins sooner without it

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(made, starts))

    def _input(self, X: Rows) -> np.ndarray:
        if is_sparse(X):
            return np.asarray(X @ self._bag["encoder.0.weight"] + self._bag["encoder.0.bias"], np.float32)
        X = np.asarray(X)
        return X.astype(np.float32) / np.float32(255) if X.dtype == np.uint8 else X.astype(np.float32, copy=False)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        raise AesearchError("this encoder was loaded to be asked only; to decode, load the index with encoder_only=False")

    def save(self, folder: Path) -> None:
        raise AesearchError("this encoder was loaded to be asked only; to save it, load the index with encoder_only=False")

    def _save_state(self, folder: Path) -> dict[str, Any]:
        return {}

    def _load_state(self, folder: Path, learned: dict[str, Any]) -> None:
        # A thread for each batch: several that shared the small steps of one would spend their time waiting for each other.
        self._session = open_session(folder / ONNX_FILE, threads=1)
        self.shape, self.code_size = tuple(learned["shape"]), learned["code_size"]
        self.metric = learned["metric"]
        self._detail_parts = learned.get("rerank_feature_groups", {})
        if learned["sparse"]:
            self._bag = read_arrays(folder / WEIGHTS, "encoder.0.weight", "encoder.0.bias")
