"""Reconstruction of rows from their codes, and the check that a decoder is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aesearch.errors import InvalidParameter

if TYPE_CHECKING:
    import numpy as np

    from aesearch.arrays import Rows
    from aesearch.coders.base import Coder


def require_decoder(coder: Coder) -> None:
    """Raise InvalidParameter if only the encoder of a coder is loaded."""
    if not coder.can_decode:
        raise InvalidParameter(
            "cannot reconstruct items: only the encoder of this index is loaded; load it with encoder_only=False"
        )


def reconstruct_rows(coder: Coder, X: Rows) -> np.ndarray:
    """Return the reconstructions of rows X: the same shape, float32, pixels in 0..1."""
    return coder.decode(coder.encode(X))
