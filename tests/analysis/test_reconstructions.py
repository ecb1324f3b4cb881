from pathlib import Path

import numpy as np
import pytest

from aesearch.analysis.metrics import squared_errors
from aesearch.analysis.reconstructions import interpolate, reconstruct, sample_items
from aesearch.errors import InvalidParameter, WrongKind
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files


@pytest.fixture(scope="module")
def variational_index(digit_folder: Path) -> Retriever:
    return Retriever.build(
        digit_folder / "train", coder="variational", code_size=8, layers=(128,), epochs=20, batch_size=32
    )


@pytest.fixture(scope="module")
def items(digit_folder: Path) -> list[Item]:
    return list(read_files(digit_folder / "test"))


def test_squared_error_is_that_of_the_images(variational_index: Retriever, items: list[Item]) -> None:
    reconstructions = list(reconstruct(variational_index, items))
    assert [reconstruction.id for reconstruction in reconstructions] == [item.id for item in items]
    for reconstruction in reconstructions[:50]:
        original, reconstructed = np.asarray(reconstruction.original), np.asarray(reconstruction.reconstructed)
        assert original.shape == reconstructed.shape == (8, 8)
        [error] = squared_errors(original[None], reconstructed[None] / np.float32(255))
        assert error == pytest.approx(reconstruction.squared_error, abs=0.2)  # images are rounded to 256 levels


def test_reconstructions_are_better_than_the_mean(variational_index: Retriever, items: list[Item]) -> None:
    reconstructions = list(reconstruct(variational_index, items))
    pixels = np.stack([np.asarray(reconstruction.original) for reconstruction in reconstructions]) / 255
    variance = ((pixels - pixels.mean(0)) ** 2).sum((1, 2)).mean()
    assert np.mean([reconstruction.squared_error for reconstruction in reconstructions]) < 0.7 * variance


def test_documents_are_reconstructed_as_terms(documents: list[Item]) -> None:
    index = Retriever.build(documents[:300], coder="lsa", code_size=16)
    reconstruction = next(reconstruct(index, documents[:5]))
    assert reconstruction.original
    assert all(isinstance(term, str) for term in reconstruction.reconstructed)


def test_samples_depend_on_seed(variational_index: Retriever) -> None:
    first, repeated, other = ([image.tobytes() for image in sample_items(variational_index, 4, seed)] for seed in (1, 1, 2))
    assert first == repeated
    assert first[0] != other[0]


def test_masked_autoencoder_predicts_masked_patches(digit_folder: Path, items: list[Item]) -> None:
    index = Retriever.build(digit_folder / "test" / "0", coder="masked", code_size=8, epochs=2)
    result = next(reconstruct(index, items))
    original, masked_input, reconstructed = (
        np.asarray(image) for image in (result.original, result.masked_input, result.reconstructed)
    )
    is_masked = masked_input == 128
    assert 0.5 < is_masked.mean() <= 0.8
    np.testing.assert_array_equal(original[~is_masked], masked_input[~is_masked])
    np.testing.assert_allclose(original[~is_masked].astype(int), reconstructed[~is_masked], atol=1)


def test_interpolation_connects_two_reconstructions(variational_index: Retriever, items: list[Item]) -> None:
    first, last = items[0], items[-1]
    steps = [np.asarray(image, float) for image in interpolate(variational_index, first, last, 9)]
    ends = [np.asarray(result.reconstructed, float) for result in reconstruct(variational_index, [first, last])]
    np.testing.assert_allclose(steps[0], ends[0], atol=1)
    np.testing.assert_allclose(steps[-1], ends[1], atol=1)
    differences = [np.abs(step - steps[0]).sum() for step in steps]
    assert differences == sorted(differences)


def test_bits_are_not_interpolated(items: list[Item]) -> None:
    index = Retriever.build(items[:50], coder="pca", code_size=8, bits=True)
    with pytest.raises(InvalidParameter, match="codes of bits"):
        interpolate(index, *items[:2])


def test_decoder_is_needed(digit_index: Path, items: list[Item]) -> None:
    index = Retriever.load(digit_index)
    with pytest.raises(InvalidParameter, match="encoder_only=False"):
        next(reconstruct(index, items))
    with pytest.raises(InvalidParameter, match="encoder_only=False"):
        interpolate(index, *items[:2])


def test_samples_need_variational_autoencoder(pca_index: Retriever) -> None:
    with pytest.raises(InvalidParameter, match="--coder variational"):
        sample_items(pca_index, 3)


def test_vectors_are_not_displayed(vectors: np.ndarray) -> None:
    rows = [Item(str(number), row) for number, row in enumerate(vectors[:50])]
    with pytest.raises(WrongKind, match="cannot display"):
        next(reconstruct(Retriever.build(rows, coder="pca", code_size=8), rows))
