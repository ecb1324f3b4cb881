from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesearch.analysis.reconstructions import GAP, SIDE, interpolate, reconstruct, sample, sheet
from aesearch.errors import InvalidParameter, WrongKind
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files


@pytest.fixture(scope="module")
def drawing(digit_folder: Path) -> Retriever:
    return Retriever.build(
        digit_folder / "train", coder="variational", code_size=8, layers=(128,), epochs=30, batch_size=32
    )


def test_items_are_given_back_with_their_errors(drawing: Retriever, digit_folder: Path) -> None:
    files = read_files(digit_folder / "test")
    found = list(reconstruct(drawing, files))
    assert [each.id for each in found] == [item.id for item in files]
    for each in found[:50]:
        before, after = (np.asarray(picture, float) / 255 for picture in (each.original, each.reconstructed))
        assert before.shape == after.shape == (8, 8)
        assert ((before - after) ** 2).sum() == pytest.approx(each.squared_error, abs=0.2)  # of rounding to 256 levels
    mean = np.mean([np.asarray(each.original, float) / 255 for each in found], axis=0)
    spread = np.mean([((np.asarray(each.original, float) / 255 - mean) ** 2).sum() for each in found])
    assert np.mean([each.squared_error for each in found]) < 0.7 * spread


def test_of_documents_words_are_given_back(documents: list[Item]) -> None:
    index = Retriever.build(documents[:300], coder="lsa", code_size=16)
    each = next(reconstruct(index, documents[:5]))
    assert each.original
    assert all(isinstance(word, str) for word in each.reconstructed)


def test_new_pictures_are_drawn_and_the_same_ones_by_the_same_seed(drawing: Retriever) -> None:
    first, again, other = sample(drawing, 4, seed=1), sample(drawing, 4, seed=1), sample(drawing, 4, seed=2)
    assert [picture.tobytes() for picture in first] == [picture.tobytes() for picture in again]
    assert first[0].tobytes() != other[0].tobytes()


def test_a_masked_autoencoder_is_shown_restoring(digit_folder: Path) -> None:
    index = Retriever.build(digit_folder / "test", coder="masked", code_size=8, epochs=2)
    each = next(reconstruct(index, read_files(digit_folder / "test")))
    original, hidden, restored = (np.asarray(each_one) for each_one in (each.original, each.hidden, each.reconstructed))
    gone = hidden == 128
    assert 0.5 < gone.mean() <= 0.8
    np.testing.assert_array_equal(original[~gone], hidden[~gone])
    np.testing.assert_allclose(original[~gone].astype(int), restored[~gone], atol=1)


def test_the_way_between_two_items_begins_and_ends_at_them(drawing: Retriever, digit_folder: Path) -> None:
    first, *_, last = read_files(digit_folder / "test")
    way = [np.asarray(picture, float) for picture in interpolate(drawing, first, last, 9)]
    ends = [np.asarray(each.reconstructed, float) for each in reconstruct(drawing, [first, last])]
    np.testing.assert_allclose(way[0], ends[0], atol=1)
    np.testing.assert_allclose(way[-1], ends[1], atol=1)
    from_first = [np.abs(picture - way[0]).sum() for picture in way]
    assert from_first == sorted(from_first)
    bits = Retriever.build(digit_folder / "test", coder="hashing", code_size=8, epochs=1)
    with pytest.raises(InvalidParameter, match="bits"):
        interpolate(bits, first, last)


def test_a_sheet_holds_every_picture_at_its_place() -> None:
    black, gray, white = (Image.new("L", (8, 4), value) for value in (0, 128, 255))
    paper = sheet([[black, gray], [white]])
    factor = SIDE // 4
    assert paper.size == (2 * 8 * factor + GAP, 2 * 4 * factor + GAP)
    assert paper.getpixel((0, 0)) == (0, 0, 0)
    assert paper.getpixel((8 * factor + GAP, 0)) == (128, 128, 128)
    assert paper.getpixel((0, 4 * factor + GAP)) == (255, 255, 255)


def test_what_cannot_be_shown_is_refused(drawing: Retriever, vectors: np.ndarray, tmp_path: Path) -> None:
    drawing.save(tmp_path / "index")
    with pytest.raises(InvalidParameter, match="encoder_only=False"):
        next(reconstruct(Retriever.load(tmp_path / "index"), []))
    with pytest.raises(InvalidParameter, match="variational"):
        sample(Retriever.load(tmp_path / "index"), 3)
    rows = [Item(str(number), row) for number, row in enumerate(vectors[:50])]
    with pytest.raises(WrongKind, match="cannot be looked at"):
        next(reconstruct(Retriever.build(rows, coder="pca", code_size=8), rows))
