"""Checkpoints: an interrupted training that is resumed ends with the weights of an uninterrupted one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch.autoencoders import checkpoints
from aesearch.catalog import create_coder
from aesearch.coders.base import Coder, Epoch


class Interruption(Exception):
    pass


def fit(coder: Coder, X: Any, checkpoint: Path | None) -> list[Epoch]:
    epochs: list[Epoch] = []
    coder.fit(X, epochs.append, checkpoint)
    return epochs


def interrupt(coder: Coder, X: Any, checkpoint: Path, n_epochs: int) -> list[Epoch]:
    """Fit a new coder with the same parameters, as a new process would, until it has reported some epochs."""
    epochs: list[Epoch] = []

    def on_epoch(epoch: Epoch) -> None:
        epochs.append(epoch)
        if len(epochs) == n_epochs:
            raise Interruption

    with pytest.raises(Interruption):
        create_coder(coder.name, **coder.get_params()).fit(X, on_epoch, checkpoint)
    return epochs


@pytest.fixture(autouse=True)
def _save_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "MIN_TRAINING_PER_SAVING", 0)


@pytest.mark.parametrize(
    ("name", "rows", "params", "interruptions"),
    [
        ("dense", "digits", {"epochs": 5}, (2, 4)),
        ("denoising", "digits", {"epochs": 4, "noise": "masking"}, (1,)),
        ("deep", "digits", {"epochs": 6, "layers": (40, 20)}, (3, 1, 5)),  # two epochs for each of three layers, then six
        ("masked", "digits", {"epochs": 3}, (2,)),
        ("variational", "digits", {"epochs": 4}, (3,)),
        ("neighbors", "digits", {"rounds": 3, "first_steps": 20, "steps_per_round": 20}, (1, 2)),
        ("neighbors", "bags", {"rounds": 3, "steps_per_round": 10}, (2,)),
    ],
)
def test_resumed_training_equals_uninterrupted(
    name: str,
    rows: str,
    params: dict[str, Any],
    interruptions: tuple[int, ...],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    X, path = request.getfixturevalue(rows)[:200], tmp_path / "checkpoint.safetensors"
    uninterrupted, resumed = (create_coder(name, code_size=8, device="cpu", **params) for _ in range(2))
    expected = fit(uninterrupted, X, None)
    reported: list[Epoch] = []
    for n_epochs in interruptions:
        epochs = interrupt(resumed, X, path, n_epochs)
        assert epochs[: len(reported)] == reported  # identical, including their seconds
        reported = epochs if name != "deep" else []  # epochs of layers that were finished are not reported again
    epochs = fit(resumed, X, path)
    assert epochs[: len(reported)] == reported
    assert [epoch.train_loss for epoch in epochs] == [epoch.train_loss for epoch in expected][-len(epochs) :]
    np.testing.assert_array_equal(resumed.encode(X), uninterrupted.encode(X))


def test_finished_training_is_not_repeated(digits: np.ndarray, tmp_path: Path) -> None:
    first, second = (create_coder("dense", code_size=4, device="cpu", epochs=2) for _ in range(2))
    epochs = fit(first, digits[:200], tmp_path / "checkpoint")
    assert fit(second, digits[:200], tmp_path / "checkpoint") == epochs
    np.testing.assert_array_equal(second.encode(digits), first.encode(digits))


@pytest.mark.parametrize("damage", ["empty", "nonsense", "truncated"])
def test_damaged_checkpoint_is_ignored(damage: str, digits: np.ndarray, tmp_path: Path) -> None:
    X, path = digits[:200], tmp_path / "checkpoint.safetensors"
    uninterrupted, coder = (create_coder("dense", code_size=4, device="cpu", epochs=2) for _ in range(2))
    fit(uninterrupted, X, None)
    interrupt(coder, X, path, 1)
    content = path.read_bytes()
    path.write_bytes({"empty": b"", "nonsense": b"nonsense", "truncated": content[:-100]}[damage])
    fit(coder, X, path)
    np.testing.assert_array_equal(coder.encode(X), uninterrupted.encode(X))
