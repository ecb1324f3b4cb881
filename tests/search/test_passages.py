"""Passages cover a document, begin where its sections begin, and end between sentences."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aesearch.items import Section
from aesearch.search.passages import MIN_SPLIT_RATIO, PASSAGE_CHARACTERS, UNSPACED_CHARACTERS, join_passages, split_passages

SENTENCE = "The valve opens at {0} bar, and the pump number {0} stops. "
LONG = "".join(SENTENCE.format(number) for number in range(200))
texts = st.text(alphabet="ab .\n#é京", max_size=9000)


@given(texts, st.lists(st.integers(0, 9000), max_size=5, unique=True), st.sampled_from(["auto", "on", "off"]))
def test_passages_are_parts_that_cover_the_text(text: str, starts: list[int], mode: str) -> None:
    sections = [Section(start, page=number) for number, start in enumerate(sorted(starts), 1) if start < len(text)]
    passages = split_passages(text, sections, mode)  # type: ignore[arg-type]
    assert passages
    assert all(passage.text in text for passage in passages)
    joined = "".join(passage.text for passage in passages)
    assert set(joined.replace(" ", "")) >= {character for character in text if character.isalnum()}
    assert all(passage.line <= 1 + text.count("\n") for passage in passages)


def test_long_text_is_split_between_sentences_with_overlap() -> None:
    passages = split_passages(LONG)
    assert len(passages) == pytest.approx(len(LONG) / PASSAGE_CHARACTERS, rel=0.4)
    assert all(len(passage.text) <= MIN_SPLIT_RATIO * PASSAGE_CHARACTERS for passage in passages)
    assert all(passage.text.endswith(". ") for passage in passages)
    for first, second in pairwise(passages):
        assert second.text[:60] in first.text
    for number in range(200):  # every sentence is complete in one passage
        assert any(SENTENCE.format(number) in passage.text for passage in passages)


def test_mode_decides_which_documents_are_split() -> None:
    short = "One line.\n" * 20
    assert len(split_passages(short, mode="auto")) == 1
    assert len(split_passages(short, [Section(0, page=1), Section(100, page=2)], mode="on")) == 2
    assert [passage.text for passage in split_passages(LONG, mode="off")] == [LONG]


def test_chinese_passages_are_shorter() -> None:
    passages = split_passages("北京的春天很美。" * 500)
    assert all(len(passage.text) <= MIN_SPLIT_RATIO * UNSPACED_CHARACTERS for passage in passages)
    assert all(passage.text.endswith("。") for passage in passages)


def test_passage_names_its_page_heading_and_line() -> None:
    pages = [f"Page {number}.\n" + SENTENCE.format(number) * 10 for number in range(1, 6)]
    starts = [sum(map(len, pages[:number])) for number in range(5)]
    passages = split_passages("".join(pages), [Section(start, page=number) for number, start in enumerate(starts, 1)])
    assert [passage.page for passage in passages] == [1, 2, 3, 4, 5]
    assert [passage.line for passage in passages] == [1, 2, 3, 4, 5]

    text = "Title\n" + "Introduction\n" + LONG[:1500] + "\nMethods\n" + LONG[:1500]
    sections = [Section(0, heading="Title"), Section(6, heading="Introduction"), Section(1520, heading="Methods")]
    assert [passage.heading for passage in split_passages(text, sections)] == ["Introduction", "Methods"]


@given(texts, st.lists(st.integers(0, 9000), max_size=5, unique=True))
def test_joined_passages_are_the_document(text: str, starts: list[int]) -> None:
    sections = [Section(start, page=number) for number, start in enumerate(sorted(starts), 1) if start < len(text)]
    joined = join_passages(split_passages(text, sections))
    assert len(joined) <= len(text)
    for position, character in enumerate(joined):
        assert character == text[position] or (character == " " and not text[position].isalnum())
    assert not any(map(str.isalnum, text[len(joined) :]))
