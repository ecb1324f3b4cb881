"""Loading a coder of any class."""

from __future__ import annotations

from pathlib import Path

from aesearch.arrays import read_json
from aesearch.catalog import CODERS, lookup
from aesearch.coders.base import CONFIG_FILE, ONNX_FILE, Coder
from aesearch.coders.itq import BASE_FOLDER, ITQ
from aesearch.errors import CorruptIndex, InvalidParameter, UnknownName


def load_coder(folder: Path, *, encoder_only: bool = True) -> Coder:
    """Load the coder saved in a folder.

    Parameters
    ----------
    folder : Path
    encoder_only : bool
        Whether to load only the encoder of an autoencoder, which needs no torch. Such a coder cannot decode.

    Raises
    ------
    CorruptIndex
        If a part is missing or damaged.
    """
    saved = read_json(folder / CONFIG_FILE)
    try:
        name, params, state = saved["coder"], saved["params"], saved["state"]
        if name == ITQ.name:
            coder: Coder = ITQ(load_coder(folder / BASE_FOLDER, encoder_only=encoder_only), **params)
        elif encoder_only and (folder / ONNX_FILE).exists():
            from aesearch.coders.onnx import OnnxCoder

            coder = OnnxCoder(name, params)
        else:
            coder = lookup(CODERS, "coder", name).load()(**params)
            coder.name = name
        coder.members = [load_coder(folder / name, encoder_only=encoder_only) for name in coder.member_folders]
        coder._load_state(folder, state)
    except (KeyError, TypeError, UnknownName, InvalidParameter) as error:
        raise CorruptIndex(folder / CONFIG_FILE, f"does not describe a coder ({error})") from None
    return coder
