"""The texts of documents and the words in them: tables of the ledger that are searched with SQLite's FTS5.

Documents are stored in passages (`aesearch.search.passages`). FTS5 gets the tokens of `aesearch.features.tokenizer`,
in order, and does not split or fold them again. It does not store them either: to remove a passage, it is given the same
tokens again, which are found in the stored text.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from aesearch.errors import CorruptIndex
from aesearch.index.database import Database, values_in_parts
from aesearch.index.filters import Filter
from aesearch.search.passages import FoundPassage, Passage, join_passages

TEXT_SCHEMA = """
CREATE TABLE IF NOT EXISTS passages (
    id INTEGER PRIMARY KEY, item INTEGER NOT NULL, page INTEGER, heading TEXT, line INTEGER NOT NULL,
    start INTEGER NOT NULL, text BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS passages_by_item ON passages (item);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
    text, content = '', tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
);
"""
COMPRESSION = 6
MAX_TEXT_BYTES = 1 << 30
"""Maximum length of a stored text. A damaged one could be decompressed forever."""
_ENCODING = "utf-8", "surrogatepass"


class TokenizedPassage(NamedTuple):
    """A passage and its tokens, separated by spaces."""

    passage: Passage
    tokens: str

    @classmethod
    def of(cls, passage: Passage) -> TokenizedPassage:
        """Tokenize a passage."""
        return cls(passage, _tokens_of(passage.text))


class Texts:
    """The passages of documents, and a full-text index of their words.

    Parameters
    ----------
    database : Database
        Has the tables of TEXT_SCHEMA.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def __len__(self) -> int:
        """Return the number of passages."""
        return int(self._database.read("SELECT count(*) FROM passages")[0][0])

    def add(self, documents: Iterable[tuple[int, Sequence[TokenizedPassage]]]) -> dict[int, list[int]]:
        """Add the passages of documents, given by their keys, and return the ids of the passages by key."""
        first = int(self._database.read("SELECT coalesce(max(id), 0) FROM passages")[0][0]) + 1
        ids: dict[int, list[int]] = {}
        rows, words = list[tuple[Any, ...]](), list[tuple[int, str]]()
        for key, passages in documents:
            ids[key] = [first + len(rows) + number for number in range(len(passages))]
            for id, (passage, tokens) in zip(ids[key], passages, strict=True):
                text = zlib.compress(passage.text.encode(*_ENCODING), COMPRESSION)
                heading = passage.heading and passage.heading.encode("utf-8", "replace").decode()
                rows.append((id, key, passage.page, heading, passage.line, passage.start, text))
                words.append((id, tokens))
        self._database.write("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self._database.write("INSERT INTO words (rowid, text) VALUES (?, ?)", words)
        return ids

    def remove(self, keys: Sequence[int]) -> list[int]:
        """Remove the passages of documents, and return their ids. Unknown keys are ignored."""
        removed: list[int] = []
        for part, marks in values_in_parts(keys):
            found = self._database.read(f"SELECT id, text FROM passages WHERE item IN ({marks})", part)
            tokens = ((id, _tokens_of(_decompress(text))) for id, text in found)
            self._database.write("INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", tokens)
            self._database.write(f"DELETE FROM passages WHERE item IN ({marks})", [tuple(part)])
            removed += [id for id, _ in found]
        return removed

    def move(self, keys: Sequence[int], new_keys: Sequence[int]) -> None:
        """Give the passages of documents to other keys, which have none."""
        self._database.write("UPDATE passages SET item = ? WHERE item = ?", zip(new_keys, keys, strict=True))

    def ids_of(self, keys: Sequence[int]) -> dict[int, list[int]]:
        """Return the ids of the passages of documents, in their order, by the keys of the documents that have passages."""
        ids: dict[int, list[int]] = {}
        for part, marks in values_in_parts(keys):
            for key, id in self._database.read(f"SELECT item, id FROM passages WHERE item IN ({marks}) ORDER BY id", part):
                ids.setdefault(key, []).append(id)
        return ids

    def items_of(self, ids: Sequence[int]) -> dict[int, int]:
        """Return the keys of the documents of passages, by the ids of the passages that exist."""
        items: dict[int, int] = {}
        for part, marks in values_in_parts(ids):
            items.update(self._database.read(f"SELECT id, item FROM passages WHERE id IN ({marks})", part))
        return items

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """Return passages by their ids."""
        passages = {}
        for part, marks in values_in_parts(ids):
            statement = f"SELECT id, text, page, heading, line, start FROM passages WHERE id IN ({marks})"
            for id, text, *location in self._database.read(statement, part):
                passages[id] = Passage(_decompress(text), *location)
        return passages

    def documents(self, keys: Sequence[int]) -> dict[int, str]:
        """Return the texts of documents by their keys."""
        return {key: join_passages(self.passages(ids).values()) for key, ids in self.ids_of(keys).items()}

    def count(self, expression: str, limit: int) -> int:
        """Return the number of passages that match an FTS5 expression, at most `limit`."""
        statement = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"
        return int(self._database.read(statement, [expression, limit])[0][0])

    def search(self, expression: str, limit: int, condition: Filter | None = None) -> list[FoundPassage]:
        """Return the passages that match an FTS5 expression, of items that meet a condition, the best first."""
        values = [expression, limit] if condition is None else [expression, *condition.parameters, limit]
        filtered = (
            ""
            if condition is None
            else "AND EXISTS (SELECT 1 FROM passages JOIN items ON items.key = passages.item "
            f"WHERE passages.id = words.rowid AND ({condition.correlated})) "
        )
        statement = (
            f"SELECT id, item, -found.rank FROM (SELECT rowid, rank FROM words WHERE words MATCH ? {filtered}"
            "ORDER BY rank LIMIT ?) AS found JOIN passages ON id = found.rowid ORDER BY found.rank, id"
        )
        return [FoundPassage(*row) for row in self._database.read(statement, values)]


def _tokens_of(text: str) -> str:
    """Return the tokens of a text, separated by spaces."""
    from aesearch.features.tokenizer import tokenize  # imported here because queries of images start faster without it

    return " ".join(tokenize(text))


def _decompress(stored: bytes) -> str:
    """Return a stored text. Raises CorruptIndex if it is damaged."""
    try:
        decompressor = zlib.decompressobj()
        text = decompressor.decompress(stored, MAX_TEXT_BYTES)
        if not decompressor.eof:
            raise ValueError("it is incomplete, or too long")
        return text.decode(*_ENCODING)
    except (zlib.error, ValueError, TypeError) as error:
        raise CorruptIndex("the ledger", f"holds a damaged text ({error})") from None
