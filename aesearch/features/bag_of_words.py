"""A document as a bag of weighted words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self
from zlib import crc32

import numpy as np
from scipy.sparse import csr_array

from aesearch.arrays import is_sparse, read_arrays, write_arrays
from aesearch.errors import CorruptIndex, InvalidParameter, NoItems, NotFitted
from aesearch.features.base import Features
from aesearch.features.tokenizer import tokens
from aesearch.items import Item

WEIGHTINGS = ("tfidf", "counts", "binary")
PRUNE_ABOVE = 2_000_000
"""Distinct words counted at a time; beyond, those seen in one document are forgotten, so that memory stays bounded."""
SMALL = 100
"""Collections of fewer documents keep the words of a single one, and those of all: there is little else."""


class BagOfWords(Features):
    """Which words a document holds and how much each says, sparse all the way.

    Parameters
    ----------
    vocabulary : words kept at most, those in the most documents.
    min_documents : documents that a word must be in.
    max_share : share of the documents that a word may be in at most; words that are everywhere say nothing.  Neither
        limit holds in collections of under 100.
    weighting : "tfidf", (1 + ln count) x (1 + ln((1 + N) / (1 + documents with the word))), each row of unit length
        (Salton & Buckley 1988); "counts"; or "binary", 1 for each word that is there.

    Attributes
    ----------
    shape : (V,), the number of words kept.
    words : list of V strings, by column.
    idf : [V] float32.
    """

    name = "bag-of-words"
    kind = "documents"
    fit_sample_size = None

    def __init__(
        self, vocabulary: int = 10_000, min_documents: int = 2, max_share: float = 0.2, weighting: str = "tfidf"
    ) -> None:
        if vocabulary < 1 or min_documents < 1 or not 0 < max_share <= 1:
            raise InvalidParameter("words: vocabulary and min_documents are at least 1, max_share is above 0 and at most 1")
        if weighting not in WEIGHTINGS:
            raise InvalidParameter(f'words: weighting is "{weighting}"; choose from {", ".join(WEIGHTINGS)}')
        self.vocabulary, self.min_documents = vocabulary, min_documents
        self.max_share, self.weighting = max_share, weighting

    def get_params(self) -> dict[str, Any]:
        return {
            "vocabulary": self.vocabulary,
            "min_documents": self.min_documents,
            "max_share": self.max_share,
            "weighting": self.weighting,
        }

    def fit(self, items: Iterable[Item]) -> Self:
        """Counts in how many documents each word is."""
        documents: Counter[str] = Counter()
        total = 0
        for item in items:
            total += 1
            documents.update(set(tokens(self._text(item))))
            if len(documents) > PRUNE_ABOVE:
                documents = Counter({word: count for word, count in documents.items() if count > 1})
        least = self.min_documents if total >= SMALL else 1
        most = self.max_share * total if total >= SMALL else total
        kept = [(-count, crc32(word.encode()), word) for word, count in documents.items() if least <= count <= most]
        # Words in equally many documents are kept in the order of a checksum: by the alphabet, the cut would spare a to c.
        if not kept:
            raise NoItems(f"{total:,} documents, and no word in {least} to {most:.0f} of them; lower min_documents")
        kept = sorted(kept)[: self.vocabulary]
        self.idf = 1 + np.log((1 + total) / (1 - np.array([count for count, *_ in kept], np.float64))).astype(np.float32)
        self._learn([word for *_, word in kept])
        return self

    def _learn(self, words: list[str]) -> None:
        self.words, self.shape = words, (len(words),)
        self._column = {word: column for column, word in enumerate(words)}

    def transform(self, items: Sequence[Item]) -> csr_array:
        """[N, V] csr float32 >= 0; a document without a known word is an empty row."""
        if not hasattr(self, "words"):
            raise NotFitted(self)
        starts, columns, counts = [0], list[int](), list[int]()
        column_of = self._column
        for item in items:
            bag = Counter(tokens(self._text(item)))
            row = sorted((column_of[word], count) for word, count in bag.items() if word in column_of)
            columns += [column for column, _ in row]
            counts += [count for _, count in row]
            starts.append(len(columns))
        indices, indptr = np.array(columns, np.int32), np.array(starts, np.int32)
        values = self._weighted(np.array(counts, np.float32), indices, indptr)
        return csr_array((values, indices, indptr), shape=(len(items), len(self.words)))

    def _weighted(self, counts: np.ndarray, columns: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """counts, columns: [nnz]; starts: [N + 1].  Returns [nnz] float32."""
        if self.weighting == "counts":
            return counts
        if self.weighting == "binary":
            return np.ones_like(counts)
        weights = (1 + np.log(counts)) * self.idf[columns]
        rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        lengths = np.sqrt(np.bincount(rows, weights**2, minlength=len(starts) - 1))
        return (weights / np.maximum(lengths[rows], 1e-12)).astype(np.float32)

    def _text(self, item: Item) -> str:
        self._check_kinds([item])
        return str(item.content)

    def inverse_transform(self, X: Any, most: int = 20) -> list[list[str]]:
        """The `most` weightiest words of each row, the weightiest first.  X: [N, V] csr or dense."""
        rows = (X[[i]].toarray()[0] if is_sparse(X) else X[i] for i in range(X.shape[0]))
        return [
            [self.words[column] for column in np.argsort(-row, kind="stable")[:most] if row[column] > 0] for row in rows
        ]

    def _save_state(self, folder: Path) -> dict[str, Any]:
        write_arrays(folder / "idf.safetensors", {"idf": self.idf})
        (folder / "words.txt").write_text("\n".join(self.words), encoding="utf-8")
        return {}

    def _load_state(self, folder: Path, learned: dict[str, Any]) -> None:
        try:
            self._learn((folder / "words.txt").read_text(encoding="utf-8").split("\n"))
        except (OSError, UnicodeDecodeError):
            raise CorruptIndex(folder / "words.txt", "is missing or damaged") from None
        self.idf = read_arrays(folder / "idf.safetensors", "idf")["idf"]
        if len(self.idf) != len(self.words):
            raise CorruptIndex(folder, f"holds {len(self.words):,} words and {len(self.idf):,} weights")
