"""Terms of a query are marked as the tokenizer finds them, in every script, and the text itself does not change."""

import re
from html import escape

import pytest

from aesearch.features.tokenizer import tokenize
from aesearch.report.highlighting import mark_terms


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("Neighbors of a code", "near neighbors, (NEIGHBORS); neighbor's", ["neighbors", "NEIGHBORS"]),
        ("straße café", "STRASSE and cafe\u0301.", ["STRASSE", "cafe\u0301"]),
        ("中文搜索", "一个中文的搜索引擎，索引", ["中文", "搜索"]),
        ("猫", "黑猫和白猫", ["猫", "猫"]),
        ("Python中文", "python，中文 py", ["python", "中文"]),
        ("हिन्दी भाषा", "यह हिन्दी, भाषा।", ["हिन्दी", "भाषा"]),
        ("ประเทศไทย", "ในประเทศไทย", ["ประเทศไทย"]),
        ("a <b> & tag", "x <tag> & <b>", ["tag"]),
        ("", "nothing here", []),
    ],
)
def test_terms_of_the_query_are_marked(query: str, text: str, marked: list[str]) -> None:
    html = mark_terms(text, set(tokenize(query)))
    assert re.sub("</?mark>", "", html) == escape(text)
    assert re.findall("<mark>(.*?)</mark>", html) == marked


def test_single_characters_of_a_longer_query_are_not_marked() -> None:
    assert "<mark>" not in mark_terms("文和中", set(tokenize("中文")))
