"""Words are ranked by BM25 as a direct computation does; phrases and beginnings of words are found in every script."""

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pytest

from aesearch.features.tokenizer import tokenize
from aesearch.index.ledger import Ledger
from aesearch.index.texts import Texts, TokenizedPassage
from aesearch.items import Item
from aesearch.search.passages import Passage
from aesearch.search.words import STEM_LENGTH, WordQuery, parse_query, rank_words


def make_texts(documents: Mapping[int, str]) -> Texts:
    texts = Ledger.create().texts
    texts.add((key, [TokenizedPassage.of(Passage(text))]) for key, text in documents.items())
    return texts


@pytest.fixture(scope="module")
def news(documents: list[Item]) -> dict[int, str]:
    return {key: str(item.content) for key, item in enumerate(documents[:300])}


def brute_force_scores(documents: Mapping[int, str], query: str) -> dict[int, float]:
    """Return the score of each document: BM25 of exact words and of first letters, divided by the largest possible."""
    counts = {key: Counter(tokenize(text)) for key, text in documents.items()}
    lengths = {key: sum(count.values()) for key, count in counts.items()}
    mean_length = sum(lengths.values()) / len(lengths)

    def frequency(key: int, term: str) -> int:
        if term.endswith("*"):
            return sum(n for word, n in counts[key].items() if word.startswith(term[:-1]))
        return counts[key][term]

    words = list(dict.fromkeys(tokenize(query)))
    terms = [*words, *(f"{w[:STEM_LENGTH]}*" if len(w) >= STEM_LENGTH and w.isalpha() else w for w in words)]
    scores, largest = dict.fromkeys(documents, 0.0), 0.0
    for term in terms:
        n = sum(frequency(key, term) > 0 for key in documents)
        if not n:
            continue
        idf = max(1e-6, math.log((len(documents) - n + 0.5) / (n + 0.5)))
        largest += 2.2 * idf
        for key in documents:
            f = frequency(key, term)
            scores[key] += idf * f * 2.2 / (f + 1.2 * (0.25 + 0.75 * lengths[key] / mean_length))
    return {key: score / largest for key, score in scores.items() if score}


@pytest.mark.parametrize("query", ["socket timeout", "regular expressions", "compress bytes with zlib", "thread"])
def test_scores_are_those_of_a_direct_computation(query: str, news: dict[int, str]) -> None:
    ranking = rank_words(make_texts(news), parse_query(query), 1000)
    found = {key: match.score for key, match in ranking.matches.items()}
    assert found == pytest.approx(brute_force_scores(news, query), rel=1e-5)
    assert list(found) == sorted(found, key=lambda key: -found[key])


def test_query_is_parsed() -> None:
    assert parse_query('Flows of "boundary layer" aero*') == WordQuery(
        ("flows", "of", "boundary", "layer"), ("aero",), (("boundary", "layer"),)
    )
    assert parse_query("“Straße” x").phrases == (("strasse",),)
    assert parse_query('"" * "') == WordQuery((), (), ())
    assert parse_query("“北京大学”").phrases == (("北京", "京大", "大学"),)


def test_phrase_prefix_and_ending_are_found() -> None:
    texts = make_texts(
        {
            1: "boundary layers of air",
            2: "the layer at the boundary",
            3: "aerodynamic flow",
            4: "他在北京大学",
            5: "大学在北京",
        }
    )

    def found(query: str) -> list[int]:
        return list(rank_words(texts, parse_query(query), 10).matches)

    assert found('"boundary layers"') == [1]
    assert found("aero*") == [3]
    assert found("layering") == [2, 1] or set(found("layering")) == {1, 2}
    assert found('"北京大学"') == [4]
    assert set(found("北京大学")) == {4, 5}
    assert found('"layer boundary"') == []
    assert found("(AND OR NOT NEAR") == []  # words, not operators


def test_score_says_which_part_of_the_query_a_passage_contains() -> None:
    others = dict.fromkeys(range(10, 30), "steel pipe")
    texts = make_texts({1: "red pump", 2: "red valve", 3: "red pump, red pump: " + "red pump " * 20, **others})
    matches = rank_words(texts, parse_query("red pump"), 10).matches
    assert matches[1].score == pytest.approx(1 / 2.2, rel=0.3)  # each word once, in a text of average length
    assert matches[2].score < 0.6 * matches[1].score
    assert matches[3].score > matches[1].score


def test_removed_texts_leave_no_trace(news: dict[int, str]) -> None:
    texts, rng = make_texts(news), np.random.default_rng(0)
    for _ in range(5):
        keys = rng.choice(sorted(news), 40, replace=False).tolist()
        texts.remove(keys)
        texts.add((key, [TokenizedPassage.of(Passage(news[key]))]) for key in keys)
    removed = rng.choice(sorted(news), 250, replace=False).tolist()
    texts.remove(removed)
    kept = {key: text for key, text in news.items() if key not in removed}
    for query in ("socket timeout", "thread lock", "file"):
        expected = rank_words(make_texts(kept), parse_query(query), 1000).matches
        found = rank_words(texts, parse_query(query), 1000).matches
        assert {key: match.score for key, match in found.items()} == pytest.approx(
            {key: match.score for key, match in expected.items()}
        )
    texts._database.write("INSERT INTO words (words) VALUES (?)", [("integrity-check",)])
