"""ONNX files of encoders: both exporters of torch give the codes of the encoder, for any number of rows."""

from pathlib import Path

import numpy as np
import pytest
import torch

from aesearch.autoencoders.export import HAS_TRACING_EXPORTER, export_encoder
from aesearch.catalog import create_coder
from aesearch.onnx_sessions import open_session


@pytest.mark.parametrize("tracing", [pytest.param(False, marks=pytest.mark.slow), True])
@pytest.mark.parametrize("name", ["descriptors", "convolutional"])
def test_file_computes_codes_for_any_number_of_rows(name: str, tracing: bool, tmp_path: Path) -> None:
    if tracing and not HAS_TRACING_EXPORTER:
        pytest.skip("this version of torch has no tracing exporter")
    X = np.random.default_rng(0).random((40, 3, 32, 32), np.float32)
    coder = create_coder(name, code_size=8, **({"epochs": 1} if name == "convolutional" else {})).fit(X)
    export_encoder(coder._graph(), X.shape[1:], tmp_path / "encoder.onnx", tracing=tracing)
    session = open_session(tmp_path / "encoder.onnx")
    with torch.no_grad():
        for n_rows in (1, 2, 7):
            code = session.run(["code"], {"x": X[:n_rows]})[0]
            assert code.shape == (n_rows, 8)
            np.testing.assert_allclose(code, coder.encode(X[:n_rows]), atol=1e-4)
