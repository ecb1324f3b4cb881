"""The encoder of a saved autoencoder works without torch, and refuses everything but encoding."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from aesearch.catalog import create_coder
from aesearch.coders.base import CONFIG_FILE, ONNX_FILE, Coder
from aesearch.coders.loading import load_coder
from aesearch.coders.onnx import CODE_OUTPUT, GRAPH_INPUT, OnnxCoder
from aesearch.errors import AesearchError, CorruptIndex


@pytest.fixture(scope="module")
def saved(digits: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a saved convolutional autoencoder."""
    folder = tmp_path_factory.mktemp("coder")
    create_coder("convolutional", code_size=16, epochs=2).fit(digits).save(folder)
    return folder


@pytest.mark.parametrize("n_items", [1, 5, 300])
def test_graph_runs_in_other_programs(saved: Path, digits: np.ndarray, n_items: int) -> None:
    session = onnxruntime.InferenceSession(saved / ONNX_FILE, providers=["CPUExecutionProvider"])
    codes = session.run([CODE_OUTPUT], {GRAPH_INPUT: digits[:n_items].astype(np.float32) / 255})[0]
    np.testing.assert_allclose(codes, load_coder(saved, encoder_only=False).encode(digits[:n_items]), atol=1e-4)


def test_encoder_loads_without_heavy_libraries(saved: Path) -> None:
    assert isinstance(load_coder(saved), OnnxCoder)
    script = "import sys; from pathlib import Path; from aesearch.coders.loading import load_coder; "
    script += f"load_coder(Path({str(saved)!r})); print(sorted({{'torch', 'sklearn', 'scipy'}} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"


def test_parallel_batches_keep_their_order(saved: Path, digits: np.ndarray) -> None:
    coder = load_coder(saved)
    codes = coder.encode(digits)
    assert codes.shape == (len(digits), 16)
    single_codes = [coder.encode(digits[row : row + 1]) for row in range(0, len(digits), 20)]
    np.testing.assert_allclose(codes[::20], np.concatenate(single_codes), atol=1e-5)


@pytest.mark.parametrize(
    "action",
    [
        lambda coder, digits, folder: coder.decode(np.zeros((1, 16), np.float32)),
        lambda coder, digits, folder: coder.fit(digits),
        lambda coder, digits, folder: coder.save(folder),
    ],
    ids=["decode", "fit", "save"],
)
def test_all_but_encoding_is_refused_with_the_remedy(
    saved: Path, digits: np.ndarray, tmp_path: Path, action: Callable[[Coder, np.ndarray, Path], object]
) -> None:
    coder = load_coder(saved)
    assert not coder.can_decode
    with pytest.raises(AesearchError, match="load the index with encoder_only=False"):
        action(coder, digits, tmp_path)


def test_corrupt_graph_is_named(saved: Path, tmp_path: Path) -> None:
    (tmp_path / CONFIG_FILE).write_bytes((saved / CONFIG_FILE).read_bytes())
    (tmp_path / ONNX_FILE).write_bytes(b"\0" * 100)
    with pytest.raises(CorruptIndex, match=r"encoder\.onnx"):
        load_coder(tmp_path)
