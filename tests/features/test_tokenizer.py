"""One tokenizer for every script."""

import pytest

from aesearch.features.tokenizer import MAX_LETTERS, tokens


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cat, the CAT.", ["the", "cat", "the", "cat"]),
        ("Größe naïve Привет Ελλάδα", ["größe", "naïve", "привет", "ελλάδα"]),
        ("snake_case and x", ["snake", "case", "and"]),
        ("ﬁle ＡＢＣ", ["file", "abc"]),
        ("体验", ["体", "验", "体验"]),
        ("玩3D游戏", ["玩", "3d", "游", "戏", "游戏"]),
        ("テスト", ["テ", "ス", "ト", "テス", "スト"]),
        ("", []),
        ("!?… — a", []),
    ],
)
def test_words_of_a_text(text: str, words: list[str]) -> None:
    assert tokens(text) == words


def test_thai_is_cut_into_characters_and_pairs() -> None:
    assert {"ไ", "ไท"} <= set(tokens("ภาษาไทย"))


def test_keys_and_encoded_data_are_no_words() -> None:
    assert tokens("a" * MAX_LETTERS + " " + "b" * (MAX_LETTERS + 1)) == ["a" * MAX_LETTERS]
