"""A coder from its folder, whichever it is."""

from __future__ import annotations

from pathlib import Path

from aesearch.arrays import read_json
from aesearch.catalog import CODERS, lookup
from aesearch.coders.base import ONNX_FILE, CONFIG_FILE, Coder
from aesearch.coders.itq import ITQ
from aesearch.errors import CorruptIndex, InvalidParameter, UnknownName


def load_coder(folder: Path, *, encoder_only: bool = True) -> Coder:
    """The coder saved in `folder`; where `light` is set, an autoencoder as its encoder alone, which needs no torch.

    Raises CorruptIndex where a part of it is missing or damaged.
    """
    saved = read_json(folder / CONFIG_FILE)
    try:
        name, params, state = saved["coder"], saved["params"], saved["state"]
        if name == "itq":
            coder: Coder = ITQ(load_coder(folder / "base", encoder_only=encoder_only), **params)
        elif encoder_only and (folder / ONNX_FILE).exists():
            from aesearch.coders.onnx import OnnxCoder

            coder = OnnxCoder(name, params)
        else:
            coder = lookup(CODERS, "coder", name).load()(**params)
            coder.name = name
        coder._load_state(folder, state)
    except (KeyError, TypeError, UnknownName, InvalidParameter) as error:
        raise CorruptIndex(folder / CONFIG_FILE, f"lacks what a coder needs ({error})") from None
    return coder
