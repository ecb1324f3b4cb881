import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.datasets import load_sample_images

from aesearch.analysis.duplicates import DisjointSets, find_duplicates
from aesearch.index.retriever import Retriever
from aesearch.readers.folder import read_files
from aesearch.search.alignment import COPY_AGREEMENT


@pytest.fixture(scope="module")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of the quarters of two photos, an exact copy of one, and a brighter, smaller copy of another."""
    folder = tmp_path_factory.mktemp("photos")
    for number, pixels in enumerate(load_sample_images().images):
        for quarter in range(4):
            y, x = 213 * (quarter % 2), 320 * (quarter // 2)
            Image.fromarray(pixels[y : y + 213, x : x + 320]).save(folder / f"{number}-{quarter}.jpg", quality=92)
    shutil.copy(folder / "0-1.jpg", folder / "copy.jpg")
    with Image.open(folder / "1-2.jpg") as image:
        ImageEnhance.Brightness(image).enhance(1.2).resize((200, 130)).save(folder / "altered.jpg", quality=60)
    return folder


def test_exact_and_altered_copies_are_found(photo_folder: Path) -> None:
    groups = find_duplicates(Retriever.build(photo_folder, coder="pca", code_size=4))
    assert [group.ids for group in groups] == [["0-1.jpg", "copy.jpg"], ["1-2.jpg", "altered.jpg"]]
    assert [group.is_exact for group in groups] == [True, False]
    assert groups[0].similarity == 1 > groups[1].similarity >= COPY_AGREEMENT
    assert groups[1].paths == [str(photo_folder / id) for id in groups[1].ids]


def test_rotated_and_mirrored_copies_are_found(photo_folder: Path, tmp_path: Path) -> None:
    for path in photo_folder.glob("?-?.jpg"):
        shutil.copy(path, tmp_path)
    with Image.open(tmp_path / "0-2.jpg") as image:
        image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.jpg")
    with Image.open(tmp_path / "1-0.jpg") as image:
        ImageOps.mirror(image).save(tmp_path / "mirrored.jpg")
    groups = find_duplicates(Retriever.build(tmp_path, coder="pca", code_size=4))
    assert sorted(group.ids for group in groups) == [["0-2.jpg", "turned.jpg"], ["1-0.jpg", "mirrored.jpg"]]


def test_reordered_documents_are_duplicates(tmp_path: Path) -> None:
    for number in range(12):
        text = " ".join(f"word{(number * 7 + step) % 40}" for step in range(20))
        (tmp_path / f"{number:02}.txt").write_text(text)
    words = (tmp_path / "03.txt").read_text().split()
    (tmp_path / "copy.txt").write_text(" ".join(words))
    (tmp_path / "reversed.txt").write_text(" ".join(reversed(words)))
    [group] = find_duplicates(Retriever.build(tmp_path, coder="lsa", code_size=4), 0.99)
    assert group.ids == ["03.txt", "copy.txt", "reversed.txt"]
    assert not group.is_exact


def test_only_exact_copies_are_found_in_memory(photo_folder: Path) -> None:
    groups = find_duplicates(Retriever.build(list(read_files(photo_folder)), coder="pca", code_size=4), 0.5)
    assert [group.ids for group in groups] == [["0-1.jpg", "copy.jpg"]]


def test_disjoint_sets_are_connected_components() -> None:
    rng = np.random.default_rng(0)
    pairs, similarities = rng.integers(0, 40, (25, 2)), rng.random(25)
    sets = DisjointSets(range(40))
    for (a, b), similarity in zip(pairs.tolist(), similarities.tolist(), strict=True):
        sets.join(a, b, similarity)
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(40, 40))
    n_components, component_of = connected_components(graph, directed=False)
    components = [np.flatnonzero(component_of == component).tolist() for component in range(n_components)]
    groups = list(sets.groups())
    assert sorted(sorted(keys) for keys, _ in groups) == sorted(keys for keys in components if len(keys) > 1)
    assert all(0 <= similarity <= 1 for _, similarity in groups)
