"""One tokenizer handles every script; test_scripts.py adds whole paragraphs."""

import time

import pytest

from aesearch.features.tokenizer import MAX_MARKS, MAX_TOKEN_LENGTH, tokenize


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The cat, the CAT.", ["the", "cat", "the", "cat"]),
        ("naïve Привет", ["naïve", "привет"]),
        ("snake_case and x", ["snake", "case", "and"]),
        ("ﬁle ＡＢＣ", ["file", "abc"]),
        ("体验", ["体", "验", "体验"]),
        ("玩3D游戏", ["玩", "3d", "游", "戏", "游戏"]),
        ("テスト・ア", ["テ", "ス", "ト", "テス", "スト", "ア"]),
        ("책을 물", ["책을", "물"]),  # a Hangul syllable is more than a letter
        ("don´t", ["don"]),  # NFKC turns the acute accent into a space and a mark, which does not start a word
        ("⻑𠀀\U00031350", ["⻑", "𠀀", "\U00031350", "⻑𠀀", "𠀀\U00031350"]),  # a radical, a Han character of Unicode 15
        ("ab\ud800cd", ["ab", "cd"]),
        ("", []),
        ("!?… — a 1️⃣ ❤️", []),
    ],
)
def test_text_is_split_into_tokens(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("हिन्दी भाषा में खोज", ["हिन्दी", "भाषा", "में", "खोज"]),
        ("তাঁদের", ["তাঁদের"]),
        ("பெற்றவர்கள்", ["பெற்றவர்கள்"]),
        ("హక్కులు", ["హక్కులు"]),
        ("བོད་ཡིག", ["བོད", "ཡིག"]),
        ("kọ̀ọ̀kan x̂y", ["kọ̀ọ̀kan", "x̂y"]),
    ],
    ids=["Hindi", "Bengali", "Tamil", "Telugu", "Tibetan", "Latin"],
)
def test_marks_continue_a_word(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("ภาษา", ["ภ", "า", "ษ", "า", "ภา", "าษ", "ษา", "ภาษ", "าษา"]),
        ("น้ำ", ["น้ํ", "า", "น้ํา"]),
        ("ລາວ", ["ລ", "າ", "ວ", "ລາ", "າວ", "ລາວ"]),
        ("ខ្មែរ", ["ខ្មែ", "រ", "ខ្មែរ"]),
        ("မြန်မာ", ["မြ", "န်", "မာ", "မြန်", "န်မာ", "မြန်မာ"]),
        ("သတ္တဝါ", ["သ", "တ္တ", "ဝါ", "သတ္တ", "တ္တဝါ", "သတ္တဝါ"]),
        ("がき゛", ["が", "き", "がき"]),
    ],
    ids=["Thai", "Thai with a tone mark", "Lao", "Khmer", "Burmese", "Burmese, stacked", "Japanese"],
)
def test_unspaced_script_yields_characters_with_their_marks(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


@pytest.mark.parametrize(
    ("spelling", "other_spelling"),
    [
        ("recur\u00adrence", "recurrence"),
        ("Größe STRASSE", "GRÖSSE Straße"),
        ("İSTANBUL ISPARTA sınıf", "istanbul ısparta sinif"),
        ("Ὀδυσσεύς ΆΝΘΡΩΠΟΣ", "οδυσσευσ Ανθρωπος"),
        ("за́мок", "замок"),
        ("שָׁלוֹם בְּרֵאשִׁית", "שלום בראשית"),
        ("مُحَمَّدٌ كتـــاب", "محمد كتاب"),
        ("ܫܠܳܡܳܐ", "ܫܠܡܐ"),
        ("می‌خواهم", "میخواهم"),
        ("ինչո՞ւ", "ինչու"),
        ("അവൻ അവര്‍", "അവന്‍ അവർ"),
        ("উৎসব", "উত্‍সব"),
        ("葛\U000e0100城", "葛城"),
        ("१९४८ ١٩٤٨ ๑๙๔๘ １９４８", "1948 1948 1948 1948"),
        ("ｶﾞｷﾞ", "ガギ"),
    ],
    ids=lambda text: text[:8],
)
def test_spellings_of_one_word_yield_the_same_tokens(spelling: str, other_spelling: str) -> None:
    assert tokenize(spelling) == tokenize(other_spelling) != []


def test_accents_that_distinguish_words_stay() -> None:
    assert tokenize("ёлка елка") == ["ёлка", "елка"]
    assert tokenize("été ete") == ["été", "ete"]
    assert tokenize("أحد احد") == ["أحد", "احد"]


def test_long_runs_are_not_tokens() -> None:
    longest = "a" * MAX_TOKEN_LENGTH
    assert tokenize(f"{longest} {longest}b") == [longest]
    assert tokenize(f"{longest} {longest}b é") == [longest]


@pytest.mark.parametrize("marks", ["\u0300\u0316", "\u0f73", "ﾞ\u0300"], ids=ascii)
def test_many_marks_take_linear_time(marks: str) -> None:
    start = time.perf_counter()
    tokens = tokenize("a" + marks * 100_000 + " word")
    assert time.perf_counter() - start < 5  # normalization alone would take a minute
    assert tokens[-1] == "word"


def test_symbols_that_are_normalized_to_letters_are_not_dropped_with_excess_marks() -> None:
    assert tokenize("Ⓐ" * (MAX_MARKS + 3)) == ["a" * (MAX_MARKS + 3)]
