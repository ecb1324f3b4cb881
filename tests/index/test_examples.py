"""More like this, less like that: examples by id, file or words move a query; examples are not among the hits."""

from pathlib import Path

import numpy as np
import pytest

from aesearch import Item, ItemId, Retriever
from aesearch.errors import InvalidParameter, NoItems


@pytest.fixture(scope="module", params=[False, True], ids=["float", "bits"])
def index(request: pytest.FixtureRequest, digits: np.ndarray, digit_labels: np.ndarray) -> Retriever:
    items = [
        Item(f"d{n:03}", image[0], str(label)) for n, (image, label) in enumerate(zip(digits, digit_labels, strict=True))
    ]
    return Retriever.build(items, coder="pca", code_size=32, bits=request.param)


def first_with(index: Retriever, label: str) -> str:
    return next(row.id for row in sorted(index.ledger.all_rows(), key=lambda row: row.id) if row.label == label)


def share(index: Retriever, label: str, **examples: list[ItemId]) -> float:
    hits = index.query(None, 20, **examples)  # type: ignore[arg-type]
    return float(np.mean([hit.label == label for hit in hits]))


def test_item_by_id_is_a_query_without_its_file(index: Retriever, digits: np.ndarray) -> None:
    by_id = index.query(ItemId("d010"), 9)
    by_image = index.query(digits[10, 0], 10)
    assert by_image[0].id == "d010"
    assert "d010" not in [hit.id for hit in by_id]
    assert [hit.distance for hit in by_id] == pytest.approx([hit.distance for hit in by_image[1:]], abs=1e-5)


def test_examples_pull_and_push(index: Retriever) -> None:
    three, eight = ItemId(first_with(index, "3")), ItemId(first_with(index, "8"))
    assert share(index, "3", like=[three]) > 0.5
    both = [hit.label for hit in index.query(None, 30, like=[three, eight])]
    assert both.count("3") >= 3
    assert both.count("8") >= 3
    away = [hit.label for hit in index.query(None, 30, like=[three, eight], unlike=[eight])]
    assert away.count("8") < both.count("8")
    ids = {hit.id for hit in index.query(three, 30, like=[eight], unlike=[ItemId("d005")])}
    assert not ids & {three.id, eight.id, "d005"}


def test_filter_applies_to_examples(index: Retriever) -> None:
    hits = index.query(ItemId("d010"), 5, where="label = '4'")
    assert [hit.label for hit in hits] == ["4"] * 5


def test_files_and_words_are_examples(notes_index: Path, notes: Path) -> None:
    index = Retriever.load(notes_index)
    hits = index.query(None, 10, like=[notes / "threads" / "00.txt", "join a thread"])
    assert {hit.label for hit in hits} == {"threads"}
    assert hits[0].snippet is not None


def test_wrong_examples_are_refused(index: Retriever) -> None:
    with pytest.raises(NoItems, match='no item "nothing"'):
        index.query(ItemId("nothing"))
    with pytest.raises(NoItems, match="there is no query"):
        index.query(None, unlike=[ItemId("d000")])
    with pytest.raises(InvalidParameter, match="leave out rerank"):
        index.query(ItemId("d000"), rerank=True)
    with pytest.raises(TypeError, match="no option 'wehre'"):
        index.query(ItemId("d000"), wehre="a = 1")  # type: ignore[call-arg]
