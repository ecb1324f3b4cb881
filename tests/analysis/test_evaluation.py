from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import KNeighborsClassifier

from aesearch.analysis.evaluation import Evaluation, evaluate
from aesearch.analysis.metrics import average_precision, squared_errors
from aesearch.coders.linear import PCA
from aesearch.errors import InvalidParameter, NoItems, WrongKind
from aesearch.features.pixels import Pixels
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files


@pytest.fixture(scope="module")
def evaluation(pca_index: Retriever, digit_folder: Path) -> Evaluation:
    """Return an evaluation of PCA with the test digits."""
    return evaluate(pca_index, read_files(digit_folder / "test"))


@pytest.fixture(scope="module")
def threes(digit_folder: Path) -> list[Item]:
    """Return the test images of the digit 3, with their label."""
    return [Item(f"query {item.id}", item.content, "3") for item in read_files(digit_folder / "test" / "3")]


def test_scores_equal_brute_force(evaluation: Evaluation, digit_folder: Path) -> None:
    train, test = (list(read_files(digit_folder / part)) for part in ("train", "test"))
    features = Pixels().fit(train)
    pca = PCA(16).fit(features.transform(train))
    codes, query_codes = pca.encode(features.transform(train)), pca.encode(features.transform(test))
    labels, query_labels = np.array([item.label for item in train]), np.array([item.label for item in test])
    accuracy = KNeighborsClassifier(1).fit(codes, labels).score(query_codes, query_labels)
    order = np.argsort(pairwise_distances(query_codes, codes), axis=1)[:, :1000]
    is_relevant = labels[order] == query_labels[:, None]
    assert evaluation.queries == len(test)
    assert evaluation.precision[1] == pytest.approx(accuracy, abs=1e-9)
    assert evaluation.precision[10] == pytest.approx(is_relevant[:, :10].mean(), abs=1e-3)
    assert evaluation.mean_average_precision == pytest.approx(average_precision(is_relevant).mean(), abs=1e-3)
    errors = squared_errors(features.transform(test), pca.decode(query_codes))
    assert evaluation.reconstruction_sse == pytest.approx(errors.mean(), rel=1e-4)
    assert evaluation.queries_per_second > 0
    by_digit = [is_relevant[query_labels == digit, :10].mean() for digit in np.unique(query_labels)]
    assert evaluation.macro_precision[10] == pytest.approx(np.mean(by_digit), abs=1e-3)


def test_items_may_have_several_labels(tmp_path: Path, digits: np.ndarray, digit_labels: np.ndarray) -> None:
    """With the parity of a digit as a second label, every even digit is relevant to a query of an even digit."""

    def make_items(numbers: range, name: str) -> list[Item]:
        labels = [(str(digit_labels[number]), ("even", "odd")[digit_labels[number] % 2]) for number in numbers]
        return [Item(f"{name} {number}", digits[number, 0], label) for number, label in zip(numbers, labels, strict=True)]

    Retriever.build(make_items(range(500), "item"), coder="pca", code_size=16).save(tmp_path / "index")
    index = Retriever.load(tmp_path / "index")
    queries = make_items(range(500, 600), "query")
    evaluation = evaluate(index, queries, ks=(1, 10))
    parities = [[int(hit.label[0]) % 2 for hit in index.query(item, 10) if hit.label] for item in queries]
    expected = np.array([np.array(row) == digit_labels[number] % 2 for number, row in enumerate(parities, 500)])
    assert evaluation.precision[10] == pytest.approx(expected.mean())
    by_label = [expected[digit_labels[500:] % 2 == parity].mean() for parity in (0, 1)]
    by_label += [expected[digit_labels[500:] == digit].mean() for digit in range(10)]
    assert evaluation.macro_precision[10] == pytest.approx(np.mean(by_label))
    assert evaluation.as_dict()["macro_precision"].keys() == {"1", "10"}


def test_curve_passes_through_precisions(evaluation: Evaluation) -> None:
    for k in (1, 10, 100):
        assert evaluation.curve["precision"][k - 1] == pytest.approx(evaluation.precision[k])
    assert (np.diff(evaluation.curve["recall"]) >= 0).all()
    assert evaluation.average_precisions.mean() == pytest.approx(evaluation.mean_average_precision)


def test_ties_favor_no_label(digit_labels: np.ndarray) -> None:
    rng = np.random.default_rng(0)

    def noise() -> Image.Image:
        return Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8))

    items = [Item(f"{label}/{number}", noise(), str(label)) for number, label in enumerate(sorted(digit_labels))]
    index = Retriever.build(items, features=Pixels(size=8, channels=1), coder="pca", code_size=8, bits=True)
    keys = np.sort(index.store.keys())
    index.store.remove(keys)
    index.store.add(keys, np.zeros((len(keys), 1), np.uint8))  # the same bits for all items, so that all distances tie
    for label in ("0", "9"):  # the first and the last label in the order of the items
        queries = [Item(f"query {number}", noise(), label) for number in range(20)]
        share = np.mean([item.label == label for item in items])
        assert evaluate(index, queries, ks=(100,)).precision[100] == pytest.approx(share, abs=0.08)


@pytest.mark.parametrize("folder", ["train", "train/3", "."])
def test_indexed_queries_are_refused(folder: str, pca_index: Retriever, digit_folder: Path) -> None:
    with pytest.raises(InvalidParameter, match="would find itself"):
        evaluate(pca_index, read_files(digit_folder / folder))


def test_unlabeled_queries_yield_score_only(pca_index: Retriever, threes: list[Item]) -> None:
    queries = [Item(item.id, item.content) for item in threes]
    with pytest.raises(NoItems, match=r"no query has a label, and label-free evaluation needs at least 20 queries, not 19"):
        evaluate(pca_index, queries[:19])
    result = evaluate(pca_index, queries)
    assert (result.queries, result.precision, result.mean_average_precision) == (len(queries), {}, None)
    assert result.score is not None
    assert (result.score.n_items, result.score.value > 0) == (len(queries), True)


def test_queries_of_other_kind_are_refused(pca_index: Retriever, documentation_folder: Path) -> None:
    with pytest.raises(WrongKind, match="documents"):
        evaluate(pca_index, read_files(documentation_folder / "test"))


def test_k_below_1_is_refused(pca_index: Retriever) -> None:
    with pytest.raises(InvalidParameter, match="at least 1"):
        evaluate(pca_index, [], ks=(0, 10))


def test_k_above_number_of_items_counts_all_items(threes: list[Item]) -> None:
    index = Retriever.build(threes[3:15], coder="pca", code_size=4)
    assert evaluate(index, threes[:3], ks=(100,)).precision[100] == 1.0


def test_rejected_query_files_are_reported(digit_folder: Path, vectors: np.ndarray, tmp_path: Path) -> None:
    index = Retriever.build([Item(str(number), row, "a") for number, row in enumerate(vectors)], coder="pca", code_size=8)
    np.save(tmp_path / "wide.npy", np.ones((30, 41), np.float32))
    queries = read_files(tmp_path)
    with pytest.raises(NoItems):
        evaluate(index, queries)
    assert {skip.category.value for skip in queries.skipped.values()} == {"incompatible"}


def test_reconstruction_error_needs_decoder(digit_index: Path, threes: list[Item]) -> None:
    assert evaluate(Retriever.load(digit_index), threes[:5]).reconstruction_sse is None
    assert (evaluate(Retriever.load(digit_index, encoder_only=False), threes[:5]).reconstruction_sse or 0) > 0
