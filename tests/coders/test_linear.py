"""The baselines agree with scikit-learn, and with each other if they are mathematically equal."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn import decomposition

from aesearch.coders.linear import LSA, PCA, Raw
from aesearch.errors import InvalidParameter, WrongKind


@pytest.fixture(scope="module")
def pixel_rows(digits: np.ndarray) -> np.ndarray:
    """Return the digits as rows, [600, 64] float32 in 0..1."""
    return digits.reshape(len(digits), -1).astype(np.float32) / 255


def test_pca_equals_scikit_learn(digits: np.ndarray, pixel_rows: np.ndarray) -> None:
    pca, expected = PCA(10).fit(digits), decomposition.PCA(10, svd_solver="full").fit(pixel_rows)
    codes, expected_codes = pca.encode(digits), expected.transform(pixel_rows)
    np.testing.assert_allclose(np.abs(codes), np.abs(expected_codes), atol=1e-3)
    decoded = pca.decode(codes).reshape(pixel_rows.shape)
    np.testing.assert_allclose(decoded, expected.inverse_transform(expected_codes), atol=1e-3)


def test_whitened_components_have_unit_covariance(digits: np.ndarray) -> None:
    codes = PCA(10, whiten=True).fit(digits).encode(digits)
    np.testing.assert_allclose(np.cov(codes.T), np.eye(10), atol=0.02)


def test_whitening_changes_codes_but_not_reconstructions(digits: np.ndarray) -> None:
    plain, whitened = PCA(10).fit(digits), PCA(10, whiten=True).fit(digits)
    assert not np.allclose(plain.encode(digits), whitened.encode(digits), atol=0.1)
    np.testing.assert_allclose(plain.decode(plain.encode(digits)), whitened.decode(whitened.encode(digits)), atol=1e-3)


def test_pca_with_all_components_reconstructs_exactly(digits: np.ndarray) -> None:
    pca = PCA(64).fit(digits)
    np.testing.assert_allclose(pca.decode(pca.encode(digits)), digits / 255, atol=1e-3)


def test_randomized_pca_agrees_with_exact_pca() -> None:
    rng = np.random.default_rng(0)
    X = (rng.standard_normal((300, 8)) @ rng.standard_normal((8, 1500))).astype(np.float32)  # above MAX_EXACT_FEATURES
    codes, expected = PCA(4).fit(X).encode(X), decomposition.PCA(4, svd_solver="full").fit_transform(X)
    np.testing.assert_allclose(np.abs(codes), np.abs(expected), rtol=1e-3, atol=1e-2)


def test_lsa_equals_scikit_learn(bags: csr_array) -> None:
    expected = decomposition.TruncatedSVD(10, n_iter=5, random_state=0).fit(bags)
    np.testing.assert_allclose(LSA(10).fit(bags).encode(bags), expected.transform(bags), atol=1e-4)


def test_lsa_of_centered_rows_equals_pca(digits: np.ndarray, pixel_rows: np.ndarray) -> None:
    centered = csr_array(pixel_rows - pixel_rows.mean(0))
    lsa, pca = LSA(5).fit(centered).encode(centered), PCA(5).fit(digits).encode(digits)
    np.testing.assert_allclose(np.abs(lsa), np.abs(pca), atol=0.02)


def test_raw_code_is_the_row(digits: np.ndarray, pixel_rows: np.ndarray, bags: csr_array) -> None:
    raw = Raw().fit(digits)
    np.testing.assert_array_equal(raw.encode(digits), pixel_rows)
    np.testing.assert_array_equal(raw.decode(pixel_rows), pixel_rows.reshape(digits.shape))
    assert (Raw().fit(bags).encode(bags) != bags).nnz == 0


def test_raw_metric_follows_from_the_rows(digits: np.ndarray, bags: csr_array, vectors: np.ndarray) -> None:
    assert [Raw().fit(X).metric for X in (digits, bags, vectors)] == ["l2", "cosine", "cosine"]


@pytest.mark.parametrize("code_size", [0, 65])
def test_code_size_beyond_features_is_refused(code_size: int, digits: np.ndarray) -> None:
    with pytest.raises(InvalidParameter, match="choose 1 to 64"):
        PCA(code_size).fit(digits)


def test_code_size_beyond_items_is_refused(digits: np.ndarray) -> None:
    with pytest.raises(InvalidParameter, match="choose 1 to 20"):
        PCA(32).fit(digits[:20])


@pytest.mark.parametrize("coder", [PCA, LSA])
def test_max_code_size_is_half_a_row_or_the_items(coder: type[PCA | LSA]) -> None:
    assert coder.max_code_size((1, 8, 8), 600) == 32
    assert coder.max_code_size((1, 8, 8), 20) == 20
    assert coder.max_code_size((1,), 20) == 1


def test_other_kind_of_rows_is_refused(digits: np.ndarray, bags: Any) -> None:
    with pytest.raises(WrongKind, match='use "lsa"'):
        PCA(8).fit(bags)
    with pytest.raises(WrongKind, match='use "pca"'):
        LSA(8).fit(digits)
