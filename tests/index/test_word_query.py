"""Typed queries find documents by their words and their subjects, and the passages that match."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch.errors import InvalidParameter, NoKnownTerms
from aesearch.index.known_items import choose_lexical_weight, draw_queries, mean_reciprocal_rank
from aesearch.index.retriever import Retriever
from aesearch.items import Hit, Item
from aesearch.search.hybrid import LEXICAL_WEIGHTS

BUILDS: dict[str, dict[str, Any]] = {
    "sparse": {"coder": "raw"},
    "float": {"coder": "lsa", "code_size": 32},
    "bits": {"coder": "lsa", "code_size": 32, "bits": True},
}


@pytest.fixture(scope="module", params=BUILDS)
def index(request: pytest.FixtureRequest, documents: list[Item]) -> Retriever:
    """Return an index of 600 documents with each kind of codes."""
    return Retriever.build(documents[:600], **BUILDS[request.param])


def ids(hits: list[Hit]) -> list[str]:
    return [hit.id for hit in hits]


def test_few_words_in_a_large_text_are_found_first(notes: Path) -> None:
    lines = [text for path in sorted(notes.rglob("*.txt")) for text in [path.read_text()]]
    large = "\n".join(lines * 40)
    middle = large.index("\n", len(large) // 2)
    fact = "\nThe space shuttle launch was delayed because of wind.\n"
    (notes / "large.txt").write_text(large[:middle] + fact + large[middle:])
    index = Retriever.build(notes)
    hit = index.query("space shuttle launch")[0]
    assert hit.id == "large.txt"
    assert hit.snippet is not None
    assert "space shuttle launch was delayed" in hit.snippet.text
    assert hit.text is not None
    assert len(hit.text) < 4000
    assert hit.line == large[:middle].count("\n") + 2
    assert [hit.snippet.text[start:end] for start, end in hit.snippet.highlights] == ["space", "shuttle", "launch"]


def test_known_items_are_found_first(index: Retriever) -> None:
    queries = draw_queries(index._state, 60)
    assert len(queries) == 60
    found = [index.query(query.text, k=1)[0].id for query in queries]
    expected = index.ledger.rows_by_key([query.key for query in queries])
    assert np.mean([id == expected[query.key].id for id, query in zip(found, queries, strict=True)]) >= 0.9


def test_word_of_one_document_and_word_of_an_added_document_are_found(index: Retriever) -> None:
    index.add([Item("letter", "Dear Sir, the Erindale regatta takes place on Sunday."), Item("other", "A thread waits")])
    assert index.query("Erindale")[0].id == "letter"
    assert index.query('"regatta takes place"')[0].id == "letter"
    assert index.query("erind*", mode="lexical")[0].id == "letter"
    index.remove(["letter"])
    with pytest.raises(NoKnownTerms, match="no document contains"):
        index.query("Erindale")
    index.remove(["other"])


def test_modes_rank_by_words_by_codes_or_by_both(index: Retriever) -> None:
    query = "wait until a thread terminates"
    lexical, semantic, hybrid = (index.query(query, k=20, mode=mode) for mode in ("lexical", "semantic", "hybrid"))
    assert ids(index.query(query, k=20)) == ids(hybrid)
    assert len({tuple(ids(hits)) for hits in (lexical, semantic, hybrid)}) == 3
    assert all("thread" in (hit.text or "").lower() or "wait" in (hit.text or "").lower() for hit in lexical[:5])
    assert all(np.isnan(hit.distance) for hit in lexical)
    assert lexical[0].as_dict()["distance"] is None
    with pytest.raises(InvalidParameter, match="choose hybrid, semantic, lexical"):
        index.query(query, mode="both")  # type: ignore[arg-type]
    with pytest.raises(InvalidParameter, match="reranked"):
        index.query(query, mode="lexical", rerank=True)


def test_phrase_is_required(index: Retriever) -> None:
    for hit in index.query('"regular expression" match', k=50):
        assert "regular expression" in " ".join((hit.text or "").lower().split())
    with pytest.raises(NoKnownTerms, match="in this order"):
        index.query('"expression regular thread"')


def test_scores_fall_with_the_rank_and_limit_the_hits(index: Retriever) -> None:
    hits = index.query("compress bytes", k=50)
    scores = [hit.score or 0 for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= min(scores) < max(scores) <= 1
    middle = scores[10]
    assert ids(index.query("compress bytes", k=50, min_score=middle)) == [
        hit.id for hit in hits if (hit.score or 0) >= middle
    ]


def test_images_have_no_words(image_index: Path) -> None:
    with pytest.raises(InvalidParameter, match="cannot compare words in an index of images"):
        Retriever.load(image_index).query(np.zeros((8, 8), np.uint8), mode="hybrid")


def test_long_documents_are_compared_by_codes(index: Retriever, documents: list[Item]) -> None:
    item = max(documents[:600], key=lambda item: len(str(item.content)))
    assert ids(index.query(item, k=5)) == ids(index.query(item, k=5, mode="semantic"))
    assert index.query(item, k=1)[0].id == item.id


def test_saved_index_answers_as_before(index: Retriever, tmp_path: Path) -> None:
    index.save(tmp_path / "index")
    loaded = Retriever.load(tmp_path / "index")
    loaded.verify()
    for query in ("socket timeout", '"regular expression"', "thread"):
        assert loaded.query(query) == index.query(query)


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_index_after_changes_equals_a_fresh_one(build: dict[str, Any], documents: list[Item]) -> None:
    """Long documents are replaced, removed and added: words and codes of passages are those of a new index."""
    long = [Item(f"long{n}", "\n".join(str(item.content) for item in documents[n * 40 : n * 40 + 40])) for n in range(8)]
    items = [*documents[100:200], *long]
    index = Retriever.build(items, **build)
    index.remove([item.id for item in items[:50]])
    changed = [Item("long0", str(long[1].content) + " an appendix on regattas"), Item("new", str(documents[300].content))]
    index.add(changed)
    expected = {item.id: item for item in [*items[50:], *changed]}
    index.remove(list(expected))
    assert (len(index), len(index.ledger.texts), len(index._state.passages)) == (0, 0, 0)
    index.add(expected.values())
    other = Retriever.build(items, **build)
    other.remove([item.id for item in items[:50]])
    other.add(changed)
    assert len(other._state.passages) == len(index._state.passages) > 8
    for query in ("regattas", "socket timeout", "the value of an attribute"):
        assert [(hit.id, hit.score, hit.text) for hit in other.query(query)] == [
            (hit.id, hit.score, hit.text) for hit in index.query(query)
        ]


def test_weight_of_words_is_chosen_by_known_items(documents: list[Item]) -> None:
    index = Retriever.build(documents[:600], coder="lsa", code_size=16)
    assert index.record.lexical_weight in LEXICAL_WEIGHTS
    assert index.record.lexical_weight == choose_lexical_weight(index._state)
    queries = draw_queries(index._state, 50)
    assert mean_reciprocal_rank(index._state, queries, 4.0) > mean_reciprocal_rank(index._state, queries, 0.1)


def test_documents_in_memory_are_reranked_and_keep_their_texts(documents: list[Item]) -> None:
    index = Retriever.build(documents[:300], coder="lsa", code_size=8)
    assert index.query("semaphore lock", k=5, rerank=True, mode="semantic")
    texts = {item.id: str(item.content) for item in documents[:300]}
    for _, items in index.reload_items(index.store.keys().tolist()):
        for item in items:
            assert str(item.content).split() == texts.pop(item.id).split()
    assert not texts


def test_contents_can_be_left_out(documents: list[Item], tmp_path: Path) -> None:
    index = Retriever.build(documents[:200], coder="lsa", code_size=16, keep_content=False)
    index.save(tmp_path / "index")
    index = Retriever.load(tmp_path / "index")
    index.add([Item("new", documents[300].content)])
    assert len(index.ledger.texts) == 0
    (hit, *_) = index.query("wait for a thread")
    assert (hit.text, hit.snippet) == (None, None)
    assert ids(index.query("wait for a thread", mode="semantic"))[0]
    with pytest.raises(NoKnownTerms):
        index.query("wait for a thread", mode="lexical")
    assert documents[0].content not in (tmp_path / "index" / "ledger.sqlite").read_bytes().decode("latin-1")


@pytest.mark.parametrize("query", ["", " ", '"', "***", "a b"])
def test_query_without_words_is_refused(query: str, index: Retriever) -> None:
    with pytest.raises(NoKnownTerms, match="has no words"):
        index.query(query)
