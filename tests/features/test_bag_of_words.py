"""Weighted words agree with scikit-learn's, stay sparse, and know their limits."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from aesearch.errors import InvalidParameter, NoItems
from aesearch.features.bag_of_words import BagOfWords
from aesearch.features.tokenizer import tokens
from aesearch.items import Item


def items(*texts: str) -> list[Item]:
    return [Item(str(number), text) for number, text in enumerate(texts)]


def test_tfidf_is_scikit_learns_sublinear_one(documents: list[Item]) -> None:
    words = BagOfWords(vocabulary=100_000, min_documents=2, max_share=0.5).fit(documents)
    theirs = TfidfVectorizer(tokenizer=tokens, lowercase=False, token_pattern=None, min_df=2, max_df=0.5, sublinear_tf=True)
    expected = theirs.fit_transform([str(item.content) for item in documents])
    assert set(words.words) == set(theirs.vocabulary_)
    order = [theirs.vocabulary_[word] for word in words.words]
    np.testing.assert_allclose(words.transform(documents).toarray(), expected.toarray()[:, order], atol=1e-5)


@pytest.mark.parametrize(("weighting", "binary"), [("counts", False), ("binary", True)])
def test_counts_and_presence_are_scikit_learns(weighting: str, binary: bool, documents: list[Item]) -> None:
    words = BagOfWords(vocabulary=500, weighting=weighting).fit(documents)
    theirs = CountVectorizer(tokenizer=tokens, lowercase=False, token_pattern=None, vocabulary=words.words, binary=binary)
    expected = theirs.transform([str(item.content) for item in documents])
    np.testing.assert_array_equal(words.transform(documents).toarray(), expected.toarray())


def test_rows_are_sparse_float32_of_unit_length(documents: list[Item]) -> None:
    X = BagOfWords().fit(documents).transform(documents)
    assert isinstance(X, csr_array)
    assert X.dtype == np.float32
    np.testing.assert_allclose(np.sqrt((X.toarray() ** 2).sum(1)), 1, atol=1e-5)


def test_a_document_without_a_known_word_is_an_empty_row(documents: list[Item]) -> None:
    X = BagOfWords().fit(documents).transform(items("qqqq zzzz", "", "thread qqqq"))
    assert np.diff(X.indptr).tolist() == [0, 0, 1]


def test_the_vocabulary_keeps_the_words_of_the_most_documents(documents: list[Item]) -> None:
    few, many = BagOfWords(vocabulary=50).fit(documents), BagOfWords(vocabulary=500).fit(documents)
    assert len(few.words) == 50
    assert many.words[:50] == few.words


def test_a_small_collection_keeps_words_of_one_document() -> None:
    assert set(BagOfWords().fit(items("thread lock", "thread socket")).words) == {"thread", "lock", "socket"}


def test_the_way_back_names_the_weightiest_words_first() -> None:
    texts = items("common rare", "common other", "common third")
    words = BagOfWords().fit(texts)
    assert words.inverse_transform(words.transform(texts))[0] == ["rare", "common"]
    assert words.inverse_transform(words.transform(texts).toarray())[1] == ["other", "common"]


def test_texts_without_words_and_bad_settings_are_refused() -> None:
    with pytest.raises(NoItems, match="no word"):
        BagOfWords().fit(items("!", "?"))
    for settings in ({"vocabulary": 0}, {"max_share": 0.0}, {"weighting": "bm25"}):
        with pytest.raises(InvalidParameter):
            BagOfWords(**settings)  # type: ignore[arg-type]
