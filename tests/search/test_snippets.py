"""A snippet is the sentence that matches best, on one line, with the places of the words."""

from hypothesis import given
from hypothesis import strategies as st

from aesearch.search.snippets import MAX_CHARACTERS, make_snippet
from aesearch.search.term_matching import find_terms

MAIL = "From: ann@example.org\nSubject: pumps\nLines: 12\n\nThe pump was repaired on Monday. It runs again.\n"


def highlighted(text: str, weights: dict[str, float]) -> list[str]:
    snippet = make_snippet(text, weights)
    return [snippet.text[start:end] for start, end in snippet.highlights]


def test_sentence_with_the_strongest_words_is_shown() -> None:
    text = "Nothing here at all, in this first sentence. The space shuttle\nlaunch was delayed by wind. A shuttle bus left."
    snippet = make_snippet(text, {"space": 3.0, "shuttle": 2.0, "launch": 2.0})
    assert snippet.text.startswith("The space shuttle launch was delayed by wind.")
    assert highlighted(text, {"space": 3.0, "shuttle": 2.0, "launch": 2.0})[:3] == ["space", "shuttle", "launch"]
    assert text[snippet.start :].startswith("space")


def test_beginnings_of_words_are_found() -> None:
    assert highlighted("The flows of air.", {"flow*": 1.0}) == ["flows"]


def test_words_in_other_scripts_are_found() -> None:
    assert highlighted("我爱北京天安门。", {"北": 1.0, "北京": 1.0}) == ["北京"]
    assert highlighted("Ein Straßenfest, größer", {"strassenfest": 1.0, "grösser": 1.0}) == ["Straßenfest", "größer"]


def test_without_matching_words_the_text_begins_after_the_header() -> None:
    assert make_snippet(MAIL, {"valve": 1.0}).text.startswith("The pump was repaired")
    assert make_snippet("From: nobody\nTo: nobody\n", {}).text


def test_long_sentence_is_cut_around_the_word() -> None:
    snippet = make_snippet("word " * 400 + "needle " + "word " * 400, {"needle": 1.0})
    assert "needle" in snippet.text
    assert len(snippet.text) <= MAX_CHARACTERS + 4
    assert snippet.text.startswith("…")
    assert snippet.text.endswith("…")


@given(st.text(max_size=600), st.dictionaries(st.text(max_size=6), st.floats(0.1, 5), max_size=4))
def test_any_text_has_a_snippet_whose_highlights_are_in_it(text: str, weights: dict[str, float]) -> None:
    snippet = make_snippet(text, weights)
    assert "\n" not in snippet.text
    assert len(snippet.text) <= MAX_CHARACTERS + 4
    ends = [0, *(position for span in snippet.highlights for position in span), len(snippet.text)]
    assert ends == sorted(ends)


@given(st.text(alphabet="abcAB1 _-.,\n'", max_size=80), st.sets(st.sampled_from(["ab", "abc", "b1", "aab", "a*", "ab*"])))
def test_ascii_words_are_found_as_others_are(text: str, terms: set[str]) -> None:
    assert find_terms(text, terms) == find_terms(text + " é", terms)
