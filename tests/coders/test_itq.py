"""ITQ: a learned rotation turns float codes into bits that preserve neighbors."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from aesearch.coders.itq import ITQ, fit_itq_rotation
from aesearch.coders.linear import PCA, Raw
from aesearch.errors import InvalidParameter


def quantization_error(codes: np.ndarray, rotation: np.ndarray) -> float:
    rotated = codes @ rotation
    return float(((np.sign(rotated) - rotated) ** 2).mean())


@pytest.fixture(scope="module")
def centered_codes(digits: np.ndarray) -> np.ndarray:
    codes = PCA(16).fit(digits).encode(digits)
    return codes - codes.mean(0)


def test_rotation_is_orthogonal(centered_codes: np.ndarray) -> None:
    rotation = fit_itq_rotation(centered_codes, 50, np.random.default_rng(0))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(16), atol=1e-5)


def test_more_rounds_lower_the_quantization_error(centered_codes: np.ndarray) -> None:
    errors = [
        quantization_error(centered_codes, fit_itq_rotation(centered_codes, rounds, np.random.default_rng(0)))
        for rounds in (0, 1, 5, 50)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.98 * errors[0]


def test_rotated_bits_preserve_more_neighbors_than_signs(digits: np.ndarray, digit_labels: np.ndarray) -> None:
    def precision(bits: np.ndarray) -> float:
        distances = (bits[:, None] != bits[None]).sum(2).astype(float)
        np.fill_diagonal(distances, np.inf)
        random_tie_break = np.random.default_rng(0).random(distances.shape) / 2
        neighbors = np.argsort(distances + random_tie_break, axis=1)[:, :10]
        return float((digit_labels[neighbors] == digit_labels[:, None]).mean())

    pca = PCA(16, whiten=True)
    rotated_bits = np.unpackbits(ITQ(pca).fit(digits).encode(digits), axis=1)
    assert precision(rotated_bits) > precision(pca.encode(digits) > 0)


def test_bit_is_sign_of_rotated_dimension(digits: np.ndarray) -> None:
    itq = ITQ(PCA(16)).fit(digits)
    rotated = (itq.base.encode(digits) - itq.mean) @ itq.rotation
    np.testing.assert_array_equal(np.unpackbits(itq.encode(digits), axis=1), rotated > 0)


@pytest.mark.parametrize("whiten", [False, True])
def test_decoded_bits_are_closer_than_the_mean(digits: np.ndarray, whiten: bool) -> None:
    itq = ITQ(PCA(32, whiten=whiten)).fit(digits)
    rows = digits / 255
    error = ((itq.decode(itq.encode(digits)) - rows) ** 2).sum()
    assert error < 0.8 * ((rows - rows.mean(0)) ** 2).sum()


def test_rotation_is_fitted_to_a_sample_of_many_rows(digits: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aesearch.coders.itq.MAX_FIT_ROWS", 200)
    first, second = (ITQ(PCA(16)).fit(digits) for _ in range(2))
    np.testing.assert_array_equal(first.encode(digits), second.encode(digits))
    monkeypatch.undo()
    assert not np.array_equal(first.mean, ITQ(PCA(16)).fit(digits).mean)


def test_code_size_that_is_not_whole_bytes_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="not a multiple of 8; choose 32"):
        ITQ(PCA(30))


def test_base_without_float_codes_is_refused(bags: csr_array) -> None:
    with pytest.raises(InvalidParameter, match='"raw" does not compute float codes'):
        ITQ(Raw().fit(bags))
    with pytest.raises(InvalidParameter, match='codes of coder "itq" are already binary'):
        ITQ(ITQ(PCA(16)))
