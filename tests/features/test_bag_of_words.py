"""Bags of words agree with scikit-learn and stay sparse."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from aesearch.errors import InvalidParameter, NoItems
from aesearch.features.bag_of_words import BagOfWords
from aesearch.features.tokenizer import tokenize
from aesearch.items import Item


def make_items(*texts: str) -> list[Item]:
    return [Item(str(number), text) for number, text in enumerate(texts)]


@pytest.fixture(scope="module")
def texts(documents: list[Item]) -> list[str]:
    return [str(item.content) for item in documents]


def test_tfidf_equals_scikit_learn(documents: list[Item], texts: list[str]) -> None:
    bag_of_words = BagOfWords(vocabulary_size=100_000, min_documents=2, max_document_share=0.5).fit(documents)
    vectorizer = TfidfVectorizer(
        tokenizer=tokenize, lowercase=False, token_pattern=None, min_df=2, max_df=0.5, sublinear_tf=True
    )
    expected = vectorizer.fit_transform(texts)
    assert set(bag_of_words.terms) == set(vectorizer.vocabulary_)
    columns = [vectorizer.vocabulary_[term] for term in bag_of_words.terms]
    np.testing.assert_allclose(bag_of_words.transform(documents).toarray(), expected.toarray()[:, columns], atol=1e-5)


@pytest.mark.parametrize(("weighting", "binary"), [("counts", False), ("binary", True)])
def test_counts_and_binary_equal_scikit_learn(
    weighting: str, binary: bool, documents: list[Item], texts: list[str]
) -> None:
    bag_of_words = BagOfWords(vocabulary_size=500, weighting=weighting).fit(documents)
    vectorizer = CountVectorizer(
        tokenizer=tokenize, lowercase=False, token_pattern=None, vocabulary=bag_of_words.terms, binary=binary
    )
    expected = vectorizer.transform(texts)
    np.testing.assert_array_equal(bag_of_words.transform(documents).toarray(), expected.toarray())


def test_tfidf_rows_are_sparse_and_of_unit_length(documents: list[Item]) -> None:
    X = BagOfWords().fit(documents).transform(documents)
    assert isinstance(X, csr_array)
    assert X.dtype == np.float32
    np.testing.assert_allclose(np.sqrt((X.toarray() ** 2).sum(1)), 1, atol=1e-5)


def test_document_without_known_terms_is_an_empty_row(documents: list[Item]) -> None:
    X = BagOfWords().fit(documents).transform(make_items("qqqq zzzz", "", "thread qqqq"))
    assert np.diff(X.indptr).tolist() == [0, 0, 1]


def test_vocabulary_has_the_most_frequent_terms(documents: list[Item]) -> None:
    small, large = (BagOfWords(vocabulary_size=size).fit(documents).terms for size in (50, 500))
    assert len(small) == 50
    assert large[:50] == small


def test_terms_outside_given_limits_are_dropped() -> None:
    texts = [f"everywhere {'half' if i % 2 else 'rest'} {'twice' if i < 2 else ''} unique{i}" for i in range(100)]
    terms = BagOfWords(min_documents=2, max_document_share=0.5).fit(make_items(*texts)).terms
    assert set(terms) == {"half", "rest", "twice"}


def test_small_collection_has_no_default_limits() -> None:
    assert set(BagOfWords().fit(make_items("thread lock", "thread socket")).terms) == {"thread", "lock", "socket"}


def test_letters_made_from_one_form_have_terms() -> None:
    form = "dear customer thank you for your order which will arrive within three working days kind regards"
    letters = make_items(*(f"{form} {'anna' if number % 2 else 'bert'} {number + 1000}" for number in range(160)))
    bag_of_words = BagOfWords().fit(letters)
    assert bag_of_words.row_warnings(bag_of_words.transform(letters)) == {}
    assert {"anna", "bert", "1007"} <= set(bag_of_words.terms)


def test_documents_without_terms_are_named() -> None:
    items = make_items("thread lock", "", "thread socket", "?!")
    bag_of_words = BagOfWords().fit(items)
    warnings = bag_of_words.row_warnings(bag_of_words.transform(items))
    assert warnings == dict.fromkeys([1, 3], "contains no term of the vocabulary and cannot be found by it")


def test_counting_discards_rare_terms_to_bound_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aesearch.features.bag_of_words.MAX_COUNTED_TERMS", 50)
    texts = [f"common unique{i}" for i in range(200)]
    bag_of_words = BagOfWords(min_documents=1, max_document_share=1.0).fit(make_items(*texts))
    assert bag_of_words.terms[0] == "common"
    assert len(bag_of_words.terms) <= 51


def test_inverse_transform_returns_the_highest_weighted_terms() -> None:
    items = make_items("common rare", "common other", "common third")
    bag_of_words = BagOfWords().fit(items)
    X = bag_of_words.transform(items)
    assert bag_of_words.inverse_transform(X)[0] == ["rare", "common"]
    assert bag_of_words.inverse_transform(X.toarray())[1] == ["other", "common"]
    assert bag_of_words.inverse_transform(X, n_terms=1) == [["rare"], ["other"], ["third"]]


def test_collection_without_terms_is_refused() -> None:
    with pytest.raises(NoItems, match="no word in 2 documents"):
        BagOfWords().fit(make_items("!", "?"))


def test_limits_that_exclude_all_terms_are_refused() -> None:
    with pytest.raises(NoItems, match=r"none of 3 terms .*; lower min_documents, or raise max_document_share"):
        BagOfWords(min_documents=3).fit(make_items("thread lock", "thread socket"))


@pytest.mark.parametrize(
    "params",
    [
        {"vocabulary_size": 0},
        {"min_documents": 0},
        {"max_document_share": 0.0},
        {"max_document_share": 1.1},
        {"weighting": "bm25"},
    ],
    ids=str,
)
def test_invalid_parameter_is_named(params: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter, match=next(iter(params))):
        BagOfWords(**params)
