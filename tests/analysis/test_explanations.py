"""The shared words are those whose weights make up the cosine; a picture's likeness is that of its features."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesearch.analysis.explanations import explain
from aesearch.errors import InvalidParameter
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files


def test_shared_words_make_up_the_likeness(document_index: Path, documentation_folder: Path) -> None:
    index = Retriever.load(document_index)
    query = next(iter(read_files(documentation_folder / "test")))
    asked, *reasons = explain(index, query, 5)
    assert [each.hit.id for each in reasons] == [hit.id for hit in index.query(query, 5)]
    for each in reasons:
        assert 0 <= sum(each.words.values()) <= each.likeness + 1e-3
        assert list(each.words.values()) == sorted(each.words.values(), reverse=True)
        X = index.features.transform([query, Item("hit", Path(each.hit.path or "").read_text())]).toarray()  # type: ignore[union-attr]
        cosine = X[0] @ X[1] / np.linalg.norm(X[0]) / np.linalg.norm(X[1])
        assert each.likeness == pytest.approx(cosine, abs=1e-4)
    assert set(asked.words) <= set(re.findall(r"\w+", str(query.content).lower()))
    assert asked.likeness == pytest.approx(1, abs=1e-4)


def test_pictures_are_shown_with_what_their_codes_keep(digit_index: Path, digit_folder: Path) -> None:
    query = next(iter(read_files(digit_folder / "train")))  # it is in the index: its own copy is the nearest
    asked, *reasons = explain(Retriever.load(digit_index, encoder_only=False), query, 4)
    assert reasons[0].hit.id == query.id
    assert reasons[0].likeness == pytest.approx(1, abs=1e-5)
    assert np.array_equal(np.asarray(reasons[0].seen), np.asarray(asked.seen))
    assert all(each.kept.size == asked.seen.size for each in (asked, *reasons))
    _, *lightly = explain(Retriever.load(digit_index), query, 4)
    assert [each.hit.id for each in lightly] == [each.hit.id for each in reasons]
    assert lightly[0].kept is None


def test_shared_words_are_weighed_by_the_decoder_too(documentation_folder: Path, tmp_path: Path) -> None:
    index = Retriever.build(documentation_folder / "test", coder="neighbors", code_size=16, epochs=1, steps=50)
    index.save(tmp_path / "index")
    query = next(iter(read_files(documentation_folder / "train")))
    _, *reasons = explain(index, query, 5)
    for each in reasons:
        both = index.features.transform([query, index.read_query(Path(each.hit.path or ""))])
        [given] = index.coder.decode(
            np.asarray(index.coder.encode(both)).mean(0, keepdims=True)
        )  # of the mean of two codes
        shared = {index.features.words[at] for at in np.flatnonzero((both.toarray() > 0).all(0))}  # type: ignore[attr-defined]
        share = dict(zip(index.features.words, (given / given.sum()).tolist(), strict=True))  # type: ignore[attr-defined]
        assert list(each.decoded or {}) == sorted(shared, key=lambda word: -share[word])[:8]
        assert each.decoded == pytest.approx({word: share[word] for word in each.decoded or {}}, abs=1e-4)
    assert any(each.decoded for each in reasons)
    assert explain(Retriever.load(tmp_path / "index"), query, 1)[0].decoded is None


@pytest.mark.parametrize("coder", ["lsa", "raw", "hashing"])
def test_whatever_decodes_weighs_the_words(coder: str, documentation_folder: Path) -> None:
    settings = {"epochs": 1} if coder == "hashing" else {}
    index = Retriever.build(documentation_folder / "test", coder=coder, code_size=None if coder == "raw" else 8, **settings)
    asked, *_ = explain(index, next(iter(read_files(documentation_folder / "test"))), 2)
    assert asked.decoded
    assert 0 < sum(asked.decoded.values()) <= 1.001


def test_what_each_description_adds_makes_up_the_likeness(digits: np.ndarray, tmp_path: Path) -> None:
    """Digits on colored paper: as many hues as there are places for them."""
    hues = np.random.default_rng(0).integers(60, 256, (80, 3))
    pictures = [
        Image.fromarray((digit[0][..., None] / 255 * hue).astype(np.uint8)).resize((16, 16))
        for digit, hue in zip(digits, hues, strict=False)
    ]
    (tmp_path / "photos").mkdir()
    for number, picture in enumerate(pictures):
        picture.save(tmp_path / "photos" / f"{number:02}.png")
    weights = {"gradients": 1.0, "colors": 0.5}
    built = Retriever.build(
        tmp_path / "photos", coder="neighbors", code_size=16, bits=True, epochs=1, steps=20, descriptors=weights
    )
    built.save(tmp_path / "index")
    asked = built.read_query(tmp_path / "photos" / "00.png")
    found = {light: explain(Retriever.load(tmp_path / "index", encoder_only=light), asked, 20) for light in (True, False)}
    for lightly, whole in zip(found[True], found[False], strict=True):
        assert list(whole.parts) == ["gradients", "colors"]
        assert sum(whole.parts.values()) == pytest.approx(whole.likeness, abs=1e-5)
        assert lightly.parts == pytest.approx(whole.parts, abs=1e-3)
    own, of_others = found[False][0], [each for each in found[False] if each.hit.id != "00.png"]
    for part in weights:  # nothing is more like it than itself, in neither
        assert own.parts[part] > max(each.parts[part] for each in of_others)


def test_vectors_share_nothing_to_be_shown(vectors: np.ndarray) -> None:
    items = [Item(str(number), row) for number, row in enumerate(vectors)]
    with pytest.raises(InvalidParameter, match="vectors"):
        explain(Retriever.build(items, coder="pca", code_size=8), items[0])
