import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesearch.analysis.explanations import explain
from aesearch.errors import InvalidParameter
from aesearch.features.bag_of_words import BagOfWords
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files


@pytest.fixture(scope="module")
def document_query(documentation_folder: Path) -> Item:
    return next(iter(read_files(documentation_folder / "test")))


@pytest.fixture(scope="module")
def neighbor_index(documentation_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an index by a neighbor autoencoder, trained briefly."""
    folder = tmp_path_factory.mktemp("indexes") / "neighbors"
    texts = documentation_folder / "test"
    Retriever.build(texts, coder="neighbors", code_size=16, rounds=1, first_steps=50).save(folder)
    return folder


def test_shared_terms_add_up_to_similarity(document_index: Path, document_query: Item) -> None:
    index = Retriever.load(document_index)
    own, *explanations = explain(index, document_query, 5)
    assert own.similarity == pytest.approx(1, abs=1e-4)
    assert set(own.shared_terms) <= set(re.findall(r"\w+", str(document_query.content).lower()))
    assert [explanation.hit.id for explanation in explanations] == [hit.id for hit in index.query(document_query, 5)]
    for explanation in explanations:
        contributions = list(explanation.shared_terms.values())
        assert contributions == sorted(contributions, reverse=True)
        assert 0 <= sum(contributions) <= explanation.similarity + 1e-3
        X = index.featurize([document_query, index.read_query(Path(explanation.hit.path or ""))]).toarray()  # type: ignore[union-attr]
        cosine = X[0] @ X[1] / np.linalg.norm(X[0]) / np.linalg.norm(X[1])
        assert explanation.similarity == pytest.approx(cosine, abs=1e-4)


def test_images_are_shown_with_their_reconstructions(digit_index: Path, digit_folder: Path) -> None:
    query = next(iter(read_files(digit_folder / "train")))  # it is in the index, so it is its own nearest neighbor
    own, *explanations = explain(Retriever.load(digit_index, encoder_only=False), query, 4)
    assert explanations[0].hit.id == query.id
    assert explanations[0].similarity == pytest.approx(1, abs=1e-5)
    assert np.array_equal(np.asarray(explanations[0].image), np.asarray(own.image))
    assert all(explanation.reconstruction.size == own.image.size for explanation in (own, *explanations))
    _, *without_decoder = explain(Retriever.load(digit_index), query, 4)
    assert [explanation.hit.id for explanation in without_decoder] == [explanation.hit.id for explanation in explanations]
    assert without_decoder[0].reconstruction is None


def test_decoded_terms_are_those_of_the_mean_code(neighbor_index: Path, documentation_folder: Path) -> None:
    index = Retriever.load(neighbor_index, encoder_only=False)
    assert isinstance(index.features, BagOfWords)
    query = next(iter(read_files(documentation_folder / "train")))
    _, *explanations = explain(index, query, 5)
    assert any(explanation.decoded_terms for explanation in explanations)
    for explanation in explanations:
        X = index.featurize([query, index.read_query(Path(explanation.hit.path or ""))])
        [decoded] = index.coder.decode(np.asarray(index.coder.encode(X)).mean(0, keepdims=True))
        weights = dict(zip(index.features.terms, (decoded / decoded.sum()).tolist(), strict=True))
        is_shared = (X.toarray() > 0).all(0)  # type: ignore[union-attr]
        shared = [index.features.terms[position] for position in np.flatnonzero(is_shared)]
        terms = explanation.decoded_terms or {}
        assert list(terms) == sorted(shared, key=lambda term: -weights[term])[:8]
        assert terms == pytest.approx({term: weights[term] for term in terms}, abs=1e-4)


def test_decoded_terms_need_decoder(neighbor_index: Path, document_query: Item) -> None:
    assert explain(Retriever.load(neighbor_index), document_query, 1)[0].decoded_terms is None


@pytest.mark.parametrize(
    ("coder", "code_size", "params"), [("lsa", 8, {}), ("raw", None, {}), ("hashing", 8, {"epochs": 1})]
)
def test_every_decoder_weighs_terms(
    coder: str, code_size: int | None, params: dict[str, int], documents: list[Item], tmp_path: Path
) -> None:
    for number, document in enumerate(documents[:100]):
        (tmp_path / f"{number}.txt").write_text(str(document.content))
    index = Retriever.build(tmp_path, coder=coder, code_size=code_size, **params)
    own, *_ = explain(index, documents[0], 2)
    assert own.decoded_terms
    assert 0 < sum(own.decoded_terms.values()) <= 1.001


def test_similarity_parts_add_up_to_similarity(digits: np.ndarray, tmp_path: Path) -> None:
    """Digits on colored paper have both shapes and colors in common."""
    colors = np.random.default_rng(0).integers(60, 256, (80, 3))
    folder = tmp_path / "images"
    folder.mkdir()
    for number, (digit, color) in enumerate(zip(digits, colors, strict=False)):
        pixels = (digit[0][..., None] / 255 * color).astype(np.uint8)
        Image.fromarray(pixels).resize((16, 16)).save(folder / f"{number:02}.png")
    params = {"rounds": 1, "first_steps": 20, "descriptors": {"gradients": 1.0, "colors": 0.5}}
    Retriever.build(folder, coder="neighbors", code_size=16, bits=True, **params).save(tmp_path / "index")
    index, encoder = (Retriever.load(tmp_path / "index", encoder_only=encoder_only) for encoder_only in (False, True))
    query = index.read_query(folder / "00.png")
    explanations = explain(index, query, 20)
    for explanation, by_encoder in zip(explanations, explain(encoder, query, 20), strict=True):
        assert list(explanation.similarity_parts) == ["gradients", "colors"]
        assert sum(explanation.similarity_parts.values()) == pytest.approx(explanation.similarity, abs=1e-5)
        assert by_encoder.similarity_parts == pytest.approx(explanation.similarity_parts, abs=1e-3)
    own, others = explanations[0], [explanation for explanation in explanations if explanation.hit.id != query.id]
    for part in ("gradients", "colors"):  # no other image is more similar to the query than the query itself
        assert own.similarity_parts[part] > max(other.similarity_parts[part] for other in others)


def test_vectors_are_not_explained(vectors: np.ndarray) -> None:
    items = [Item(str(number), row) for number, row in enumerate(vectors[:50])]
    with pytest.raises(InvalidParameter, match="vectors"):
        explain(Retriever.build(items, coder="pca", code_size=8), items[0])
