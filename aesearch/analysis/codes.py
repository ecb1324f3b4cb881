"""The codes of all items of an index, as vectors that can be averaged, clustered and projected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aesearch.arrays import is_sparse
from aesearch.errors import WrongKind

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.coders.base import Metric
    from aesearch.index.ledger import LedgerRow
    from aesearch.index.retriever import Retriever


@dataclass(frozen=True)
class IndexCodes:
    """All items of an index and their codes, in the same order.

    Attributes
    ----------
    rows : list of LedgerRow
        Ledger rows of the items.
    keys : array of shape (n_items,), int64
    codes : array of shape (n_items, code_size), float32
        Bits are -1 and 1.
    """

    rows: list[LedgerRow]
    keys: np.ndarray
    codes: np.ndarray


def load_codes(retriever: Retriever) -> IndexCodes:
    """Return the codes of all items of an index.

    Raises
    ------
    WrongKind
        If the codes are sparse.
    """
    rows = list(retriever.ledger.all_rows())
    keys = np.array([row.key for row in rows], np.int64)
    return IndexCodes(rows, keys, to_float_codes(retriever.store.codes(keys), retriever.store.metric))


def to_float_codes(codes: Rows, metric: Metric) -> np.ndarray:
    """Return codes as float vectors whose Euclidean distance grows with the distance of the codes.

    Parameters
    ----------
    codes : array of shape (n_items, width)
        Codes as a store returns them.
    metric : {"cosine", "l2", "hamming"}

    Returns
    -------
    array of shape (n_items, code_size), float32
        Bits are -1 and 1.

    Raises
    ------
    WrongKind
        If the codes are sparse.
    """
    if is_sparse(codes):
        raise WrongKind("cannot average or project sparse codes; index with another coder (--coder)")
    if metric == "hamming":
        return np.unpackbits(np.asarray(codes), axis=1).astype(np.float32) * 2 - 1
    return np.asarray(codes, np.float32)
