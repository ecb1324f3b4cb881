import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.metrics import average_precision_score

from aesearch.analysis.metrics import RelevanceByLabel, average_precision, macro_mean, precision_at, squared_errors


def test_average_precision_equals_scikit_learn_for_full_ranking() -> None:
    is_relevant = np.random.default_rng(0).random((20, 50)) < 0.3
    scores = -np.arange(50)
    expected = [average_precision_score(row, scores) for row in is_relevant]
    np.testing.assert_allclose(average_precision(is_relevant), expected)


def test_perfect_ranking_scores_1() -> None:
    is_relevant = np.array([[True] * 3 + [False] * 4])
    assert average_precision(is_relevant)[0] == 1
    assert precision_at(is_relevant, 3)[0] == 1
    assert precision_at(is_relevant, 6)[0] == 0.5


def test_ranking_without_relevant_item_scores_0() -> None:
    is_relevant = np.zeros((2, 5), bool)
    np.testing.assert_array_equal(average_precision(is_relevant), [0, 0])
    np.testing.assert_array_equal(precision_at(is_relevant, 3), [0, 0])


def test_items_that_share_a_label_are_relevant() -> None:
    relevance = RelevanceByLabel(["a", ("a", "b"), "c", None, ("b", "c")])
    assert relevance.relevant_items("a").tolist() == [True, True, False, False, False]
    assert relevance.relevant_items(("b", "c")).tolist() == [False, True, True, False, True]
    assert not relevance.relevant_items("unknown").any()


def test_macro_mean_weighs_labels_equally() -> None:
    values = np.array([1.0, 1.0, 1.0, 0.0])
    assert macro_mean(values, ["a", "a", "a", "b"]) == 0.5
    assert macro_mean(values, ["a", "a", "a", ("a", "b")]) == pytest.approx((0.75 + 0) / 2)
    np.testing.assert_allclose(macro_mean(np.stack([values, 1 - values], 1), ["a", "a", "a", "b"]), [0.5, 0.5])


def test_squared_errors_scale_pixels_to_0_1() -> None:
    X = np.array([[[[0, 255]]], [[[51, 51]]]], np.uint8)
    decoded = np.array([[[[0, 0.5]]], [[[0, 0]]]], np.float32)
    np.testing.assert_allclose(squared_errors(X, decoded), [0.25, 0.08], rtol=1e-6)


def test_squared_errors_of_sparse_and_dense_rows_agree() -> None:
    X = np.random.default_rng(0).random((4, 6)).astype(np.float32)
    decoded = np.zeros_like(X)
    assert squared_errors(csr_array(X), decoded) == pytest.approx(squared_errors(X, decoded))
