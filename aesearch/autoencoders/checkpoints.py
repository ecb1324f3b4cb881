"""Where a training stands, kept in a file after an epoch, so that one that was broken off goes on from there.

Weights, what the optimizer and the schedule have gathered, the best so far and the state of the random numbers: a training
that goes on ends in the same weights as one that was never broken off.  Tensors are kept as arrays, the plain values that
torch keeps beside them as JSON among these; nothing is pickled.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.arrays import read_arrays, write_arrays
from aesearch.errors import CorruptIndex

PLAIN = "plain"
OVERHEAD = 20
"""Keeping where training stands may take this fraction of its time: models that train fast are not kept every epoch."""


class Checkpoint:
    """Of the trainings that make up one fit(), one after the other: pre-training of each layer, and the whole.

    path : the file; None keeps nothing.
    root : the module that holds all weights, also those that earlier trainings have learned.
    """

    def __init__(self, path: Path | None, root: nn.Module) -> None:
        self._path, self._root = path, root
        self._found = None if path is None else _read(path)
        self._number = 0
        self._last = self._cost = 0.0

    def begin(self) -> dict[str, Any] | None:
        """To be called as each training begins: what `keep` was given when it was broken off, empty for one that was over;
        None for one that had not begun, or was never broken off.  Random numbers go on as they would have."""
        self._number += 1
        self._last = time.perf_counter()
        if self._found is None:
            self._began = _random()
            return None
        self._root.load_state_dict(self._found["root"])
        if self._found["training"] > self._number:
            return {}
        self._began = self._found["began"]
        _set_random(self._began)
        return self._found["state"]

    def resumed(self) -> None:
        """To be called once a training that goes on has drawn the random numbers that it draws before its first epoch."""
        assert self._found is not None
        _set_random(self._found["random"])
        self._found = None

    def keep(self, state: Mapping[str, Any], *, over: bool) -> None:
        """Keeps `state`: tensors and plain values, in dictionaries and lists; unless that was just done, and training is
        not over."""
        if self._path is None or (not over and time.perf_counter() - self._last < OVERHEAD * self._cost):
            return
        began = time.perf_counter()
        whole = {
            "training": self._number,
            "began": self._began,
            "random": _random(),
            "root": self._root.state_dict(),
            "state": state,
        }
        arrays: dict[str, np.ndarray] = {}
        plain = json.dumps(_packed(whole, arrays))
        fresh = self._path.with_suffix(".new")
        write_arrays(fresh, {**arrays, PLAIN: np.frombuffer(plain.encode(), np.uint8)})
        fresh.replace(self._path)
        self._last = time.perf_counter()
        self._cost = self._last - began


def _random() -> dict[str, Any]:
    return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []}


def _set_random(state: Mapping[str, Any]) -> None:
    torch.set_rng_state(state["cpu"])
    if len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])


def _packed(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """`value` as JSON takes it, its tensors moved to `arrays`.  Dictionaries become lists: torch has some by number."""
    if isinstance(value, Tensor):
        name = str(len(arrays))
        arrays[name] = value.detach().cpu().numpy()
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"items": [[key, _packed(inner, arrays)] for key, inner in value.items()]}
    if isinstance(value, list | tuple):
        return [_packed(inner, arrays) for inner in value]
    return value


def _unpacked(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_unpacked(inner, arrays) for inner in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return torch.from_numpy(arrays[value["tensor"]])
    return {key: _unpacked(inner, arrays) for key, inner in value["items"]}


def _read(path: Path) -> dict[str, Any] | None:
    """What was kept; None where nothing whole was."""
    try:
        arrays = read_arrays(path)
        found: dict[str, Any] = _unpacked(json.loads(arrays.pop(PLAIN).tobytes()), arrays)
    except (CorruptIndex, ValueError, KeyError, TypeError):
        return None
    return found
