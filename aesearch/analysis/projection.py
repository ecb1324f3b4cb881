"""Projection of the codes of an index to two dimensions, for maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from aesearch.analysis.codes import load_codes
from aesearch.errors import InvalidParameter, MissingExtra, count

if TYPE_CHECKING:
    from aesearch.index.ledger import LedgerRow
    from aesearch.index.retriever import Retriever

ProjectionMethod = Literal["codes", "pca", "t-sne"]

MIN_ITEMS = 3
DEFAULT_PERPLEXITY = 30
"""Perplexity of t-SNE; less for fewer than 91 items."""


@dataclass(frozen=True)
class Projection:
    """A two-dimensional map of an index.

    Attributes
    ----------
    rows : list of LedgerRow
        Ledger rows of the items.
    coordinates : array of shape (n_items, 2), float32
    method : {"codes", "pca", "t-sne"}
        How the coordinates were computed.
    """

    rows: list[LedgerRow]
    coordinates: np.ndarray
    method: ProjectionMethod


def project(retriever: Retriever, method: ProjectionMethod | None = None, seed: int = 0) -> Projection:
    """Project the codes of an index to two dimensions.

    Parameters
    ----------
    retriever : Retriever
    method : {"codes", "pca", "t-sne"}, optional
        "codes" takes the codes as they are; they must have two dimensions. "pca" takes their first two principal
        components. "t-sne" preserves neighborhoods, but neither distances nor densities. None means "codes" for codes of
        two dimensions, and "pca" for all others.
    seed : int
        Seed of t-SNE.

    Returns
    -------
    Projection

    Raises
    ------
    InvalidParameter
        If there are fewer than 3 items, or the codes do not have two dimensions but the method is "codes".
    WrongKind
        If the codes are sparse.
    MissingExtra
        If the method is "t-sne" and openTSNE is not installed.

    References
    ----------
    L. van der Maaten and G. Hinton, "Visualizing data using t-SNE", JMLR 9, 2008.
    """
    index = load_codes(retriever)
    n_items, code_size = index.codes.shape
    method = method or ("codes" if code_size == 2 else "pca")
    if n_items < MIN_ITEMS:
        raise InvalidParameter(f"cannot draw a map of {count(n_items, 'item')}; index at least {MIN_ITEMS}")
    if method == "codes" and code_size != 2:
        raise InvalidParameter(
            f"cannot draw codes of {count(code_size, 'dimension')} as they are; index with --code-size 2, or project them "
            "(--by pca)"
        )
    if method == "t-sne":
        coordinates = _t_sne(index.codes, seed)
    else:
        coordinates = principal_components(index.codes) if method == "pca" else index.codes
    return Projection(index.rows, np.asarray(coordinates, np.float32), method)


def principal_components(codes: np.ndarray) -> np.ndarray:
    """Return the first two principal components of codes (n_items, code_size): (n_items, 2)."""
    centered = codes - codes.mean(0)
    _, vectors = np.linalg.eigh(centered.T @ centered)
    axes = vectors[:, ::-1][:, :2]
    if axes.shape[1] < 2:
        axes = np.pad(axes, ((0, 0), (0, 1)))
    # The sign of a component is arbitrary. Make the largest entry of each axis positive, so that maps are reproducible.
    axes = axes * np.where(axes[np.abs(axes).argmax(0), [0, 1]] < 0, -1, 1)
    return centered @ axes


def _t_sne(codes: np.ndarray, seed: int) -> np.ndarray:
    try:
        from openTSNE import TSNE
    except ImportError:
        raise MissingExtra("openTSNE", "maps") from None
    perplexity = min(DEFAULT_PERPLEXITY, (len(codes) - 1) / 3)
    return np.asarray(TSNE(perplexity=perplexity, metric="cosine", random_state=seed, n_jobs=-1).fit(codes))
