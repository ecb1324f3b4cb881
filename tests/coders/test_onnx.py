"""An encoder loaded to be asked: no torch, no more than it was saved with."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from aesearch.catalog import create_coder
from aesearch.coders.base import ONNX_FILE
from aesearch.coders.loading import load_coder
from aesearch.coders.onnx import OnnxCoder
from aesearch.errors import AesearchError, CorruptIndex


@pytest.fixture(scope="module")
def saved(digits: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("coder")
    create_coder("convolutional", code_size=16, epochs=2).fit(digits).save(folder)
    return folder


def test_an_outsider_can_run_the_graph_on_any_number_of_pictures(saved: Path, digits: np.ndarray) -> None:
    session = onnxruntime.InferenceSession(saved / ONNX_FILE, providers=["CPUExecutionProvider"])
    for number in (1, 5, 300):
        codes = session.run(["code"], {"x": digits[:number].astype(np.float32) / 255})[0]
        np.testing.assert_allclose(codes, load_coder(saved, encoder_only=False).encode(digits[:number]), atol=1e-4)


def test_it_is_the_light_one_and_imports_no_torch(saved: Path) -> None:
    assert isinstance(load_coder(saved), OnnxCoder)
    script = "import sys; from pathlib import Path; from aesearch.coders.loading import load_coder; "
    script += f"load_coder(Path({str(saved)!r})); print(sorted({{'torch', 'sklearn', 'scipy'}} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"


def test_many_batches_at_once_keep_their_order(saved: Path, digits: np.ndarray) -> None:
    coder = load_coder(saved)
    together = coder.encode(digits)
    assert together.shape == (len(digits), 16)
    alone = [coder.encode(digits[row : row + 1]) for row in range(0, len(digits), 20)]
    np.testing.assert_allclose(together[::20], np.concatenate(alone), atol=1e-5)


def test_what_needs_the_whole_autoencoder_says_how_to_get_it(saved: Path, digits: np.ndarray, tmp_path: Path) -> None:
    light = load_coder(saved)
    for ask in (
        lambda: light.decode(np.zeros((1, 16), np.float32)),
        lambda: light.fit(digits),
        lambda: light.save(tmp_path),
    ):
        with pytest.raises(AesearchError, match="encoder_only=False"):
            ask()
    assert not light.can_decode


def test_a_damaged_graph_is_named(saved: Path, tmp_path: Path) -> None:
    for name in ("settings.json", ONNX_FILE):
        (tmp_path / name).write_bytes((saved / name).read_bytes())
    (tmp_path / ONNX_FILE).write_bytes(b"\0" * 100)
    with pytest.raises(CorruptIndex, match=r"encoder\.onnx"):
        load_coder(tmp_path)
