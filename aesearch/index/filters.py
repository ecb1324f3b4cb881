"""Filters of queries: a small language over the fields of items, compiled to SQL with parameters.

    year >= 2024 and label = 'invoice' and path like 'tax/%'
    (camera = 'X100' or not iso > 800) and tags in ('a', 'b') and author is not null

Grammar::

    filter     = conjunction {"or" conjunction}
    conjunction = negation {"and" negation}
    negation   = "not" negation | "(" filter ")" | comparison
    comparison = field ("=" | "!=" | "<" | "<=" | ">" | ">=" | ["not"] "like") value
               | field ["not"] "in" "(" value {"," value} ")"
               | field "is" ["not"] "null"
    value      = number | 'text' | true | false | ?

A field is a name or a "name in double quotes". `id`, `path`, `label`, `size` (bytes) and `modified` (2026-11-25T14:07:15,
UTC) exist for the files of the folder; other fields are the metadata of items. Words of the language are written in any
case. A field that an item does not have matches nothing but `is null`. A list matches if one of its values does; `!=` and
`not like` match if none does. Numbers are compared with numbers and texts with texts: 10 > 9, and dates such as 2024-05 are
in order. Only the grammar's own words become SQL; names and values are parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aesearch.errors import InvalidParameter

Value = str | int | float | bool
Where = str | tuple[Any, ...]
"""A filter, or a tuple of a filter and the values of its question marks."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])|'(?P<text>(?:[^']|'')*)'|"(?P<quoted>(?:[^"]|"")*)\""""
    r"""|(?P<name>[^\W\d][\w.-]*)|(?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,|\?))"""
)
_COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_ESCAPE = "LIKE ? ESCAPE '\\'"
MAX_LENGTH, MAX_DEPTH = 10_000, 50
"""Characters and nested parentheses of a filter."""

_COLUMNS = {
    "id": "SELECT items.id AS value",
    "path": "SELECT items.path AS value WHERE items.path IS NOT NULL",
    "size": "SELECT files.size AS value FROM files WHERE files.path = items.path",
    "modified": (
        "SELECT strftime('%Y-%m-%dT%H:%M:%S', files.mtime_ns / 1000000000, 'unixepoch') AS value FROM files "
        "WHERE files.path = items.path"
    ),
}
"""Fields that are columns of the ledger. All others are rows of the table `metadata`, the label among them."""


class _Token(NamedTuple):
    """A part of a filter: its kind, its value and its position."""

    kind: str
    value: Any
    start: int


@dataclass(frozen=True)
class Filter:
    """A condition on the items of the ledger.

    Attributes
    ----------
    correlated : str
        SQL that is true for a row of the table `items`. Fast for few rows.
    selecting : str
        The same condition, which finds the rows in the index of the metadata first. Fast if few rows match.
    parameters : list
        Values of the question marks in both.
    """

    correlated: str
    selecting: str
    parameters: list[Value] = field(default_factory=list)


def parse_filter(where: Where) -> Filter:
    """Compile a filter. Raises InvalidParameter with the place of the mistake."""
    text, *values = (where,) if isinstance(where, str) else where
    parser = _Parser(text, values)
    result = parser.parse_all()
    if values:
        raise InvalidParameter(f"the filter {text!r} has fewer question marks than values; leave out {len(values)} of them")
    return result


class _Parser:
    """Recursive descent over the tokens of a filter."""

    def __init__(self, text: str, values: list[Any]) -> None:
        if len(text) > MAX_LENGTH:
            raise InvalidParameter(f"the filter is longer than {MAX_LENGTH:,} characters; shorten it")
        self._text, self._values, self._depth = text, values, 0
        self._tokens = [*self._tokenize(), _Token("end", "", len(text))]
        self._position = 0

    def _tokenize(self) -> Iterator[_Token]:
        position, end = 0, len(self._text.rstrip())
        while position < end:
            match = _TOKEN.match(self._text, position)
            if match is None:
                raise self._error("a field, a value or a comparison", position)
            kind = match.lastgroup or ""
            value: Any = match[kind]
            if kind == "number":
                value = float(value) if re.search("[.eE]", value) else int(value)
            elif kind in ("text", "quoted"):
                mark = "'" if kind == "text" else '"'
                value = value.replace(2 * mark, mark)
            yield _Token(kind, value, match.start(kind))
            position = match.end()

    def parse_all(self) -> Filter:
        result = self._alternatives()
        if self._next.kind != "end":
            raise self._error('"and", "or" or the end')
        return result

    @property
    def _next(self) -> _Token:
        return self._tokens[self._position]

    def _error(self, expected: str, start: int | None = None) -> InvalidParameter:
        start = self._next.start if start is None else start
        rest = self._text[start : start + 20].strip()
        return InvalidParameter(
            f"the filter {self._text[:200]!r} cannot be read: expected {expected} at "
            f"{f'{rest!r}' if rest else 'its end'}; see aesearch query --help"
        )

    def _take(self, *words: str) -> str | None:
        """Take the next token if it is one of some words or signs, and return it."""
        kind, value, _ = self._next
        found = value.lower() if kind == "name" else value if kind == "sign" else None
        if found not in words:
            return None
        self._position += 1
        return str(found)

    def _require(self, sign: str) -> None:
        if not self._take(sign):
            raise self._error(f'"{sign}"')

    def _alternatives(self) -> Filter:
        return self._joined("or", lambda: self._joined("and", self._negation))

    def _joined(self, word: str, parse: Any) -> Filter:
        parts = [parse()]
        while self._take(word):
            parts.append(parse())
        if len(parts) == 1:
            return parts[0]
        separator = f" {word.upper()} "
        correlated, selecting = (
            separator.join(f"({getattr(part, name)})" for part in parts) for name in ("correlated", "selecting")
        )
        return Filter(correlated, selecting, [value for part in parts for value in part.parameters])

    def _negation(self) -> Filter:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise InvalidParameter(f"the filter has more than {MAX_DEPTH} nested parentheses; simplify it")
        if self._take("not"):
            inner = self._negation()
            result = Filter(f"NOT ({inner.correlated})", f"NOT ({inner.selecting})", inner.parameters)
        elif self._take("("):
            result = self._alternatives()
            self._require(")")
        else:
            result = self._comparison()
        self._depth -= 1
        return result

    def _comparison(self) -> Filter:
        kind, name, _ = self._next
        if kind not in ("name", "quoted"):
            raise self._error("the name of a field")
        self._position += 1
        sign = self._take(*_COMPARISONS)
        if sign in ("!=", "<>"):
            return _has_none(name, "= ?", [self._value()])
        if sign:
            return _has(name, *_compare(sign, self._value()))
        if self._take("is"):
            is_negated = self._take("not")
            if not self._take("null"):
                raise self._error('"null"')
            found = _has(name, "IS NOT NULL", [])
            return found if is_negated else Filter(f"NOT {found.correlated}", f"NOT {found.selecting}", found.parameters)
        condition = _has_none if self._take("not") else _has
        if self._take("like"):
            return condition(name, _ESCAPE, [str(self._value())])
        if self._take("in"):
            values = self._list()
            return condition(name, f"IN ({','.join('?' * len(values))})", values)
        raise self._error("a comparison such as = or like")

    def _list(self) -> list[Value]:
        self._require("(")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._require(")")
        return values

    def _value(self) -> Value:
        kind, value, _ = self._next
        if kind in ("number", "text"):
            self._position += 1
            return value
        word = self._take("true", "false", "?")
        if word == "?":
            if not self._values:
                raise InvalidParameter(
                    f"the filter {self._text!r} has more question marks than values; pass all in a tuple"
                )
            return to_stored(self._values.pop(0))
        if word:
            return int(word == "true")
        raise self._error("a number, a 'text' in single quotes, true, false or ?")


def to_stored(value: Any) -> Value:
    """Return a value of metadata as it is stored: dates as ISO 8601 texts, truth values as 0 and 1.

    Raises
    ------
    InvalidParameter
        If the value has another type.
    """
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value)
    if isinstance(value, int | float | str):
        return value
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise InvalidParameter(
        f"metadata cannot hold {value!r:.60}, a {type(value).__name__}; use texts, numbers, dates, truth values or lists"
    )


def _compare(sign: str, value: Value) -> tuple[str, list[Value]]:
    """Return SQL that compares a column named `value`. Numbers are only compared with numbers, and texts with texts."""
    if sign == "=":
        return "= ?", [value]
    kind = "= 'text'" if isinstance(value, str) else "IN ('integer', 'real')"
    return f"{sign} ? AND typeof(value) {kind}", [value]


def _has(name: str, condition: str, values: Sequence[Value]) -> Filter:
    """Return the filter of items with a value that meets a condition."""
    if name in _COLUMNS:
        sql = f"EXISTS (SELECT 1 FROM ({_COLUMNS[name]}) WHERE value {condition})"
        return Filter(sql, sql, [*values])
    return Filter(
        f"EXISTS (SELECT 1 FROM metadata WHERE item = items.key AND name = ? AND value {condition})",
        f"items.key IN (SELECT item FROM metadata WHERE name = ? AND value {condition})",
        [name, *values],
    )


def _has_none(name: str, condition: str, values: Sequence[Value]) -> Filter:
    """Return the filter of items that have a field, but no value of it that meets a condition."""
    has_any, has = _has(name, "IS NOT NULL", []), _has(name, condition, values)
    return Filter(
        f"{has_any.correlated} AND NOT {has.correlated}",
        f"{has_any.selecting} AND NOT {has.selecting}",
        has_any.parameters + has.parameters,
    )
