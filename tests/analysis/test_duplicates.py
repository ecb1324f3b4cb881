"""Copies are found, byte for byte and altered; what is only alike is not; groups are connected components."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.datasets import load_sample_images

from aesearch.analysis.duplicates import Groups, duplicates
from aesearch.index.retriever import Retriever
from aesearch.readers.folder import read_files


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Quarters of scikit-learn's two photos; one twice, one brighter and smaller too."""
    folder = tmp_path_factory.mktemp("photos")
    for number, pixels in enumerate(load_sample_images().images):
        for place in range(4):
            y, x = 213 * (place % 2), 320 * (place // 2)
            Image.fromarray(pixels[y : y + 213, x : x + 320]).save(folder / f"{number}-{place}.jpg", quality=92)
    shutil.copy(folder / "0-1.jpg", folder / "again.jpg")
    with Image.open(folder / "1-2.jpg") as picture:
        ImageEnhance.Brightness(picture).enhance(1.2).resize((200, 130)).save(folder / "brighter.jpg", quality=60)
    return folder


def test_copies_are_found_and_neighbors_are_not_taken_for_them(photos: Path) -> None:
    groups = duplicates(Retriever.build(photos, coder="pca", code_size=4), 0.97)
    assert [group.ids for group in groups] == [["0-1.jpg", "again.jpg"], ["1-2.jpg", "brighter.jpg"]]
    assert [group.exact for group in groups] == [True, False]
    assert groups[0].likeness == 1 > groups[1].likeness >= 0.97
    assert groups[1].paths == [str(photos / id) for id in groups[1].ids]


def test_the_same_words_in_two_files_are_copies_and_another_order_is_nearly_one(tmp_path: Path) -> None:
    for number in range(12):
        text = " ".join(f"word{(number * 7 + step) % 40}" for step in range(20))
        (tmp_path / f"{number:02}.txt").write_text(text)
    words = (tmp_path / "03.txt").read_text().split()
    (tmp_path / "same.txt").write_text(" ".join(words))
    (tmp_path / "turned.txt").write_text(" ".join(reversed(words)))
    [group] = duplicates(Retriever.build(tmp_path, coder="lsa", code_size=4), 0.99)
    assert group.ids == ["03.txt", "same.txt", "turned.txt"]
    assert not group.exact


def test_an_index_in_memory_knows_its_exact_copies(photos: Path) -> None:
    groups = duplicates(Retriever.build(list(read_files(photos)), coder="pca", code_size=4), 0.5)
    assert [group.ids for group in groups] == [["0-1.jpg", "again.jpg"]]


def test_groups_are_the_connected_components() -> None:
    draw = np.random.default_rng(0)
    pairs, likeness = draw.integers(0, 40, (25, 2)), draw.random(25)
    groups = Groups(range(40))
    for (a, b), alike in zip(pairs.tolist(), likeness.tolist(), strict=True):
        groups.join(a, [b], alike)
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(40, 40))
    _, component = connected_components(graph, directed=False)
    expected = [set(np.flatnonzero(component == one).tolist()) for one in range(component.max() + 1)]
    assert sorted(map(sorted, (keys for keys, _ in groups))) == sorted(sorted(one) for one in expected if len(one) > 1)
    assert all(0 <= least <= 1 for _, least in groups)
