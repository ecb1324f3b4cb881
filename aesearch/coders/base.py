"""The contract of all coders, baselines and autoencoders alike, and the checks that they share."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from aesearch.arrays import is_sparse, scale_pixels, write_json
from aesearch.errors import InvalidParameter, NotFitted, ShapeMismatch, WrongKind, count

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.scoring import HeldOutItems

Metric = Literal["cosine", "l2", "hamming"]
CONFIG_FILE = "config.json"
ONNX_FILE = "encoder.onnx"
BITS_PER_BYTE = 8
DEFAULT_BUDGET_SECONDS = 600.0
"""Time limit of a training, for safety. Trainings have a fixed number of steps, so that equal seeds give equal models."""
NOT_FINITE_REASON = "its values are not finite, or too large to be compared"
"""Why an item is skipped whose row or code `finite_rows` rejects."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """Result of one training epoch, or of one round of the neighbor autoencoder.

    Losses are sums over the features of an item, averaged over items. `score` is the label-free score of the codes
    after the epoch, if the coder computes it during training. `unit` is what messages call it.
    """

    number: int
    total: int
    train_loss: float
    validation_loss: float | None
    seconds: float
    score: float | None = None
    unit: Literal["epoch", "round"] = "epoch"


@dataclass(frozen=True, slots=True)
class Trial:
    """Result of one of the coders among which the best is chosen (`aesearch.coders.auto`).

    Attributes
    ----------
    coder : str
        Name of the coder in the catalog.
    params : dict
        Its parameters that differ from the defaults.
    score : float or None
        Label-free score of its codes (`aesearch.scoring`); None if there are too few items to score.
    seconds : float
        Duration of its training.
    is_chosen : bool
    """

    coder: str
    params: dict[str, Any]
    score: float | None
    seconds: float
    is_chosen: bool


EpochCallback = Callable[[Epoch], None]


class Coder(ABC):
    """Learns from rows, then encodes rows as short codes. Similar items are meant to get near codes.

    Attributes
    ----------
    name : str
        Name in the catalog.
    metric : {"cosine", "l2", "hamming"}
        How codes are compared.
    code_size : int
        Dimensions (or bits) of a code.
    shape : tuple of int
        Shape of one row; known after fit().
    can_decode : bool
        Whether decode() works; false if only the encoder was loaded.
    members : sequence of Coder
        The coders that this one is made of, if any; known after fit().
    member_folders : tuple of str
        Folders in which they are saved.
    """

    name: str
    metric: Metric
    code_size: int
    shape: tuple[int, ...] | None = None
    members: Sequence[Coder] = ()
    member_folders: ClassVar[tuple[str, ...]] = ()
    can_decode = True
    supports_itq: ClassVar[bool] = True
    """Whether the codes can be turned into bits by ITQ: they are float codes of a chosen size."""
    is_fast_to_fit: ClassVar[bool] = False
    """Whether fit() takes so little time that it may be repeated, for the label-free score."""
    returns_rows: ClassVar[bool] = False
    """Whether encode() returns the rows themselves, which are sparse for bags of words."""

    def resolve(self) -> Coder:
        """Return the coder that an index keeps after fit(): this one, unless it has chosen another."""
        return self

    @property
    def base(self) -> Coder:
        """The coder that produces the float codes: itself, unless its codes are made of another coder's."""
        return self

    @abstractmethod
    def fit(
        self,
        X: Rows,
        on_epoch: EpochCallback | None = None,
        checkpoint: Path | None = None,
        held_out: HeldOutItems | None = None,
    ) -> Self:
        """Train on rows.

        Parameters
        ----------
        X : array of shape (n_items, ...)
            uint8 pixels in 0..255, float32, or a csr matrix.
        on_epoch : callable, optional
            Called after each epoch; coders that do not train in epochs never call it.
        checkpoint : Path, optional
            File that keeps the state of training. If it exists, an interrupted training resumes from it.
        held_out : HeldOutItems, optional
            Items that are not in X. A coder that makes choices, such as when to stop, chooses what scores highest on them.
            By default it holds out some of the rows of X.

        Raises
        ------
        InvalidParameter
            If a parameter does not fit X.
        WrongKind
            If this coder cannot encode such rows.
        """

    @abstractmethod
    def encode(self, X: Rows) -> Rows:
        """Return the codes of rows. Encoding is deterministic.

        Parameters
        ----------
        X : array of shape (n_items, *shape)

        Returns
        -------
        array of shape (n_items, code_size), float32; for metric "hamming" (n_items, code_size / 8), uint8 of packed bits

        Raises
        ------
        NotFitted
            Before fit().
        ShapeMismatch
            If the rows have another shape than those in fit().
        """

    @abstractmethod
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the reconstructed rows of codes: (n_items, *shape) float32, pixels in 0..1."""

    def rerank_features(self, X: Rows) -> Rows:
        """Return the features that rank the candidates found by their codes: (n_items, n_features), float32 or csr.

        By default these are the rows themselves; see `aesearch.search.reranking`.
        """
        self._check(X)
        return X if is_sparse(X) else flatten_rows(X, self.name)

    def rerank_feature_groups(self) -> dict[str, int]:
        """Return the widths of the named column groups of rerank_features(), in order; empty if there is one group only."""
        return {}

    def training_warnings(self) -> list[str]:
        """Return warnings about the training, one sentence each."""
        return []

    @abstractmethod
    def get_params(self) -> dict[str, Any]:
        """Return the constructor's keywords."""

    @classmethod
    def param_names(cls) -> list[str]:
        """Return the names of the constructor's parameters."""
        return list(inspect.signature(cls).parameters)

    @classmethod
    def max_code_size(cls, shape: tuple[int, ...], n_items: int) -> int:
        """Return the largest sensible code size for n_items rows of a shape: half the dimensions of a row."""
        return max(1, prod(shape) // 2)

    @abstractmethod
    def _save_state(self, folder: Path) -> dict[str, Any]:
        """Write what fit() learned. The returned dict is stored as JSON and passed to `_load_state`."""

    @abstractmethod
    def _load_state(self, folder: Path, state: dict[str, Any]) -> None:
        """Restore what `_save_state` wrote."""

    def save(self, folder: Path) -> None:
        """Write the coder to a folder, which is created if it does not exist."""
        if self.shape is None:
            raise NotFitted(self)
        folder.mkdir(parents=True, exist_ok=True)
        state = {"shape": self.shape, "metric": self.metric, "code_size": self.code_size, **self._save_state(folder)}
        write_json(folder / CONFIG_FILE, {"coder": self.name, "params": self.get_params(), "state": state})

    def _check(self, X: Rows) -> None:
        """Raise NotFitted before fit(), and ShapeMismatch if rows differ in shape from those in fit()."""
        if self.shape is None:
            raise NotFitted(self)
        if tuple(X.shape[1:]) != self.shape:
            raise ShapeMismatch(f'coder "{self.name}": shape of a row', self.shape, tuple(X.shape[1:]))


def flatten_rows(X: Rows, coder: str) -> np.ndarray:
    """Return X as a float32 matrix of shape (n_items, n_features), with uint8 pixels scaled to 0..1.

    Raises
    ------
    WrongKind
        If X is sparse.
    """
    if is_sparse(X):
        raise WrongKind(f'coder "{coder}" does not encode bags of words; use "lsa"')
    return scale_pixels(np.asarray(X).reshape(X.shape[0], prod(X.shape[1:])))


def finite_rows(X: Rows) -> np.ndarray:
    """Return which rows can be compared, [n_items] bool: all values are finite, and so is the squared length in float32.

    Parameters
    ----------
    X : array of shape (n_items, ...)
        Rows of features, or codes. Rows of integers, such as pixels and bits, can always be compared.
    """
    if X.dtype.kind != "f":
        return np.ones(X.shape[0], bool)
    with np.errstate(over="ignore", invalid="ignore"):
        if is_sparse(X):
            squares = np.asarray(X.multiply(X).sum(axis=1), np.float32).ravel()  # type: ignore[union-attr]
        else:
            rows = np.asarray(X, np.float32).reshape(X.shape[0], prod(X.shape[1:]))
            squares = np.einsum("nd,nd->n", rows, rows)
    return np.isfinite(squares)


def check_code_size(code_size: int, X: Rows, coder: str) -> None:
    """Raise InvalidParameter if a linear code has no dimension, or more than there are rows or features.

    One byte of bits is always possible: the dimensions without variance do no harm.
    """
    largest = max(min(X.shape[0], prod(X.shape[1:])), BITS_PER_BYTE)
    if not 1 <= code_size <= largest:
        raise InvalidParameter(
            f'coder "{coder}": code size {code_size} does not fit '
            f"{count(X.shape[0], 'item')} of {count(prod(X.shape[1:]), 'feature')}; choose 1 to {largest} (--code-size)"
        )
