"""Automatic choice of a coder: several are fitted, and the one whose codes score highest on held-out items is kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

from aesearch.arrays import is_sparse
from aesearch.catalog import CODERS, create_coder, lookup
from aesearch.coders.base import BITS_PER_BYTE, DEFAULT_BUDGET_SECONDS, Coder, EpochCallback, Metric, Trial
from aesearch.coders.linear import LSA
from aesearch.coders.validation import score_coder
from aesearch.errors import InvalidParameter, NotFitted
from aesearch.scoring import HeldOutItems, hold_out

if TYPE_CHECKING:
    from aesearch.arrays import Rows

MIN_TRAINING_DOCUMENTS = 500
"""No network is trained on fewer documents: their terms, or LSA, find better neighbors."""
MIN_TRAINING_ITEMS = 100
"""No network is trained on fewer images or vectors."""
SHORT_ROUNDS: dict[str, Any] = {}
LONG_ROUND: dict[str, Any] = {"rounds": 1, "first_steps": 1400}
"""Schedules of the network for documents. Many short rounds find large subjects, and merge rare ones with them."""
MIN_GAIN = 0.08
"""Share by which a coder has to score higher than those that are preferred to it. The score favors one long round by up to
6 % on collections of large subjects, on which short rounds are better (benchmarks/RESULTS.md)."""


class AutoCoder(Coder):
    """Fits several coders and keeps the one whose codes score highest on held-out items (`aesearch.scoring`).

    The candidates are the baselines and the neighbor autoencoder. Collections of fewer than 500 documents are not encoded:
    their term weights find the best neighbors, and small collections need no small codes. Collections of fewer than 200
    items have too few held-out items for a choice: they get the first candidate.

    Parameters
    ----------
    code_size : int
        Dimensions of a code.
    fixed_size : bool
        Whether all codes have `code_size` dimensions, those of small collections of documents, too.
    budget : float
        Maximum training time of a candidate in seconds.
    seed : int
        Seed of all candidates.
    device : {"auto", "cpu", "cuda"}
        Where to train. "auto" is a CUDA device if there is one, else the CPU.

    Attributes
    ----------
    trials : list of Trial
        Results of all candidates; known after fit().
    """

    name = "auto"
    metric: Metric = "cosine"

    def __init__(
        self,
        code_size: int = 64,
        *,
        fixed_size: bool = False,
        budget: float = DEFAULT_BUDGET_SECONDS,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        self.code_size, self.fixed_size, self.budget, self.seed, self.device = code_size, fixed_size, budget, seed, device
        create_coder("neighbors", code_size=code_size, budget=budget, seed=seed, device=device)  # checks the parameters
        self.trials: list[Trial] = []
        self._chosen: Coder | None = None
        self._warnings: list[str] = []

    def resolve(self) -> Coder:
        """Return the chosen coder. Raises NotFitted before fit()."""
        if self._chosen is None:
            raise NotFitted(self)
        return self._chosen

    def get_params(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.param_names()}

    @classmethod
    def max_code_size(cls, shape: tuple[int, ...], n_items: int) -> int:
        return LSA.max_code_size(shape, n_items)

    def fit(
        self,
        X: Rows,
        on_epoch: EpochCallback | None = None,
        checkpoint: Path | None = None,
        held_out: HeldOutItems | None = None,
    ) -> Self:
        """Fit the candidates to X, and keep the best; see `Coder.fit`."""
        n_items = X.shape[0] + (0 if held_out is None else len(held_out))
        candidates = list_candidates(X, n_items, self.code_size, fixed_size=self.fixed_size)
        if held_out is None and len(candidates) > 1:
            X, held_out = hold_out(X, np.random.default_rng(self.seed))
            candidates = candidates[: None if held_out else 1]
        trials: list[Trial] = []
        warnings: list[str] = []
        chosen, best_score = 0, 0.0
        selected_descriptors: Mapping[str, float] | None = None
        for number, (name, params) in enumerate(candidates):
            started = time.perf_counter()
            path = checkpoint and checkpoint.with_stem(f"{checkpoint.stem}-{number}")
            coder = self._create(name, params, selected_descriptors).fit(X, on_epoch, path, held_out)
            selected_descriptors = getattr(coder, "descriptor_weights", None) or selected_descriptors
            seconds = time.perf_counter() - started
            score = None if held_out is None or len(candidates) == 1 else score_coder(coder, X, held_out).value
            trials.append(Trial(name, params, score, seconds, is_chosen=False))
            warnings += coder.training_warnings()
            if not number or (score is not None and score > best_score * (1 + MIN_GAIN)):
                self._chosen, chosen, best_score = coder, number, score or 0.0
        self._warnings = list(dict.fromkeys(warnings))
        self.trials = [replace(trial, is_chosen=number == chosen) for number, trial in enumerate(trials)]
        coder = self.resolve()
        self.shape, self.metric, self.code_size = coder.shape, coder.metric, coder.code_size
        return self

    def _create(self, name: str, params: Mapping[str, Any], descriptors: Mapping[str, float] | None) -> Coder:
        """Return a candidate. `descriptors` are those that an earlier candidate has selected, which takes long."""
        known = lookup(CODERS, "coder", name).load().param_names()
        own = {param: value for param, value in self.get_params().items() if param in known}
        if descriptors and "descriptors" in known:
            own["descriptors"] = descriptors
        coder: Coder = create_coder(name, **own, **params)
        return coder

    def encode(self, X: Rows) -> Rows:
        self._check(X)
        return self.resolve().encode(X)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return self.resolve().decode(codes)

    def rerank_features(self, X: Rows) -> Rows:
        return self.resolve().rerank_features(X)

    def rerank_feature_groups(self) -> dict[str, int]:
        return self.resolve().rerank_feature_groups()

    def training_warnings(self) -> list[str]:
        """Return the warnings of all candidates: a training that ended early may have changed the choice."""
        return self._warnings

    def save(self, folder: Path) -> None:
        """Write the chosen coder to a folder, from which it is loaded under its own name."""
        self.resolve().save(folder)

    def _save_state(self, folder: Path) -> dict[str, Any]:
        return self.resolve()._save_state(folder)

    def _load_state(self, folder: Path, state: dict[str, Any]) -> NoReturn:
        raise InvalidParameter('the coder that "auto" has chosen is saved under its own name')


def list_candidates(X: Rows, n_items: int, code_size: int, *, fixed_size: bool) -> list[tuple[str, dict[str, Any]]]:
    """Return the coders that take part in the choice, in order of preference.

    Parameters
    ----------
    X : array of shape (n_rows, ...)
        Rows to fit.
    n_items : int
        Number of items in the collection: the rows to fit, and the held-out items.
    code_size : int
        Dimensions of a code. Linear codes have no more dimensions than a row.
    fixed_size : bool
        See `AutoCoder`.

    Returns
    -------
    list of (str, dict)
        Names in the catalog, and parameters.
    """
    first, *others = _list_candidates(X, n_items, fixed_size=fixed_size)
    largest = max(min(X.shape[0], prod(X.shape[1:])), BITS_PER_BYTE)
    return [first, *(other for other in others if code_size <= largest or not CODERS[other[0]].load().is_fast_to_fit)]


def _list_candidates(X: Rows, n_items: int, *, fixed_size: bool) -> list[tuple[str, dict[str, Any]]]:
    if is_sparse(X):
        if n_items >= MIN_TRAINING_DOCUMENTS:
            return [("blend", SHORT_ROUNDS), ("blend", LONG_ROUND), ("lsa", {})]
        return [("lsa" if fixed_size else "raw", {})]
    baselines = ["descriptors", "pca-whitened"] if len(X.shape) == 4 else ["pca-whitened", "pca"]
    if n_items < MIN_TRAINING_ITEMS:
        return [(baselines[0], {})]
    return [("neighbors", {}), *((name, {}) for name in baselines)]
