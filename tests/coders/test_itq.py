"""Floats turned into bits: a rotation, learned, that keeps neighbors."""

import numpy as np
import pytest

from aesearch.coders.itq import ITQ, fit_itq_rotation
from aesearch.coders.linear import PCA
from aesearch.errors import InvalidParameter


def quantization_error(codes: np.ndarray, rotation: np.ndarray) -> float:
    turned = codes @ rotation
    return float(((np.sign(turned) - turned) ** 2).mean())


@pytest.fixture(scope="module")
def centered(digits: np.ndarray) -> np.ndarray:
    codes = PCA(16).fit(digits).encode(digits)
    return codes - codes.mean(0)


def test_the_rotation_is_orthogonal(centered: np.ndarray) -> None:
    rotation = fit_itq_rotation(centered, 50, np.random.default_rng(0))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(16), atol=1e-5)


def test_each_round_lowers_the_quantization_error(centered: np.ndarray) -> None:
    errors = [
        quantization_error(centered, fit_itq_rotation(centered, rounds, np.random.default_rng(0)))
        for rounds in (0, 1, 5, 50)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.98 * errors[0]


def test_learned_bits_keep_more_neighbors_than_bare_signs(digits: np.ndarray, digit_labels: np.ndarray) -> None:
    def precision(bits: np.ndarray) -> float:
        differing = (bits[:, None] != bits[None]).sum(2).astype(float)
        np.fill_diagonal(differing, np.inf)
        nearest = np.argsort(differing + np.random.default_rng(0).random(differing.shape) / 2, axis=1)[:, :10]
        return float((digit_labels[nearest] == digit_labels[:, None]).mean())

    pca = PCA(16, whiten=True)
    learned = np.unpackbits(ITQ(pca).fit(digits).encode(digits), axis=1)
    assert precision(learned) > precision(pca.encode(digits) > 0)


def test_a_bit_is_the_sign_of_its_rotated_number(digits: np.ndarray) -> None:
    bits = ITQ(PCA(16)).fit(digits)
    turned = (bits.base.encode(digits) - bits.mean) @ bits.rotation
    np.testing.assert_array_equal(np.unpackbits(bits.encode(digits), axis=1), turned > 0)


def test_decoded_bits_are_nearer_than_the_mean(digits: np.ndarray) -> None:
    for whiten in (False, True):
        bits = ITQ(PCA(32, whiten=whiten)).fit(digits)
        rows = digits / 255
        errors = ((bits.decode(bits.encode(digits)) - rows) ** 2).sum()
        assert errors < 0.8 * ((rows - rows.mean(0)) ** 2).sum()


def test_a_size_that_fills_no_whole_bytes_is_refused_with_one_that_does() -> None:
    with pytest.raises(InvalidParameter, match="multiple of 8; choose 32"):
        ITQ(PCA(30))
