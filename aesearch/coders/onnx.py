"""Encoding without torch: ONNX Runtime runs an exported encoder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from aesearch.arrays import is_sparse, read_arrays, scale_pixels
from aesearch.coders.base import ONNX_FILE, Coder, EpochCallback
from aesearch.errors import AesearchError, CorruptIndex
from aesearch.onnx_sessions import open_session

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.scoring import HeldOutItems

WEIGHTS_FILE = "weights.safetensors"
FIRST_WEIGHT, FIRST_BIAS = "encoder.0.weight", "encoder.0.bias"
"""Names in WEIGHTS_FILE of the first layer of an encoder of bags of words: [V, H] and [H]."""

GRAPH_INPUT = "x"
CODE_OUTPUT = "code"
DESCRIPTORS_OUTPUT = "descriptors"
"""Output of rerank_features(), which only the graphs of encoders with descriptors have."""

BATCH_SIZE = 256
IMAGE_BATCH_SIZE = 32
"""Few enough images that their feature maps stay in the processor's cache."""


class OnnxCoder(Coder):
    """Encoder of a saved autoencoder. It can neither be trained nor decode.

    ONNX has no sparse product, so the graph of an encoder of bags of words starts after the first layer. That layer's
    weights are read from the autoencoder's own file, and the graph gets X @ weight + bias, [n_items, H].

    Parameters
    ----------
    name : str
        Name of the autoencoder in the catalog.
    params : dict
        Parameters of the autoencoder.
    """

    can_decode = False

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        self.name, self._params = name, params

    def get_params(self) -> dict[str, Any]:
        """Return the parameters of the autoencoder."""
        return self._params

    def encode(self, X: Rows) -> np.ndarray:
        self._check(X)
        codes = self._run(CODE_OUTPUT, X)
        return np.packbits(codes > 0, axis=1) if self.metric == "hamming" else codes

    def rerank_features(self, X: Rows) -> Rows:
        if DESCRIPTORS_OUTPUT not in self._output_widths:
            return super().rerank_features(X)
        self._check(X)
        return self._run(DESCRIPTORS_OUTPUT, X)

    def rerank_feature_groups(self) -> dict[str, int]:
        return self._rerank_feature_groups

    def _run(self, output: str, X: Rows) -> np.ndarray:
        """Return one output of the graph, [n_items, width] float32. Batches run in parallel, one on each core."""
        batch_size = IMAGE_BATCH_SIZE if self.shape is not None and len(self.shape) == 3 else BATCH_SIZE
        starts = range(0, X.shape[0], batch_size)

        def run_batch(start: int) -> np.ndarray:
            result: np.ndarray = self._session.run([output], {GRAPH_INPUT: self._input(X[start : start + batch_size])})[0]
            return result

        if len(starts) == 0:
            return np.zeros((0, self._output_widths[output]), np.float32)
        if len(starts) == 1:
            return run_batch(0)
        # Imported here because a query is one batch, and starts sooner without it.
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return np.concatenate(list(pool.map(run_batch, starts)))

    def _input(self, X: Rows) -> np.ndarray:
        if is_sparse(X):
            return np.asarray(X @ self._first_layer[FIRST_WEIGHT] + self._first_layer[FIRST_BIAS], np.float32)
        return scale_pixels(np.asarray(X))

    def fit(
        self,
        X: Rows,
        on_epoch: EpochCallback | None = None,
        checkpoint: Path | None = None,
        held_out: HeldOutItems | None = None,
    ) -> NoReturn:
        """Raise AesearchError: training needs the whole autoencoder."""
        _refuse("train")

    def decode(self, codes: np.ndarray) -> NoReturn:
        """Raise AesearchError: decoding needs the whole autoencoder."""
        _refuse("decode")

    def save(self, folder: Path) -> NoReturn:
        """Raise AesearchError: saving needs the whole autoencoder."""
        _refuse("save")

    def _save_state(self, folder: Path) -> NoReturn:
        _refuse("save")

    def _load_state(self, folder: Path, state: dict[str, Any]) -> None:
        # One thread per batch, because batches run in parallel. Threads that share one small batch mostly wait.
        try:
            self._session = open_session(folder / ONNX_FILE, threads=1)
        except ValueError as error:
            raise CorruptIndex(folder / ONNX_FILE, f"cannot be read ({error})") from None
        self._output_widths = {output.name: output.shape[1] for output in self._session.get_outputs()}
        self.shape, self.code_size, self.metric = tuple(state["shape"]), state["code_size"], state["metric"]
        self._rerank_feature_groups: dict[str, int] = state.get("rerank_feature_groups", {})
        if state["sparse"]:
            self._first_layer = read_arrays(folder / WEIGHTS_FILE, FIRST_WEIGHT, FIRST_BIAS)


def _refuse(action: str) -> NoReturn:
    raise AesearchError(f"only the encoder was loaded; to {action}, load the index with encoder_only=False")
