"""Filters find exactly the items that a direct evaluation finds, at any selectivity, and nothing can be injected."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aesearch.errors import InvalidParameter
from aesearch.index.filters import parse_filter
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.stores.distances import pairwise_distances

N_ITEMS = 1200
CODERS: dict[str, dict[str, Any]] = {
    "float": {"coder": "pca", "code_size": 8},
    "bits": {"coder": "pca", "code_size": 32, "bits": True},
    "raw": {"coder": "raw"},
}


def make_items() -> list[Item]:
    rng = np.random.default_rng(0)
    items = []
    for number, vector in enumerate(rng.standard_normal((N_ITEMS, 40)).astype(np.float32)):
        metadata: dict[str, Any] = {
            "number": number,
            "share": number / N_ITEMS,
            "parity": "even" if number % 2 == 0 else "odd",
        }
        if number % 3 == 0:
            metadata |= {"tags": ["three", f"t{number % 9}"], "taken": datetime(2020 + number % 5, 1, 2, tzinfo=UTC)}
        items.append(Item(f"v{number:04}", vector, label="a" if number < 100 else ("b", "c"), metadata=metadata))
    return items


ITEMS = make_items()


@pytest.fixture(scope="module", params=CODERS)
def index(request: pytest.FixtureRequest) -> Retriever:
    return Retriever.build(ITEMS, **CODERS[request.param])


CONDITIONS: dict[str, Callable[[int], bool]] = {
    "number = 7": lambda n: n == 7,
    "number < 2 or number >= 1199": lambda n: n < 2 or n >= 1199,
    "number <= 11": lambda n: n <= 11,
    "share > 0.5 and parity = 'even'": lambda n: n / N_ITEMS > 0.5 and n % 2 == 0,
    "not (parity = 'even')": lambda n: n % 2 == 1,
    "parity != 'even' and number < 20": lambda n: n % 2 == 1 and n < 20,
    "label = 'a'": lambda n: n < 100,
    "label = 'c' and label = 'b'": lambda n: n >= 100,
    "label in ('a', 'z') and number in (1, 2, 500)": lambda n: n in (1, 2),
    "tags = 't6'": lambda n: n % 9 == 6,
    "tags != 't6'": lambda n: n % 3 == 0 and n % 9 != 6,
    "tags is null": lambda n: n % 3 != 0,
    "tags is not null and not number > 30": lambda n: n % 3 == 0 and n <= 30,
    "taken >= '2023'": lambda n: n % 3 == 0 and n % 5 >= 3,
    "id like 'v00_1' or id = 'v1000'": lambda n: (n < 100 and n % 10 == 1) or n == 1000,
    "id not like 'v%'": lambda n: False,
    "number > 'a'": lambda n: False,
    "NUMBER > 1 OR number < 3": lambda n: n < 3,
    "number >= 0": lambda n: True,
}


@pytest.mark.parametrize("where", CONDITIONS)
def test_filtered_hits_are_those_of_brute_force(where: str, index: Retriever) -> None:
    rng = np.random.default_rng(1)
    allowed = [item.id for number, item in enumerate(ITEMS) if CONDITIONS[where](number)]
    rows = index.ledger.rows_by_id(allowed)
    keys = np.sort(np.array([row.key for row in rows.values()], np.int64))
    queries = [Item("q", vector) for vector in rng.standard_normal((3, 40)).astype(np.float32)]
    codes = index.store._prepare(index.coder.encode(index.featurize(queries)))
    for k in (1, 10, 300):
        for query, hits in enumerate(index.query_many(queries, k, where=where)):
            assert {hit.id for hit in hits} <= set(allowed)
            assert len(hits) == min(k, len(allowed))
            if len(hits):
                distances = pairwise_distances(codes[[query]], index.store.codes(keys), index.store.metric)[0]
                expected = np.sort(distances)[: len(hits)]
                np.testing.assert_allclose([hit.distance for hit in hits], expected, atol=1e-5)


def test_values_may_be_parameters(index: Retriever) -> None:
    hits = index.query(ITEMS[0], 5, where=("taken >= ? and parity = ? and number < ?", date(2023, 1, 1), "even", 600))
    assert hits
    assert all(hit.metadata["taken"] >= "2023" and hit.metadata["parity"] == "even" for hit in hits)
    with pytest.raises(InvalidParameter, match="more question marks than values"):
        index.query(ITEMS[0], where="number = ?")
    with pytest.raises(InvalidParameter, match="fewer question marks"):
        index.query(ITEMS[0], where=("number = ?", 1, 2))


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("", "the name of a field"),
        ("number", "a comparison"),
        ("number >", "a number, a 'text'"),
        ("number = 1 number", '"and", "or" or the end'),
        ("(number = 1", r'"\)"'),
        ("number = 1; DROP TABLE items", "'; DROP"),
        ("number = 'a", "a field, a value"),
        ("number in ()", "a number"),
        ("label is nothing", '"null"'),
        ("not " * 100 + "a = 1", "nested"),
        ("a = 1 or " * 2000 + "a = 1", "longer than"),
    ],
)
def test_mistakes_are_located(where: str, reason: str) -> None:
    with pytest.raises(InvalidParameter, match=reason):
        parse_filter(where)


SQL_WORDS = frozenset(
    """EXISTS SELECT 1 FROM metadata WHERE item = items.key AND name ? value NOT OR IS NULL < > <= >= IN LIKE ESCAPE '\\'
    typeof 'text' 'integer', 'real' , ?,? items.id items.path AS files files.size files.path files.mtime_ns / 1000000000,
    'unixepoch' strftime '%Y-%m-%dT%H:%M:%S',""".split()  # noqa: SIM905  # a list of one word a line would be long
)


@settings(max_examples=200)
@given(st.text(max_size=60), st.text(max_size=20))
def test_no_text_becomes_sql(text: str, value: str) -> None:
    """A compiled filter consists of known words; names and values are parameters."""
    quoted = '"' + text.replace('"', '""') + "\" = '" + value.replace("'", "''") + "'"
    for where in (text, f"a = {text}", quoted):
        try:
            condition = parse_filter(where)
        except InvalidParameter:
            continue
        words = set(re.sub("[()]", " ", condition.correlated).split())
        assert words <= SQL_WORDS
    assert parse_filter(quoted).parameters == [text, value] if text not in ("id", "path", "size", "modified") else True


def test_files_have_a_path_a_size_and_a_date(notes: Path) -> None:
    index = Retriever.build(notes, coder="lsa", code_size=8)
    assert {hit.id for hit in index.query("thread", 60, where="path like 'threads/%'")} == {
        f"threads/{number:02}.txt" for number in range(20)
    }
    sizes = {path.relative_to(notes).as_posix(): path.stat().st_size for path in notes.rglob("*.txt")}
    middle = sorted(sizes.values())[30]
    found = {hit.id for hit in index.query("thread", 60, where=("size >= ?", middle))}
    assert found == {id for id, size in sizes.items() if size >= middle}
    assert len(index.query("thread", 60, where="modified > '2020-01-01' and label = 'files'")) == 20
    assert index.query("thread", 60, where="modified < '2000'", mode="semantic") == []


@pytest.mark.parametrize("mode", ["hybrid", "lexical"])
def test_words_are_searched_within_the_filter(mode: Any, documents: list[Item]) -> None:
    items = [Item(item.id, item.content, metadata={"n": n}) for n, item in enumerate(documents[:400])]
    index = Retriever.build(items, coder="lsa", code_size=16)
    for where, is_allowed in (("n < 8", lambda n: n < 8), ("n >= 100", lambda n: n >= 100)):
        allowed = {item.id for n, item in enumerate(items) if is_allowed(n)}
        hits = index.query("the value of an attribute of an object", k=400, where=where, mode=mode)
        assert {hit.id for hit in hits} <= allowed
        assert mode == "lexical" or len(hits) == len(allowed)
        assert index.query("qqqq", where=where, mode=mode) == []


def test_metadata_follows_changes_and_is_counted(index: Retriever) -> None:
    index.add([Item("new", ITEMS[0].content, metadata={"number": 5000, "color": ["red", "green"]})])
    (hit,) = index.query(ITEMS[0], where="number > 4000")
    assert hit.metadata == {"number": 5000, "color": ["green", "red"]}
    assert hit.as_dict()["metadata"]["number"] == 5000
    counts = {field.name: field for field in index.count_values()}
    assert counts["parity"].frequent == [("even", 600), ("odd", 600)]
    assert counts["number"].range == (0, 5000)
    assert (counts["label"].n_items, counts["label"].n_values) == (100 + 2 * 1100, 3)
    index.remove(["new"])
    assert index.query(ITEMS[0], where="number > 4000") == []
    assert "color" not in {field.name for field in index.count_values()}


def test_unsuitable_metadata_is_refused() -> None:
    index = Retriever.build([Item("a", np.ones(4), metadata={"x": {"nested": 1}}), Item("b", np.zeros(4))], coder="raw")
    assert "metadata cannot hold" in index.ledger.skipped["a"].reason
    for metadata in ({"x": object()}, {"x": [1, None, {}]}, {"x": "\ud800"}):
        with pytest.raises(InvalidParameter, match="cannot add"):
            index.add([Item("c", np.ones(4), metadata=metadata)])
    assert len(index) == len(index.ledger) == 1
    index.add([Item("d", np.ones(4), metadata={"huge": 10**30, "none": None, "flag": True})])
    assert index.query(np.ones(4), where="huge > 1e29 and flag = true")[0].metadata == {"flag": 1, "huge": 1e30}
