"""A collection in two dimensions, each item at its place, near those that it is like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from aesearch.analysis.neighborhoods import everything
from aesearch.errors import InvalidParameter, MissingExtra

if TYPE_CHECKING:
    from aesearch.index.ledger import Row
    from aesearch.index.retriever import Retriever

Projection = Literal["codes", "pca", "t-sne"]
PERPLEXITY = 30


@dataclass(frozen=True)
class Map:
    """rows : the items;  places : [N, 2] float32, in no unit;  by : how the places were made."""

    rows: list[Row]
    places: np.ndarray
    by: Projection


def project(retriever: Retriever, by: Projection | None = None, seed: int = 0) -> Map:
    """The map of an index.

    by : "codes", the codes themselves, which must be of two numbers; "pca", their two principal components; "t-sne", which
        keeps neighbors together and nothing else (van der Maaten & Hinton 2008; extra `maps`).  None: "codes" where they
        are of two numbers, else "pca".

    Raises InvalidParameter, WrongKind where the codes are no numbers, and MissingExtra.
    """
    known = everything(retriever)
    size = known.codes.shape[1]
    by = by or ("codes" if size == 2 else "pca")
    if len(known.rows) < 3:
        raise InvalidParameter(f"a map of {len(known.rows)} items shows nothing; index at least 3")
    if by == "codes" and size != 2:
        raise InvalidParameter(
            f"the codes are of {size} numbers; index with --code-size 2 to see them as they are, or --by pca"
        )
    places = {"codes": lambda codes: codes, "pca": principal, "t-sne": lambda codes: _t_sne(codes, seed)}[by](known.codes)
    return Map(known.rows, np.asarray(places, np.float32), by)


def principal(codes: np.ndarray) -> np.ndarray:
    """The first two principal components.  codes: [N, D].  Returns [N, 2]."""
    centered = codes - codes.mean(0)
    _, vectors = np.linalg.eigh(centered.T @ centered)
    axes = vectors[:, ::-1][:, :2]
    if axes.shape[1] < 2:
        axes = np.pad(axes, ((0, 0), (0, 1)))
    # The sign of a component is nobody's choice: the larger half of each axis points up, so that a map stays as it was.
    axes = axes * np.where(axes[np.abs(axes).argmax(0), [0, 1]] < 0, -1, 1)
    return centered @ axes


def _t_sne(codes: np.ndarray, seed: int) -> np.ndarray:
    try:
        from openTSNE import TSNE
    except ImportError:
        raise MissingExtra("maps by t-SNE", "maps") from None
    perplexity = min(PERPLEXITY, (len(codes) - 1) / 3)
    return np.asarray(TSNE(perplexity=perplexity, metric="cosine", random_state=seed, n_jobs=-1).fit(codes))
