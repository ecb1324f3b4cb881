"""Ranking of passages by the words of a typed query: BM25 over exact words and over their beginnings.

Every word counts twice: as it is written, and by its first letters, so that "flows" finds "flow" and "flowing" in any
language with such endings. A query may contain "exact phrases" in quotation marks, which a document has to contain, and
beginnings of words, `aero*`.

Scores are divided by the largest possible score of the query, so that they say which part of the query a passage matches:
from 0 to 1, about 0.45 if it contains each word once, and near 1 only if it contains each word often. Therefore they can be
added to similarities of codes (`aesearch.search.hybrid`).

References
----------
Robertson & Zaragoza 2009, "The probabilistic relevance framework: BM25 and beyond".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from aesearch.features.tokenizer import is_unspaced, tokenize
from aesearch.search.passages import FoundPassage

MAX_WORDS = 64
"""Different words of a query that are searched. Longer texts are documents, and only their rarest words are searched."""
MAX_COUNTED_WORDS = 500
"""Different words of a document, from its beginning, whose frequencies are counted to find the rarest."""
STEM_LENGTH = 5
"""Letters of the beginning of a word. Shorter words count twice as they are."""
MAX_BM25 = 2.2
"""k1 + 1: the limit of a word's BM25 score, relative to its inverse document frequency."""
MIN_IDF = 1e-6
"""What FTS5 takes for the words of more than half of the passages."""
MAX_POSTINGS, MAX_POSTINGS_SHARE = 10_000, 0.05
"""Words in more passages than both are left out if the query has rarer ones. They distinguish little, and scoring them
would take most of the time."""

_QUOTED = re.compile('["\u201c\u201d\u201e\u201f]([^"\u201c\u201d\u201e\u201f]*)["\u201c\u201d\u201e\u201f]')
_PREFIX = re.compile(r"([^\W_]\w*)\*")


class WordQuery(NamedTuple):
    """The words of a typed query.

    Attributes
    ----------
    words : tuple of str
        Tokens, each once.
    prefixes : tuple of str
        Beginnings of words.
    phrases : tuple of tuple of str
        Tokens of phrases that a document has to contain.
    """

    words: tuple[str, ...]
    prefixes: tuple[str, ...] = ()
    phrases: tuple[tuple[str, ...], ...] = ()


class Texts(Protocol):
    """A full-text index of passages that takes expressions of SQLite's FTS5; see `aesearch.index.texts`."""

    def __len__(self) -> int:
        """Return the number of passages."""

    def count(self, expression: str, limit: int) -> int:
        """Return the number of passages that match an expression, at most `limit`."""

    def search(self, expression: str, limit: int) -> list[FoundPassage]:
        """Return the passages that match an expression, the best first."""


class WordMatch(NamedTuple):
    """How well a document matches the words of a query: its best passage, and the score of that, from 0 to 1."""

    passage: int
    score: float


class WordRanking(NamedTuple):
    """Documents that match the words of a query.

    Attributes
    ----------
    matches : dict of int to WordMatch
        The best passage of each document, by the document's key.
    weights : dict of str to float
        Inverse document frequency of each word of the query.
    """

    matches: dict[int, WordMatch]
    weights: dict[str, float]


def parse_query(text: str) -> WordQuery:
    """Return the words of a typed query."""
    phrases = [phrase_tokens(match[1]) for match in _QUOTED.finditer(text)]
    rest = _QUOTED.sub(" ", text)
    beginnings = [tokenize(match[1]) for match in _PREFIX.finditer(rest)]
    prefixes = [tokens[-1] for tokens in beginnings if tokens]
    words = tokenize(_PREFIX.sub(" ", rest))
    words += [token for tokens in beginnings for token in tokens[:-1]]
    words += [token for phrase in phrases for token in phrase]
    required = tuple(phrase for phrase in phrases if phrase)[:MAX_WORDS]
    return WordQuery(tuple(dict.fromkeys(words)), tuple(dict.fromkeys(prefixes)), required)


def phrase_tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of a phrase that follow each other in a text that contains it.

    In scripts without spaces they are the pairs of characters, which follow the single characters of a run.
    """
    tokens = tokenize(text)
    if not is_unspaced(text):
        return tuple(tokens)
    pairs = [token for token in tokens if not is_unspaced(token) or len(token) == 2]
    return tuple(pairs or tokens)


def rank_words(texts: Texts, query: WordQuery, limit: int) -> WordRanking:
    """Return the documents that match the words of a query best.

    Parameters
    ----------
    texts : Texts
    query : WordQuery
    limit : int
        Maximum number of passages.
    """
    terms = _Terms(texts)
    weights = {word: terms.idf(_quote(word)) for word in query.words[:MAX_COUNTED_WORDS]}
    expressions = _list_expressions(query, weights, terms)
    if not expressions:
        return WordRanking({}, weights)
    combined = " OR ".join(expressions)
    required = " AND ".join(_quote(*phrase) for phrase in query.phrases)
    largest = MAX_BM25 * sum(map(terms.idf, expressions))
    matches: dict[int, WordMatch] = {}
    for id, item, score in texts.search(f"({required}) AND ({combined})" if required else combined, limit):
        matches.setdefault(item, WordMatch(id, min(1.0, score / largest)))  # the best passage comes first
    return WordRanking(matches, weights)


class _Terms:
    """Frequencies of FTS5 expressions, each counted once."""

    def __init__(self, texts: Texts) -> None:
        self._texts, self._n_passages = texts, len(texts)
        self._limit = max(MAX_POSTINGS, int(MAX_POSTINGS_SHARE * self._n_passages))
        self._counts: dict[str, int] = {}

    def count(self, expression: str) -> int:
        """Return the number of passages that match an expression, at most the number from which words are left out."""
        if expression not in self._counts:
            self._counts[expression] = self._texts.count(expression, self._limit)
        return self._counts[expression]

    def idf(self, expression: str) -> float:
        """Return the inverse document frequency of an expression as FTS5 computes it."""
        frequency = self.count(expression)
        return max(MIN_IDF, math.log((self._n_passages - frequency + 0.5) / (frequency + 0.5)))

    def select_rare(self, expressions: Sequence[str]) -> list[str]:
        """Return the expressions that occur, without those that are too frequent unless all are."""
        known = [expression for expression in expressions if self.count(expression)]
        return [expression for expression in known if self.count(expression) < self._limit] or known


def _list_expressions(query: WordQuery, weights: Mapping[str, float], terms: _Terms) -> list[str]:
    """Return the FTS5 expressions to search: each word twice, the prefixes, and the phrases."""
    words = sorted(weights, key=lambda word: -weights[word])[:MAX_WORDS]
    stems = [_quote(word[:STEM_LENGTH]) + "*" if _has_stem(word) else _quote(word) for word in words]
    prefixes = [_quote(prefix) + "*" for prefix in query.prefixes[:MAX_WORDS]]
    phrases = [_quote(*phrase) for phrase in query.phrases if len(phrase) > 1]
    return terms.select_rare([*map(_quote, words), *stems, *prefixes, *phrases])


def _has_stem(word: str) -> bool:
    """Return whether a word may have endings."""
    return len(word) >= STEM_LENGTH and word.isalpha() and not is_unspaced(word)


def _quote(*tokens: str) -> str:
    """Return the FTS5 expression of a token, or of a phrase. Tokens have no quotation marks."""
    return '"' + " ".join(tokens) + '"'
