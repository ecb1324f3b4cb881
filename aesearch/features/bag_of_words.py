"""Documents as bags of words: the weights of their terms, without order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.sparse import csr_array

from aesearch.arrays import is_sparse, read_arrays, write_arrays
from aesearch.errors import CorruptIndex, InvalidParameter, NoItems, NotFitted, count
from aesearch.features.base import Features
from aesearch.features.tokenizer import tokenize
from aesearch.features.vocabulary import choose_terms
from aesearch.items import Item

if TYPE_CHECKING:
    from aesearch.arrays import Rows

TERMS_FILE = "terms.txt"
IDF_FILE = "idf.safetensors"

WEIGHTINGS = ("tfidf", "counts", "binary")
NO_TERM_WARNING = "contains no term of the vocabulary and cannot be found by it"
MAX_COUNTED_TERMS = 2_000_000
"""Distinct terms counted at a time. Beyond, terms seen in one document only are discarded, so that memory stays bounded."""


class BagOfWords(Features):
    """Weights of the terms of a document, as sparse rows.

    Parameters
    ----------
    vocabulary_size : int
        Maximum number of terms. Terms in more documents have precedence.
    min_documents : int, optional
        Minimum number of documents that contain a term. By default 2, or 1 in a small collection; see
        `choose_terms`.
    max_document_share : float, optional
        Maximum share of the documents that contain a term, above 0 and at most 1. Terms in more documents distinguish none.
        By default 0.2, or more in a small collection; see `choose_terms`.
    weighting : {"tfidf", "counts", "binary"}
        "tfidf" is (1 + ln count) * (1 + ln((1 + n_documents) / (1 + document frequency))), scaled to unit length per
        document. "counts" are the numbers of occurrences. "binary" is 1 for each term that occurs.

    Attributes
    ----------
    shape : tuple of int
        (V,), the number of terms.
    terms : list of str
        The term of each column.
    idf : array of shape (V,), float32
        Inverse document frequency of each term.

    References
    ----------
    Salton & Buckley 1988, "Term-weighting approaches in automatic text retrieval".
    """

    name = "bag-of-words"
    kind = "documents"
    fit_sample_size = None

    def __init__(
        self,
        vocabulary_size: int = 10_000,
        min_documents: int | None = None,
        max_document_share: float | None = None,
        weighting: str = "tfidf",
    ) -> None:
        for param, value in (("vocabulary_size", vocabulary_size), ("min_documents", min_documents)):
            if value is not None and value < 1:
                raise InvalidParameter(f"bag of words: {param} is {value}; it must be at least 1")
        if max_document_share is not None and not 0 < max_document_share <= 1:
            raise InvalidParameter(
                f"bag of words: max_document_share is {max_document_share}; it must be above 0 and at most 1"
            )
        if weighting not in WEIGHTINGS:
            raise InvalidParameter(f'bag of words: weighting is "{weighting}"; choose from {", ".join(WEIGHTINGS)}')
        self.vocabulary_size, self.min_documents = vocabulary_size, min_documents
        self.max_document_share, self.weighting = max_document_share, weighting

    def get_params(self) -> dict[str, Any]:
        return {
            "vocabulary_size": self.vocabulary_size,
            "min_documents": self.min_documents,
            "max_document_share": self.max_document_share,
            "weighting": self.weighting,
        }

    def fit(self, items: Iterable[Item]) -> Self:
        """Choose the terms by their document frequencies; see `Features.fit`."""
        frequencies, n_documents = self._count_documents(items)
        if not frequencies:
            raise NoItems(f"bag of words: no word in {count(n_documents, 'document')}; check that they hold text")
        terms = choose_terms(frequencies, n_documents, self.vocabulary_size, self.min_documents, self.max_document_share)
        if not terms:
            raise NoItems(
                f"bag of words: none of {count(len(frequencies), 'term')} is within the limits on the document frequency; "
                "lower min_documents, or raise max_document_share"
            )
        document_frequency = np.array([frequencies[term] for term in terms], np.float64)
        # idf = 1 + ln((1 + n_documents) / (1 + document frequency))
        self.idf = 1 + np.log((1 + n_documents) / (1 + document_frequency)).astype(np.float32)
        self._set_terms(terms)
        return self

    def _count_documents(self, items: Iterable[Item]) -> tuple[Counter[str], int]:
        """Return the document frequency of each term, and the number of documents."""
        frequencies: Counter[str] = Counter()
        n_documents = 0
        for item in items:
            n_documents += 1
            frequencies.update(set(tokenize(self._text(item))))
            if len(frequencies) > MAX_COUNTED_TERMS:
                frequencies = Counter({term: frequency for term, frequency in frequencies.items() if frequency > 1})
        return frequencies, n_documents

    def _set_terms(self, terms: list[str]) -> None:
        self.terms, self.shape = terms, (len(terms),)
        self._column_of = {term: column for column, term in enumerate(terms)}

    def transform(self, items: Sequence[Item]) -> csr_array:
        """Return the weights of the terms of items: (n_items, V) csr float32. A document without a term is an empty row."""
        if not hasattr(self, "terms"):
            raise NotFitted(self)
        column_of = self._column_of
        starts, columns, counts = [0], list[int](), list[int]()
        for item in items:
            bag = Counter(tokenize(self._text(item)))
            row = sorted((column_of[term], count) for term, count in bag.items() if term in column_of)
            columns += [column for column, _ in row]
            counts += [count for _, count in row]
            starts.append(len(columns))
        indices, indptr = np.array(columns, np.int32), np.array(starts, np.int32)
        weights = self._weigh(np.array(counts, np.float32), indices, indptr)
        return csr_array((weights, indices, indptr), shape=(len(items), len(self.terms)))

    def row_warnings(self, X: Rows) -> dict[int, str]:
        """Return a warning for each empty row; see `Features.row_warnings`."""
        empty = np.flatnonzero(np.diff(X.indptr) == 0)  # type: ignore[union-attr]  # transform() returns csr matrices
        return dict.fromkeys(empty.tolist(), NO_TERM_WARNING)

    def _weigh(self, counts: np.ndarray, indices: np.ndarray, indptr: np.ndarray) -> np.ndarray:
        """Return the weights, [nnz] float32, of the counts [nnz] of a csr matrix."""
        if self.weighting == "counts":
            return counts
        if self.weighting == "binary":
            return np.ones_like(counts)
        n_rows = len(indptr) - 1
        row_of = np.repeat(np.arange(n_rows), np.diff(indptr))
        weights = (1 + np.log(counts)) * self.idf[indices]
        lengths = np.sqrt(np.bincount(row_of, weights**2, minlength=n_rows))
        return (weights / np.maximum(lengths[row_of], 1e-12)).astype(np.float32)

    def _text(self, item: Item) -> str:
        self._check_kinds([item])
        return str(item.content)

    def inverse_transform(self, X: Any, n_terms: int = 20) -> list[list[str]]:
        """Return the terms with the highest weights in each row, highest first.

        Parameters
        ----------
        X : array or csr matrix of shape (n_items, V)
        n_terms : int
            Maximum number of terms for each row.
        """
        rows = (X[[i]].toarray()[0] if is_sparse(X) else X[i] for i in range(X.shape[0]))
        return [
            [self.terms[column] for column in np.argsort(-row, kind="stable")[:n_terms] if row[column] > 0] for row in rows
        ]

    def _save_state(self, folder: Path) -> dict[str, Any]:
        (folder / TERMS_FILE).write_text("\n".join(self.terms), encoding="utf-8")
        write_arrays(folder / IDF_FILE, {"idf": self.idf})
        return {}

    def _load_state(self, folder: Path, state: dict[str, Any]) -> None:
        try:
            self._set_terms((folder / TERMS_FILE).read_text(encoding="utf-8").split("\n"))
        except (OSError, UnicodeDecodeError):
            raise CorruptIndex(folder / TERMS_FILE, "is missing or damaged") from None
        self.idf = read_arrays(folder / IDF_FILE, "idf")["idf"]
        if len(self.idf) != len(self.terms):
            mismatch = f"holds {count(len(self.terms), 'term')}, but there are {count(len(self.idf), 'weight')}"
            raise CorruptIndex(folder / TERMS_FILE, mismatch)
