"""A coder from its folder, whichever it is."""

from __future__ import annotations

from pathlib import Path

from aesearch.arrays import read_json
from aesearch.catalog import CODERS, look_up
from aesearch.coders.bits import Bits
from aesearch.coders.coder import ONNX, SETTINGS, Coder
from aesearch.errors import BadSetting, BrokenIndex, UnknownName


def load_coder(folder: Path, *, light: bool = True) -> Coder:
    """The coder saved in `folder`; where `light` is set, an autoencoder as its encoder alone, which needs no torch.

    Raises BrokenIndex where a part of it is missing or damaged.
    """
    saved = read_json(folder / SETTINGS)
    try:
        name, settings, learnt = saved["coder"], saved["settings"], saved["learnt"]
        if name == "bits":
            coder: Coder = Bits(load_coder(folder / "floats", light=light), **settings)
        elif light and (folder / ONNX).exists():
            from aesearch.coders.onnx import OnnxCoder

            coder = OnnxCoder(name, settings)
        else:
            coder = look_up(CODERS, "coder", name).load()(**settings)
            coder.name = name
        coder._load_learnt(folder, learnt)
    except (KeyError, TypeError, UnknownName, BadSetting) as error:
        raise BrokenIndex(folder / SETTINGS, f"lacks what a coder needs ({error})") from None
    return coder
