"""Images and documents that the decoder of an index generates: reconstructions, random samples and interpolations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.analysis.decoding import reconstruct_rows, require_decoder
from aesearch.analysis.metrics import squared_errors
from aesearch.errors import InvalidParameter, WrongKind, count
from aesearch.items import Item

if TYPE_CHECKING:
    from aesearch.index.retriever import Retriever

BATCH_SIZE = 64
MAX_GENERATED_ITEMS = 10_000
"""Images or documents that can be generated at a time. All of them are in memory."""
MASK_GRAY = np.uint8(128)
"""Gray level that stands for masked patches."""


@dataclass(frozen=True)
class Reconstruction:
    """An item and its reconstruction.

    Attributes
    ----------
    id : str
    original, reconstructed : PIL.Image.Image or list of str
        Images (mode L or RGB) at the size that the index uses, or the highest-weighted terms of a document.
    squared_error : float
        Squared error, summed over the features; pixels are in 0..1.
    masked_input : PIL.Image.Image or None
        Input of a masked autoencoder: the original with its masked patches in gray. None for other coders.
    """

    id: str
    original: Any
    reconstructed: Any
    squared_error: float
    masked_input: Any = None


def reconstruct(retriever: Retriever, items: Iterable[Item]) -> Iterator[Reconstruction]:
    """Encode and decode items, and yield each with its reconstruction while the items are read.

    A masked autoencoder predicts masked patches instead.

    Raises
    ------
    InvalidParameter
        If only the encoder is loaded.
    WrongKind
        If the index encodes vectors, which cannot be displayed.
    """
    require_decoder(retriever.coder)
    if retriever.features.row_kind == "vectors":
        raise WrongKind("cannot display reconstructed vectors; use an index of images or documents")
    remaining = iter(items)
    while batch := list(islice(remaining, BATCH_SIZE)):
        X = retriever.featurize(batch)
        reconstruct_masked = getattr(retriever.coder, "reconstruct_masked", None)
        masked_inputs: list[Any] = [None] * len(batch)
        if reconstruct_masked is None:
            decoded = reconstruct_rows(retriever.coder, X)
        else:
            decoded, is_masked = reconstruct_masked(X)
            masked_inputs = retriever.features.inverse_transform(np.where(is_masked, MASK_GRAY, np.asarray(X)))
        originals = retriever.features.inverse_transform(X)
        reconstructed = retriever.features.inverse_transform(decoded)
        for position, (item, error) in enumerate(zip(batch, squared_errors(X, decoded), strict=True)):
            yield Reconstruction(
                item.id, originals[position], reconstructed[position], float(error), masked_inputs[position]
            )


def _check_number(n_items: int) -> None:
    """Raise InvalidParameter if a number of generated items is out of range."""
    if not 1 <= n_items <= MAX_GENERATED_ITEMS:
        raise InvalidParameter(f"cannot generate {count(n_items, 'item')}; choose 1 to {MAX_GENERATED_ITEMS:,}")


def sample_items(retriever: Retriever, n_items: int, seed: int = 0) -> list[Any]:
    """Draw random images, or lists of terms, from a variational autoencoder.

    Raises
    ------
    InvalidParameter
        If `n_items` is out of range, the coder is not a variational autoencoder, or only its encoder is loaded.
    """
    _check_number(n_items)
    sample = getattr(retriever.coder, "sample", None)
    if sample is None:
        raise InvalidParameter(
            f'coder "{retriever.coder_name}" cannot generate samples; index with --coder variational, without --bits'
        )
    return retriever.features.inverse_transform(sample(n_items, seed))


def interpolate(retriever: Retriever, first: Item, last: Item, n_steps: int = 10) -> list[Any]:
    """Decode evenly spaced points on the line between the codes of two items, including both.

    Returns
    -------
    list of PIL.Image.Image, or list of list of str
        n_steps images, or the highest-weighted terms of each step.

    Raises
    ------
    InvalidParameter
        If `n_steps` is out of range, the codes are bits, which cannot be interpolated, or only the encoder is loaded.
    """
    _check_number(n_steps)
    require_decoder(retriever.coder)
    if retriever.coder.metric == "hamming":
        raise InvalidParameter("cannot interpolate between codes of bits; index without --bits")
    start, end = retriever.coder.encode(retriever.featurize([first, last]))
    shares = np.linspace(0, 1, n_steps, dtype=np.float32)[:, None]
    return retriever.features.inverse_transform(retriever.coder.decode((1 - shares) * start + shares * end))
