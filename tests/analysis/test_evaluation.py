"""The measures agree with scikit-learn, favor no label, and refuse to be flattered."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, pairwise_distances
from sklearn.neighbors import KNeighborsClassifier

from aesearch.analysis.evaluation import average_precision, evaluate, precision_at, squared_errors
from aesearch.coders.linear import PCA
from aesearch.errors import InvalidParameter, NoItems, WrongKind
from aesearch.features.pixels import Pixels
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files


@pytest.fixture(scope="module")
def pca_index(digit_folder: Path) -> Retriever:
    return Retriever.build(digit_folder / "train", coder="pca", code_size=16)


def test_average_precision_is_scikit_learns_over_a_whole_ranking() -> None:
    relevant = np.random.default_rng(0).random((20, 50)) < 0.3
    scores = -np.arange(50)
    theirs = [average_precision_score(row, scores) for row in relevant]
    np.testing.assert_allclose(average_precision(relevant), theirs)


def test_a_query_without_a_relevant_item_has_precision_0() -> None:
    nothing = np.zeros((2, 5), bool)
    np.testing.assert_array_equal(average_precision(nothing), [0, 0])
    np.testing.assert_array_equal(precision_at(nothing, 3), [0, 0])


def test_a_perfect_ranking_has_precision_1() -> None:
    relevant = np.array([[True] * 3 + [False] * 4])
    assert average_precision(relevant)[0] == 1
    assert precision_at(relevant, 3)[0] == 1
    assert precision_at(relevant, 6)[0] == 0.5


def test_the_measures_are_those_of_a_brute_force_search(pca_index: Retriever, digit_folder: Path) -> None:
    found = evaluate(pca_index, read_files(digit_folder / "test"), ks=(1, 10))
    train, test = (list(read_files(digit_folder / half)) for half in ("train", "test"))
    features = Pixels().fit(train)
    pca = PCA(16).fit(features.transform(train))
    codes, asked = pca.encode(features.transform(train)), pca.encode(features.transform(test))
    labels, wanted = np.array([item.label for item in train]), np.array([item.label for item in test])
    accuracy = KNeighborsClassifier(1).fit(codes, labels).score(asked, wanted)
    order = np.argsort(pairwise_distances(asked, codes), axis=1)[:, :1000]
    relevant = labels[order] == wanted[:, None]
    assert found.queries == len(test)
    assert found.precision[1] == pytest.approx(accuracy, abs=1e-9)
    assert found.precision[10] == pytest.approx(relevant[:, :10].mean(), abs=1e-3)
    assert found.mean_average_precision == pytest.approx(average_precision(relevant).mean(), abs=1e-3)
    errors = squared_errors(features.transform(test), pca.decode(asked))
    assert found.reconstruction_sse == pytest.approx(errors.mean(), rel=1e-4)
    assert found.queries_per_second > 0


def test_where_all_distances_tie_the_labels_come_out_by_chance(digit_labels: np.ndarray) -> None:
    blank = Pixels(size=8, channels=1)
    noise = np.random.default_rng(0)
    train = [Item(f"{label}/{number}", _dots(noise), str(label)) for number, label in enumerate(sorted(digit_labels))]
    index = Retriever.build(train, features=blank, coder="pca", code_size=8, bits=True)
    index.store.remove(np.array([row.key for row in index.ledger.all_rows()]))
    index.store.add(  # the same bits for every item: nothing but ties
        np.array([row.key for row in index.ledger.all_rows()]), np.zeros((len(train), 1), np.uint8)
    )
    for label in ("0", "9"):  # the first and the last in the order of reading
        queries = [Item(f"query {number}", _dots(noise), label) for number in range(20)]
        share = np.mean([item.label == label for item in train])
        assert evaluate(index, queries, ks=(100,)).precision[100] == pytest.approx(share, abs=0.08)


def _dots(noise: np.random.Generator):
    from PIL import Image

    return Image.fromarray(noise.integers(0, 256, (8, 8), np.uint8))


def test_queries_that_are_in_the_index_are_refused(pca_index: Retriever, digit_folder: Path) -> None:
    for inside in (digit_folder / "train", digit_folder / "train" / "3", digit_folder):
        with pytest.raises(InvalidParameter, match="would find itself"):
            evaluate(pca_index, read_files(inside))


def test_queries_without_labels_are_judged_by_their_agreement_alone(pca_index: Retriever, digit_folder: Path) -> None:
    items = [Item(item.id, item.content) for item in read_files(digit_folder / "test" / "3")]
    with pytest.raises(NoItems, match=r"no query has a label, and 19 are too few"):
        evaluate(pca_index, items[:19])
    found = evaluate(pca_index, items)
    assert (found.queries, found.precision, found.mean_average_precision) == (len(items), {}, None)
    assert 0 < (found.agreement or 0) < 1


def test_queries_of_the_other_kind_are_refused(pca_index: Retriever, documentation_folder: Path) -> None:
    with pytest.raises(WrongKind, match="documents"):
        evaluate(pca_index, read_files(documentation_folder / "test"))


def test_more_neighbors_than_items_are_measured_over_those_there_are(digit_folder: Path) -> None:
    few = list(read_files(digit_folder / "train" / "3"))[:12]
    few = [Item(item.id, item.content, "3") for item in few]
    index = Retriever.build(few, coder="pca", code_size=4)
    queries = [Item("q", item.content, "3") for item in read_files(digit_folder / "test" / "3")][:3]
    assert evaluate(index, queries, ks=(100,)).precision[100] == 1.0


def test_without_its_decoder_an_index_reports_no_reconstruction(digit_index: Path, digit_folder: Path) -> None:
    queries = [Item("q", item.content, "3") for item in read_files(digit_folder / "test" / "3")][:5]
    assert evaluate(Retriever.load(digit_index), queries).reconstruction_sse is None
    assert (evaluate(Retriever.load(digit_index, encoder_only=False), queries).reconstruction_sse or 0) > 0
