"""One tokenizer handles every script."""

import pytest

from aesearch.features.tokenizer import MAX_TOKEN_LENGTH, tokenize


@pytest.mark.parametrize(
    ("text", "tokens"),
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
def test_text_is_split_into_tokens(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


@pytest.mark.parametrize("text", ["ภาษาไทย", "ລາວ", "ខ្មែរ", "မြန်မာ"], ids=["Thai", "Lao", "Khmer", "Burmese"])
def test_unspaced_script_yields_characters_and_pairs(text: str) -> None:
    n_characters = len(text)
    assert tokenize(text) == [*text, *(text[i : i + 2] for i in range(n_characters - 1))]


def test_long_runs_are_not_tokens() -> None:
    longest = "a" * MAX_TOKEN_LENGTH
    assert tokenize(f"{longest} {longest}b") == [longest]
