"""The vocabulary follows the document frequencies, and changes gradually with the number of documents."""

from collections import Counter
from itertools import pairwise

import pytest

from aesearch.features.tokenizer import tokenize
from aesearch.features.vocabulary import MIN_TERMS_PER_DOCUMENT, choose_terms
from aesearch.items import Item

FORM = "dear customer thank you for your order which will arrive within three working days kind regards"


def count(texts: list[str]) -> Counter[str]:
    """Return the document frequencies of the terms of texts."""
    return Counter(term for text in texts for term in set(tokenize(text)))


def frequencies(**numbers: int) -> dict[str, int]:
    return numbers


def test_most_frequent_terms_are_chosen_first() -> None:
    assert choose_terms(frequencies(a=3, b=5, c=4, d=1), 10, size=3) == ["b", "c", "a"]


def test_small_collection_has_all_terms() -> None:
    assert set(choose_terms(frequencies(everywhere=20, once=1), 20, size=10)) == {"everywhere", "once"}


def test_large_collection_has_terms_in_two_documents_to_a_fifth() -> None:
    many = {f"term{number}": 100 for number in range(100)}
    chosen = choose_terms(many | frequencies(everywhere=1000, fifth=200, more=201, twice=2, once=1), 1000, size=1000)
    assert set(chosen) == {*many, "fifth", "twice"}


def test_given_limits_are_obeyed_exactly() -> None:
    terms = frequencies(everywhere=10, half=5, twice=2, once=1)
    assert choose_terms(terms, 10, 10, min_documents=2, max_document_share=0.5) == ["half", "twice"]
    assert set(choose_terms(terms, 10, 10, max_document_share=0.5)) == {"half", "twice", "once"}
    assert set(choose_terms(terms, 10, 10, min_documents=3)) == {"everywhere", "half"}
    assert choose_terms(terms, 10, 10, min_documents=6, max_document_share=0.5) == []


@pytest.mark.parametrize("n_documents", [20, 50, 99, 100, 101, 160, 400, 999, 1000, 3000])
def test_letters_made_from_one_form_keep_terms(n_documents: int) -> None:
    texts = [f"{FORM} {'anna' if number % 2 else 'bert'}" for number in range(n_documents)]
    chosen = set(choose_terms(count(texts), n_documents, size=10_000))
    assert all(len(chosen & set(tokenize(text))) >= MIN_TERMS_PER_DOCUMENT for text in texts[:2])


def test_few_more_documents_change_the_vocabulary_little(documents: list[Item]) -> None:
    texts = [str(item.content) for item in documents]
    shares = []
    for n_documents in range(15, len(texts), 5):
        counted = count(texts[:n_documents])
        shares.append(len(choose_terms(counted, n_documents, size=10_000)) / len(counted))
    assert max(abs(after - before) for before, after in pairwise(shares)) < 0.05
