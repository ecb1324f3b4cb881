"""The contract of all coders, baselines and autoencoders alike, and the checks that they share."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from aesearch.arrays import is_sparse, write_json
from aesearch.errors import BadSetting, NotFitted, ShapeMismatch, WrongKind

if TYPE_CHECKING:
    from aesearch.arrays import Rows

Metric = Literal["cosine", "l2", "hamming"]
SETTINGS = "settings.json"
ONNX = "encoder.onnx"


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the training rows came to.  Losses are means over items of a sum over each item's features;
    `agreement` is the label-free score of the codes after it, where the coder measures it as it goes."""

    number: int
    of: int
    train_loss: float
    validation_loss: float | None
    seconds: float
    agreement: float | None = None


Watch = Callable[[Epoch], None]


class Coder(ABC):
    """Learns from rows, then turns rows into short codes whose nearness is meant to follow the items' likeness.

    Attributes
    ----------
    code_size : numbers (or bits) of one code.
    metric : how two codes are compared: "cosine", "l2" or "hamming".
    shape : of one row, known after fit().
    can_decode : whether decode() is there; not for an encoder that was loaded alone.
    checkpoint : file in which fit() keeps how far it came, and from which it goes on if it was broken off; None for none.
        Coders that learn in epochs heed it.
    """

    name: str
    metric: Metric
    code_size: int
    shape: tuple[int, ...] | None = None
    can_decode = True
    checkpoint: Path | None = None

    @abstractmethod
    def fit(self, X: Rows, watch: Watch | None = None) -> Self:
        """Learns from X: [N, ...] uint8 in 0..255, float32, or csr.  `watch` is called after each epoch, if there are any.

        Raises BadSetting where a setting does not go with X, WrongKind where X is not for this coder.
        """

    @abstractmethod
    def encode(self, X: Rows) -> Rows:
        """The codes of X, row by row: [N, code_size] float32, or [N, code_size / 8] uint8 of packed bits for "hamming".

        Draws no random number: the same X gives the same codes.  Raises NotFitted and ShapeMismatch.
        """

    @abstractmethod
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The rows that the codes stand for: [N, *shape] float32; pixels in 0..1."""

    def detail(self, X: Rows) -> Rows:
        """What rows are compared by where a code is too coarse (`aesearch.reranking`): the rows themselves, where a coder
        knows nothing better.  Returns [N, F] float32 or csr.
        """
        self._check(X)
        return X if is_sparse(X) else flat_floats(X, self.name)

    def detail_parts(self) -> dict[str, int]:
        """The descriptions that a row of detail() is put together from, by name and in their order, with the numbers that
        each takes; {} where it is one whole.  Known after fit().
        """
        return {}

    def remarks(self) -> list[str]:
        """What a user should know of how learning went, a sentence each."""
        return []

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The constructor's keywords."""

    @abstractmethod
    def _save_learnt(self, folder: Path) -> dict[str, Any]:
        """Writes what fit() learnt; what is returned is kept as JSON and handed to `_load_learnt`."""

    @abstractmethod
    def _load_learnt(self, folder: Path, learnt: dict[str, Any]) -> None: ...

    def save(self, folder: Path) -> None:
        """Writes the coder into `folder`, which is made if it is not there."""
        if self.shape is None:
            raise NotFitted(self)
        folder.mkdir(parents=True, exist_ok=True)
        learnt = {"shape": self.shape, "metric": self.metric, "code_size": self.code_size, **self._save_learnt(folder)}
        write_json(folder / SETTINGS, {"coder": self.name, "settings": self.settings(), "learnt": learnt})

    @classmethod
    def setting_names(cls) -> list[str]:
        """The keywords that the constructor takes."""
        return list(inspect.signature(cls).parameters)

    def _check(self, X: Rows) -> None:
        """Raises NotFitted, or ShapeMismatch where rows differ from those learnt from."""
        if self.shape is None:
            raise NotFitted(self)
        if tuple(X.shape[1:]) != self.shape:
            raise ShapeMismatch(f'coder "{self.name}": shape of a row', self.shape, tuple(X.shape[1:]))


def flat_floats(X: Rows, coder: str) -> np.ndarray:
    """X [N, ...] as [N, F] float32, uint8 brought to 0..1.  Raises WrongKind where X is sparse."""
    if is_sparse(X):
        raise WrongKind(f'coder "{coder}" is for pictures; for bags of words use "lsa"')
    flat = np.asarray(X).reshape(X.shape[0], prod(X.shape[1:]))
    return flat.astype(np.float32) / np.float32(255) if flat.dtype == np.uint8 else flat.astype(np.float32, copy=False)


def check_size(code_size: int, X: Rows, coder: str) -> None:
    """Raises BadSetting where a linear code is larger than the rows or features that it is learnt from."""
    most = min(X.shape[0], prod(X.shape[1:]))
    if not 1 <= code_size <= most:
        rule = f"{X.shape[0]:,} items of {prod(X.shape[1:]):,} features"
        raise BadSetting(f'coder "{coder}": code size {code_size} with {rule}; choose 1 to {most} (--code-size)')
