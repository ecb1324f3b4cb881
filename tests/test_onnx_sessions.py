"""Sessions open from a file or from bytes, and name the reason if they cannot."""

from pathlib import Path

import numpy as np
import pytest

from aesearch.onnx_sessions import open_session


def test_file_and_bytes_open_the_same_graph(image_model: Path) -> None:
    x = np.random.default_rng(0).random((2, 3, 16, 16), np.float32)
    from_file = open_session(image_model, threads=1).run(None, {"x": x})
    from_bytes = open_session(image_model.read_bytes()).run(None, {"x": x})
    np.testing.assert_array_equal(from_file, from_bytes)


def test_threads_are_limited(image_model: Path) -> None:
    assert open_session(image_model, threads=1).get_session_options().intra_op_num_threads == 1


@pytest.mark.parametrize("model", [b"", b"no graph", Path("nowhere.onnx")], ids=["empty", "invalid", "missing"])
def test_invalid_graph_is_a_value_error_on_one_line(model: bytes | Path) -> None:
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z"):
        open_session(model)
