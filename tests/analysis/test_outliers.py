"""What is foreign comes first; the distances are brute force's; each measure says what it needs."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import pairwise_distances

from aesearch.analysis.outliers import NEIGHBORS, distance_in_full, outliers, strangeness
from aesearch.errors import InvalidParameter
from aesearch.index.retriever import Retriever
from aesearch.readers.folder import read_files
from aesearch.stores.base import NO_KEY


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, digit_folder: Path) -> Path:
    """Zeros, and one picture that is none."""
    folder = tmp_path_factory.mktemp("zeros")
    shutil.copytree(digit_folder / "train" / "0", folder / "0")
    noise = np.random.default_rng(0).integers(0, 255, (8, 8), np.uint8)
    Image.fromarray(noise).save(folder / "0" / "foreign.png")
    return folder


@pytest.fixture(scope="module")
def index(folder: Path) -> Retriever:
    return Retriever.build(folder, coder="pca", code_size=8)


@pytest.mark.parametrize("by", ["features", "reconstruction", None])
def test_a_foreign_picture_is_the_strangest(index: Retriever, by: str | None) -> None:
    found = outliers(index, 5, by)  # type: ignore[arg-type]
    assert found[0].id == "0/foreign.png"
    assert found[0].percentile == pytest.approx(100 * (1 - 1 / len(index)), abs=0.01)
    assert [each.strangeness for each in found] == sorted((each.strangeness for each in found), reverse=True)


def test_strangeness_by_codes_is_brute_force_s(index: Retriever) -> None:
    keys = np.sort(index.store.keys())
    codes = index.store.codes(keys)
    assert index.store.metric == "l2"
    apart = np.sort(pairwise_distances(codes, metric="euclidean"), axis=1)[:, 1 : NEIGHBORS + 1].mean(1)
    found, strange = strangeness(index, keys, "codes")
    np.testing.assert_array_equal(found, keys)
    np.testing.assert_allclose(strange, apart, atol=1e-5)


def test_distances_in_full_are_brute_force_s_for_words_and_for_numbers(bags: object) -> None:
    near = np.array([[1, 2, NO_KEY], [0, 3, 4]])
    for X in (bags, np.random.default_rng(0).random((8, 5), np.float32)):
        rows = X.toarray() if hasattr(X, "toarray") else X  # type: ignore[attr-defined]
        if X is bags:
            rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        apart = pairwise_distances(rows[:8])
        expected = [np.mean([apart[row, at] for at in line if at != NO_KEY]) for row, line in enumerate(near.tolist())]
        np.testing.assert_allclose(distance_in_full(X[:2], X[:8], near), expected, rtol=1e-4)  # type: ignore[index]


def test_what_is_missing_is_said(index: Retriever, folder: Path, tmp_path: Path) -> None:
    in_memory = Retriever.build(list(read_files(folder)), coder="pca", code_size=8)
    assert len(outliers(in_memory, 3)) == 3  # by the codes
    with pytest.raises(InvalidParameter, match="made in memory"):
        outliers(in_memory, 3, "features")
    Retriever.build(folder, coder="dense", code_size=4, epochs=1).save(tmp_path / "i")
    with pytest.raises(InvalidParameter, match="encoder_only=False"):
        outliers(Retriever.load(tmp_path / "i"), 3, "reconstruction")
    assert outliers(Retriever.load(tmp_path / "i", encoder_only=False), 3, "reconstruction")


def test_an_item_whose_file_is_gone_is_left_out(digit_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(digit_folder / "test" / "1", tmp_path / "ones")
    index = Retriever.build(tmp_path / "ones", coder="pca", code_size=4)
    gone = min((tmp_path / "ones").iterdir())
    gone.unlink()
    assert gone.name not in [each.id for each in outliers(index, len(index), "features")]
