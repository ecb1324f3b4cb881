"""The honest baselines: principal components, latent semantic analysis, and no code at all.

scikit-learn fits them; coding is one matrix product, so that asking an index needs NumPy alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from aesearch.arrays import is_sparse, read_arrays, write_arrays
from aesearch.coders.base import Coder, EpochCallback, Metric, check_code_size, flatten_rows
from aesearch.errors import WrongKind

if TYPE_CHECKING:
    from aesearch.arrays import Rows

ARRAYS = "arrays.safetensors"


class PCA(Coder):
    """Principal component analysis (Pearson 1901; Jolliffe 2002): z = (x - mean) components^T.

    The linear autoencoder of least squared error, hence the baseline of every autoencoder of pictures.  Not for bags of
    words: centring would fill their zeros; use LSA.

    Parameters
    ----------
    code_size : components kept, D.
    whiten : each component divided by its standard deviation, and codes compared by cosine.  Much the better neighbors
        on photographs, where a few components (brightness, mostly) hold nearly all the variance.
    seed : of the randomized solver, used where there are over 1,000 features.

    Attributes
    ----------
    mean : [F] float32;  components : [D, F] float32;  scale : [D] float32, standard deviations (1 where not whitened).
    """

    def __init__(self, code_size: int = 64, *, whiten: bool = False, seed: int = 0) -> None:
        self.code_size, self.whiten, self.seed = code_size, whiten, seed
        self.name = "pca-whitened" if whiten else "pca"
        self.metric: Metric = "cosine" if whiten else "l2"

    def get_params(self) -> dict[str, Any]:
        return {"code_size": self.code_size, "whiten": self.whiten, "seed": self.seed}

    def fit(self, X: Rows, on_epoch: EpochCallback | None = None, checkpoint: Path | None = None) -> Self:
        """Finds the components of X, pictures or vectors; see `Coder.fit`."""
        from sklearn.decomposition import PCA as FittedPCA

        flat = flatten_rows(X, self.name)
        check_code_size(self.code_size, flat, self.name)
        exact = flat.shape[1] <= 1000 or self.code_size > flat.shape[1] // 2
        solver = "covariance_eigh" if exact else "randomized"
        fitted = FittedPCA(self.code_size, svd_solver=solver, random_state=self.seed).fit(flat)
        self.shape = tuple(X.shape[1:])
        self.mean, self.components = fitted.mean_, fitted.components_.astype(np.float32)
        spread = np.sqrt(np.maximum(fitted.explained_variance_, 1e-12)).astype(np.float32)
        self.scale = spread if self.whiten else np.ones_like(spread)
        return self

    def encode(self, X: Rows) -> np.ndarray:
        self._check(X)
        return (flatten_rows(X, self.name) - self.mean) @ self.components.T / self.scale

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return (codes * self.scale @ self.components + self.mean).reshape(-1, *self.shape or ())

    def _save_state(self, folder: Path) -> dict[str, Any]:
        arrays = {"mean": self.mean, "components": self.components, "scale": self.scale}
        write_arrays(folder / ARRAYS, arrays)
        return {}

    def _load_state(self, folder: Path, learned: dict[str, Any]) -> None:
        arrays = read_arrays(folder / ARRAYS, "mean", "components", "scale")
        self.mean, self.components, self.scale = arrays["mean"], arrays["components"], arrays["scale"]
        self.shape = tuple(learned["shape"])


class LSA(Coder):
    """Latent semantic analysis (Deerwester et al. 1990): z = x components^T, the truncated SVD without centring.

    The baseline of every autoencoder of bags of words.  For pictures use PCA.

    Parameters
    ----------
    code_size : components kept, D.
    seed : of the randomized solver (Halko et al. 2011).

    Attributes
    ----------
    components : [D, V] float32.
    """

    name = "lsa"
    metric: Metric = "cosine"

    def __init__(self, code_size: int = 64, *, seed: int = 0) -> None:
        self.code_size, self.seed = code_size, seed

    def get_params(self) -> dict[str, Any]:
        return {"code_size": self.code_size, "seed": self.seed}

    def fit(self, X: Rows, on_epoch: EpochCallback | None = None, checkpoint: Path | None = None) -> Self:
        """Finds the components of X, [N, V] csr; see `Coder.fit`."""
        from sklearn.decomposition import TruncatedSVD

        if not is_sparse(X):
            raise WrongKind('coder "lsa" is for bags of words; for pictures use "pca" or "pca-whitened"')
        check_code_size(self.code_size, X, self.name)
        fitted = TruncatedSVD(self.code_size, n_iter=5, random_state=self.seed).fit(X)
        self.shape = tuple(X.shape[1:])
        self.components = fitted.components_.astype(np.float32)
        return self

    def encode(self, X: Rows) -> np.ndarray:
        self._check(X)
        return np.asarray(X @ self.components.T, np.float32)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return codes @ self.components

    def _save_state(self, folder: Path) -> dict[str, Any]:
        write_arrays(folder / ARRAYS, {"components": self.components})
        return {}

    def _load_state(self, folder: Path, learned: dict[str, Any]) -> None:
        self.components = read_arrays(folder / ARRAYS, "components")["components"]
        self.shape = tuple(learned["shape"])


class Raw(Coder):
    """No code: the row itself, pixels by their euclidean distance, weighted words (the vector space model) and vectors by
    cosine.

    What any code must be measured against.  Codes of words are csr, so that a document takes 8 bytes a word and not
    4 bytes for every word there is.
    """

    name = "raw"

    def __init__(self) -> None:
        self.code_size = 0
        self.metric: Metric = "l2"

    def get_params(self) -> dict[str, Any]:
        return {}

    def fit(self, X: Rows, on_epoch: EpochCallback | None = None, checkpoint: Path | None = None) -> Self:
        """Learns nothing of X but the shape of its rows."""
        self._take(tuple(X.shape[1:]), "l2" if len(X.shape) > 2 else "cosine")
        return self

    def _take(self, shape: tuple[int, ...], metric: Metric) -> None:
        self.shape, self.metric, self.code_size = shape, metric, int(np.prod(shape))

    def encode(self, X: Rows) -> Rows:
        self._check(X)
        return X if is_sparse(X) else flatten_rows(X, self.name)

    def decode(self, codes: Rows) -> np.ndarray:
        dense = codes.toarray() if is_sparse(codes) else codes  # type: ignore[union-attr]
        return np.asarray(dense).reshape(-1, *self.shape or ())

    def _save_state(self, folder: Path) -> dict[str, Any]:
        return {}

    def _load_state(self, folder: Path, learned: dict[str, Any]) -> None:
        self._take(tuple(learned["shape"]), learned["metric"])
