"""Checkpoints of training, so that an interrupted fit() resumes where it stopped.

A checkpoint holds the weights, the state of the optimizer and its schedule, the best weights so far, and the state of the
random number generators: a resumed training ends with exactly the weights of an uninterrupted one. Tensors are stored as
safetensors, and the plain values between them as JSON in the same file. Nothing is pickled.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import inf
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.arrays import read_arrays, write_arrays
from aesearch.coders.base import Epoch
from aesearch.errors import CorruptIndex

JSON_ARRAY = "json"
"""Name of the array that holds the plain values as JSON."""
MIN_TRAINING_PER_SAVING = 20
"""A checkpoint is written only after training has taken this many times as long as writing the last one took."""


@dataclass
class TrainingState:
    """Progress of a training, as a checkpoint stores it."""

    best_weights: dict[str, Tensor]
    best_value: float = -inf
    best_epoch: int = 0
    epochs: list[Epoch] = field(default_factory=list)
    seconds: float = 0.0
    is_finished: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the state as a checkpoint stores it."""
        return {**vars(self), "epochs": [asdict(epoch) for epoch in self.epochs]}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """Return the state that `as_dict` returned."""
        return cls(**{**saved, "epochs": [Epoch(**epoch) for epoch in saved["epochs"]]})


class Checkpoint:
    """The checkpoint file of one fit(), which trains in one or more stages: each pretrained layer, then the whole network.

    Parameters
    ----------
    path : Path or None
        The file. If it holds the checkpoint of an interrupted fit(), training resumes from it. None saves nothing.
    root : nn.Module
        The module that holds all weights, including those that earlier stages have trained.

    Attributes
    ----------
    saved_state : dict or None
        The state passed to `save` before the interruption, if the current stage was interrupted; else None.
    """

    saved_state: dict[str, Any] | None

    def __init__(self, path: Path | None, root: nn.Module) -> None:
        self._path, self._root = path, root
        self._saved = None if path is None else _read(path)
        self._stage = 0
        self._saved_at = self._saving_seconds = 0.0
        self.saved_state = None

    def begin_stage(self) -> bool:
        """Begin the next stage of training. Return False if the interrupted fit() had already finished it.

        If the stage was interrupted, its weights are restored, and the random state at its beginning.
        """
        self._stage += 1
        self._saved_at = time.perf_counter()
        if self._saved is None:
            self._random_state_at_begin = _get_random_state()
            return True
        self._root.load_state_dict(self._saved["weights"])
        if self._saved["stage"] > self._stage:
            return False
        self._random_state_at_begin = self._saved["random_state_at_begin"]
        _set_random_state(self._random_state_at_begin)
        self.saved_state = self._saved["state"]
        return True

    def resume(self) -> None:
        """Restore the random state at the interruption. Call it after the random numbers of `Task.begin` were drawn."""
        assert self._saved is not None
        _set_random_state(self._saved["random_state"])
        self._saved = self.saved_state = None

    def save(self, state: Mapping[str, Any], *, is_finished: bool) -> None:
        """Write a checkpoint, unless the last one is very recent and the stage is not finished.

        Parameters
        ----------
        state : mapping
            Tensors, and values that JSON can represent, in nested dicts and lists.
        is_finished : bool
            Whether the stage is finished.
        """
        if self._path is None:
            return
        started = time.perf_counter()
        if not is_finished and started - self._saved_at < MIN_TRAINING_PER_SAVING * self._saving_seconds:
            return
        arrays: dict[str, np.ndarray] = {}
        packed = _pack(
            {
                "stage": self._stage,
                "random_state_at_begin": self._random_state_at_begin,
                "random_state": _get_random_state(),
                "weights": self._root.state_dict(),
                "state": state,
            },
            arrays,
        )
        arrays[JSON_ARRAY] = np.frombuffer(json.dumps(packed).encode(), np.uint8)
        new_path = self._path.with_suffix(".new")
        write_arrays(new_path, arrays)
        new_path.replace(self._path)
        self._saved_at = time.perf_counter()
        self._saving_seconds = self._saved_at - started


def _get_random_state() -> dict[str, Any]:
    return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []}


def _set_random_state(state: Mapping[str, Any]) -> None:
    torch.set_rng_state(state["cpu"])
    if len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])


def _pack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Return a value as JSON represents it, and move its tensors to `arrays`.

    A dict becomes a list of pairs, because optimizers have dicts with integer keys.
    """
    if isinstance(value, Tensor):
        name = str(len(arrays))
        arrays[name] = value.detach().cpu().numpy()
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"items": [[key, _pack(inner, arrays)] for key, inner in value.items()]}
    if isinstance(value, list | tuple):
        return [_pack(inner, arrays) for inner in value]
    return value


def _unpack(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Return the value that `_pack` packed."""
    if isinstance(value, list):
        return [_unpack(inner, arrays) for inner in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return torch.from_numpy(arrays[value["tensor"]])
    return {key: _unpack(inner, arrays) for key, inner in value["items"]}


def _read(path: Path) -> dict[str, Any] | None:
    """Return the contents of a checkpoint file; None if the file is missing or damaged."""
    try:
        arrays = read_arrays(path)
        saved: dict[str, Any] = _unpack(json.loads(arrays.pop(JSON_ARRAY).tobytes()), arrays)
    except (CorruptIndex, ValueError, KeyError, TypeError):
        return None
    return saved
