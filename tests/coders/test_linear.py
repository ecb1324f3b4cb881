"""The baselines agree with scikit-learn, and with each other where the mathematics says so."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.decomposition import PCA as SklearnPCA
from sklearn.decomposition import TruncatedSVD

from aesearch.coders.linear import LSA, PCA, Raw
from aesearch.errors import InvalidParameter, WrongKind


def flat(digits: np.ndarray) -> np.ndarray:
    return digits.reshape(len(digits), -1).astype(np.float32) / 255


def test_pca_is_scikit_learns(digits: np.ndarray) -> None:
    ours, theirs = PCA(10).fit(digits), SklearnPCA(10, svd_solver="full").fit(flat(digits))
    np.testing.assert_allclose(np.abs(ours.encode(digits)), np.abs(theirs.transform(flat(digits))), atol=1e-3)
    rebuilt = theirs.inverse_transform(theirs.transform(flat(digits)))
    np.testing.assert_allclose(ours.decode(ours.encode(digits)).reshape(rebuilt.shape), rebuilt, atol=1e-3)


def test_whitened_components_are_uncorrelated_and_of_unit_variance(digits: np.ndarray) -> None:
    codes = PCA(10, whiten=True).fit(digits).encode(digits)
    np.testing.assert_allclose(np.cov(codes.T), np.eye(10), atol=0.02)


def test_whitening_changes_the_codes_and_not_the_reconstruction(digits: np.ndarray) -> None:
    plain, whitened = PCA(10).fit(digits), PCA(10, whiten=True).fit(digits)
    assert not np.allclose(plain.encode(digits), whitened.encode(digits), atol=0.1)
    np.testing.assert_allclose(plain.decode(plain.encode(digits)), whitened.decode(whitened.encode(digits)), atol=1e-3)


def test_a_full_set_of_components_loses_nothing(digits: np.ndarray) -> None:
    pca = PCA(64).fit(digits)
    np.testing.assert_allclose(pca.decode(pca.encode(digits)), digits / 255, atol=1e-3)


def test_lsa_is_scikit_learns_truncated_svd(bags: csr_array) -> None:
    theirs = TruncatedSVD(10, n_iter=5, random_state=0).fit(bags)
    np.testing.assert_allclose(LSA(10).fit(bags).encode(bags), theirs.transform(bags), atol=1e-4)


def test_lsa_of_centered_rows_is_pca(digits: np.ndarray) -> None:
    centered = flat(digits) - flat(digits).mean(0)
    lsa = LSA(5).fit(csr_array(centered)).encode(csr_array(centered))
    pca = PCA(5).fit(digits).encode(digits)
    np.testing.assert_allclose(np.abs(lsa), np.abs(pca), atol=0.02)


def test_raw_is_the_row_itself(digits: np.ndarray, bags: csr_array) -> None:
    np.testing.assert_allclose(Raw().fit(digits).encode(digits), flat(digits))
    assert (Raw().fit(bags).encode(bags) != bags).nnz == 0
    assert Raw().fit(bags).metric == "cosine"
    assert Raw().fit(digits).metric == "l2"


@pytest.mark.parametrize("coder", [PCA(65), PCA(0)])
def test_more_components_than_features_are_refused_with_the_numbers(coder: PCA, digits: np.ndarray) -> None:
    with pytest.raises(InvalidParameter, match="choose 1 to 64"):
        coder.fit(digits)


def test_more_components_than_items_are_refused(digits: np.ndarray) -> None:
    with pytest.raises(InvalidParameter, match="choose 1 to 20"):
        PCA(32).fit(digits[:20])


def test_the_wrong_kind_of_rows_is_answered_with_the_right_coder(digits: np.ndarray, bags: Any) -> None:
    with pytest.raises(WrongKind, match='use "lsa"'):
        PCA(8).fit(bags)
    with pytest.raises(WrongKind, match='use "pca"'):
        LSA(8).fit(digits)
