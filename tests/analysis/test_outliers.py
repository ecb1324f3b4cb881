import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.sparse import csr_array
from sklearn.metrics import pairwise_distances

from aesearch.analysis.outliers import N_NEIGHBORS, OutlierMethod, find_outliers, mean_feature_distances, score_items
from aesearch.errors import InvalidParameter
from aesearch.index.retriever import Retriever
from aesearch.readers.folder import read_files
from aesearch.stores.base import NO_KEY


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, digit_folder: Path) -> Path:
    """Return a folder of images of the digit 0, and one image of noise."""
    folder = tmp_path_factory.mktemp("zeros")
    shutil.copytree(digit_folder / "train" / "0", folder / "0")
    noise = np.random.default_rng(0).integers(0, 255, (8, 8), np.uint8)
    Image.fromarray(noise).save(folder / "0" / "noise.png")
    return folder


@pytest.fixture(scope="module")
def index(folder: Path) -> Retriever:
    return Retriever.build(folder, coder="pca", code_size=8)


@pytest.mark.parametrize("method", ["features", "reconstruction", None])
def test_noise_has_highest_score(method: OutlierMethod | None, index: Retriever) -> None:
    outliers = find_outliers(index, 5, method)
    assert outliers[0].id == "0/noise.png"
    assert outliers[0].percentile == pytest.approx(100 * (1 - 1 / len(index)), abs=0.01)
    assert [outlier.score for outlier in outliers] == sorted((outlier.score for outlier in outliers), reverse=True)


def test_code_scores_equal_brute_force(index: Retriever) -> None:
    keys = np.sort(index.store.keys())
    assert index.store.metric == "l2"
    distances = np.sort(pairwise_distances(index.store.codes(keys)), axis=1)[:, 1 : N_NEIGHBORS + 1]
    scored_keys, scores = score_items(index, keys, "codes")
    np.testing.assert_array_equal(scored_keys, keys)
    np.testing.assert_allclose(scores, distances.mean(1), atol=1e-5)


def check_mean_feature_distances(X: np.ndarray | csr_array, dense: np.ndarray) -> None:
    neighbors = np.array([[1, 2, NO_KEY], [0, 3, 4]])
    distances = pairwise_distances(dense[:8])
    expected = [(distances[0, 1] + distances[0, 2]) / 2, distances[1, [0, 3, 4]].mean()]
    np.testing.assert_allclose(mean_feature_distances(X[:2], X[:8], neighbors), expected, rtol=1e-4)


def test_dense_feature_distances_equal_brute_force() -> None:
    X = np.random.default_rng(0).random((8, 5), np.float32)
    check_mean_feature_distances(X, X)


def test_sparse_feature_distances_are_of_unit_length_rows(bags: csr_array) -> None:
    dense = bags.toarray()
    check_mean_feature_distances(bags, dense / np.linalg.norm(dense, axis=1, keepdims=True))


def test_items_in_memory_are_scored_by_codes(folder: Path) -> None:
    index = Retriever.build(list(read_files(folder)), coder="pca", code_size=8)
    assert len(find_outliers(index, 3)) == 3
    with pytest.raises(InvalidParameter, match="in memory"):
        find_outliers(index, 3, "features")


def test_reconstruction_method_needs_decoder(digit_index: Path) -> None:
    with pytest.raises(InvalidParameter, match="encoder_only=False"):
        find_outliers(Retriever.load(digit_index), 3, "reconstruction")
    assert find_outliers(Retriever.load(digit_index, encoder_only=False), 3, "reconstruction")


def test_items_whose_files_are_missing_are_omitted(digit_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(digit_folder / "test" / "1", tmp_path / "ones")
    index = Retriever.build(tmp_path / "ones", coder="pca", code_size=4)
    missing = min((tmp_path / "ones").iterdir())
    missing.unlink()
    ids = [outlier.id for outlier in find_outliers(index, len(index), "features")]
    assert missing.name not in ids
    assert len(ids) == len(index) - 1
