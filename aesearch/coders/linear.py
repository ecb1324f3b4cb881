"""Baselines: principal component analysis, latent semantic analysis, and the rows themselves.

scikit-learn fits the models. Encoding is one matrix product, so a query needs only NumPy.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from aesearch.arrays import is_sparse, read_arrays, stack_rows, write_arrays
from aesearch.coders.base import BITS_PER_BYTE, Coder, EpochCallback, Metric, check_code_size, flatten_rows
from aesearch.errors import WrongKind

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.scoring import HeldOutItems

ARRAYS_FILE = "arrays.safetensors"
MAX_EXACT_FEATURES = 1000
"""PCA of rows with more features uses the randomized solver, unless more than half of the components are requested."""
LSA_ITERATIONS = 5
"""Power iterations of the randomized SVD."""
MIN_DEVIATION_SHARE = 1e-4
"""Components that deviate less than this share of the first one have only rounding errors of float32."""
MAX_OFFSET = 30
"""Rows with a mean above this many standard deviations are shifted: their covariance in float32 would be inaccurate."""
OFFSET_SAMPLE_SIZE = 1000
"""Rows, evenly spaced, that the mean and the deviations are estimated from."""


class _LinearCoder(Coder):
    """A coder whose code is a linear projection of a row. Few items have no more components with a variance than items."""

    is_fast_to_fit = True

    @classmethod
    def max_code_size(cls, shape: tuple[int, ...], n_items: int) -> int:
        return min(super().max_code_size(shape, n_items), max(n_items, BITS_PER_BYTE))


class PCA(_LinearCoder):
    """Principal component analysis: z = (x - mean) @ components^T.

    The linear autoencoder of least squared error, and therefore the baseline for autoencoders of images. For bags of words
    use LSA: centering them would turn their zeros into numbers.

    Parameters
    ----------
    code_size : int
        Number of components, D.
    whiten : bool
        Whether to divide each component by its standard deviation, and compare codes by cosine. This finds much better
        neighbors of photos, in which a few components (mostly brightness) have nearly all of the variance.
    seed : int
        Seed of the randomized solver.

    Attributes
    ----------
    mean : array of shape (n_features,), float32
    components : array of shape (D, n_features), float32
    scale : array of shape (D,), float32
        Standard deviations of the components; ones without whitening.

    References
    ----------
    Pearson 1901, "On lines and planes of closest fit to systems of points in space".
    Jolliffe 2002, "Principal component analysis".
    """

    def __init__(self, code_size: int = 64, *, whiten: bool = False, seed: int = 0) -> None:
        self.code_size, self.whiten, self.seed = code_size, whiten, seed
        self.name = "pca-whitened" if whiten else "pca"
        self.metric: Metric = "cosine" if whiten else "l2"

    def get_params(self) -> dict[str, Any]:
        return {"code_size": self.code_size, "whiten": self.whiten, "seed": self.seed}

    def fit(
        self,
        X: Rows,
        on_epoch: EpochCallback | None = None,
        checkpoint: Path | None = None,
        held_out: HeldOutItems | None = None,
    ) -> Self:
        """Find the components of X, dense rows of images or vectors; see `Coder.fit`."""
        from sklearn import decomposition

        rows = flatten_rows(X, self.name)
        check_code_size(self.code_size, rows, self.name)
        n_features = rows.shape[1]
        is_exact = n_features <= MAX_EXACT_FEATURES or self.code_size > n_features // 2
        solver = "covariance_eigh" if is_exact else "randomized"
        model = decomposition.PCA(self.code_size, svd_solver=solver, random_state=self.seed)
        offset = _offset(rows)
        with np.errstate(divide="ignore", invalid="ignore"):  # scikit-learn divides by the variance, which may be zero
            fitted = model.fit(_enlarge(rows - offset if offset.any() else rows, self.code_size))
        self.shape = tuple(X.shape[1:])
        self.mean = fitted.mean_[:n_features] + offset
        self.components = fitted.components_[:, :n_features].astype(np.float32)
        self.scale = _scale(fitted.explained_variance_) if self.whiten else np.ones(self.code_size, np.float32)
        return self

    def encode(self, X: Rows) -> np.ndarray:
        self._check(X)
        return (flatten_rows(X, self.name) - self.mean) @ self.components.T / self.scale

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return (codes * self.scale @ self.components + self.mean).reshape(-1, *(self.shape or ()))

    def _save_state(self, folder: Path) -> dict[str, Any]:
        arrays = {"mean": self.mean, "components": self.components, "scale": self.scale}
        write_arrays(folder / ARRAYS_FILE, arrays)
        return {}

    def _load_state(self, folder: Path, state: dict[str, Any]) -> None:
        arrays = read_arrays(folder / ARRAYS_FILE, "mean", "components", "scale")
        self.mean, self.components, self.scale = arrays["mean"], arrays["components"], arrays["scale"]
        self.shape = tuple(state["shape"])


class LSA(_LinearCoder):
    """Latent semantic analysis: z = x @ components^T, the truncated SVD without centering.

    The baseline for autoencoders of bags of words. For images use PCA.

    Parameters
    ----------
    code_size : int
        Number of components, D.
    seed : int
        Seed of the randomized solver (Halko et al. 2011).

    Attributes
    ----------
    components : array of shape (D, n_terms), float32

    References
    ----------
    Deerwester et al. 1990, "Indexing by latent semantic analysis".
    """

    name = "lsa"
    metric: Metric = "cosine"

    def __init__(self, code_size: int = 64, *, seed: int = 0) -> None:
        self.code_size, self.seed = code_size, seed

    def get_params(self) -> dict[str, Any]:
        return {"code_size": self.code_size, "seed": self.seed}

    def fit(
        self,
        X: Rows,
        on_epoch: EpochCallback | None = None,
        checkpoint: Path | None = None,
        held_out: HeldOutItems | None = None,
    ) -> Self:
        """Find the components of X, a csr matrix of shape (n_items, n_terms); see `Coder.fit`."""
        from sklearn.decomposition import TruncatedSVD

        if not is_sparse(X):
            raise WrongKind('coder "lsa" encodes bags of words only; for images use "pca" or "pca-whitened"')
        check_code_size(self.code_size, X, self.name)
        model = TruncatedSVD(self.code_size, n_iter=LSA_ITERATIONS, random_state=self.seed)
        with np.errstate(divide="ignore", invalid="ignore"):  # scikit-learn divides by the variance, which may be zero
            fitted = model.fit(_enlarge(X, self.code_size))
        self.shape = tuple(X.shape[1:])
        self.components = fitted.components_[:, : X.shape[1]].astype(np.float32)
        return self

    def encode(self, X: Rows) -> np.ndarray:
        self._check(X)
        return np.asarray(X @ self.components.T, np.float32)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return codes @ self.components

    def _save_state(self, folder: Path) -> dict[str, Any]:
        write_arrays(folder / ARRAYS_FILE, {"components": self.components})
        return {}

    def _load_state(self, folder: Path, state: dict[str, Any]) -> None:
        self.components = read_arrays(folder / ARRAYS_FILE, "components")["components"]
        self.shape = tuple(state["shape"])


class Raw(Coder):
    """No encoding: the code is the row itself. Every other coder is measured against it.

    Images are compared by Euclidean distance, bags of words (the vector space model) and vectors by cosine. Codes of bags
    of words are csr rows: a document takes 8 bytes for each of its terms, not 4 bytes for each term of the vocabulary.
    """

    name = "raw"
    is_fast_to_fit = True
    returns_rows = True
    supports_itq = False

    def __init__(self) -> None:
        self.code_size = 0
        self.metric: Metric = "l2"

    def get_params(self) -> dict[str, Any]:
        return {}

    def fit(
        self,
        X: Rows,
        on_epoch: EpochCallback | None = None,
        checkpoint: Path | None = None,
        held_out: HeldOutItems | None = None,
    ) -> Self:
        """Record the shape of a row, from which the code size and the metric follow; see `Coder.fit`."""
        self._set_shape(tuple(X.shape[1:]))
        return self

    def encode(self, X: Rows) -> Rows:
        self._check(X)
        return X if is_sparse(X) else flatten_rows(X, self.name)

    def decode(self, codes: Rows) -> np.ndarray:
        dense = codes.toarray() if is_sparse(codes) else codes  # type: ignore[union-attr]
        return np.asarray(dense).reshape(-1, *(self.shape or ()))

    def _set_shape(self, shape: tuple[int, ...]) -> None:
        self.shape, self.code_size = shape, prod(shape)
        self.metric = "l2" if len(shape) > 1 else "cosine"

    def _save_state(self, folder: Path) -> dict[str, Any]:
        return {}

    def _load_state(self, folder: Path, state: dict[str, Any]) -> None:
        self._set_shape(tuple(state["shape"]))


def _offset(rows: np.ndarray) -> np.ndarray:
    """Return the approximate mean of rows if it is large compared with their deviations, and else zeros, [n_features]."""
    sample = rows[:: max(1, len(rows) // OFFSET_SAMPLE_SIZE)]
    mean = sample.mean(0, dtype=np.float64).astype(np.float32)
    return mean if np.abs(mean).max() > MAX_OFFSET * sample.std(0).max() else np.zeros_like(mean)


def _enlarge(X: Rows, code_size: int) -> Rows:
    """Return at least `code_size` rows and columns, as scikit-learn requires: rows are repeated, and columns are zero."""
    size = max(code_size, 2)
    if X.shape[0] < size:
        X = stack_rows([X] * -(-size // X.shape[0]))
    if X.shape[1] >= size:
        return X
    if not is_sparse(X):
        return np.pad(X, ((0, 0), (0, size - X.shape[1])))
    X = X.copy()
    X.resize((X.shape[0], size))
    return X


def _scale(variances: np.ndarray) -> np.ndarray:
    """Return the standard deviations, largest first, that whitening divides by, [D] float32.

    A component without variance is divided by the largest deviation. Its own would amplify rounding errors.
    """
    deviations = np.sqrt(np.maximum(variances, 0)).astype(np.float32)
    largest = deviations[0] or np.float32(1)
    return np.where(deviations > MIN_DEVIATION_SHARE * largest, deviations, largest)
