"""A training that is broken off and gone on with ends in the weights of one that never was."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch.autoencoders import checkpoints
from aesearch.catalog import create_coder
from aesearch.coders.base import Coder, Epoch


class Broken(Exception):
    pass


def fitted(coder: Coder, X: Any, path: Path | None, *breaks: int) -> list[Epoch]:
    """Fits the coder, broken off after so many epochs each time, and begun anew as a new process would."""
    kept: list[Epoch] = []
    for number in breaks:
        other = create_coder(coder.name, **coder.get_params())
        other.checkpoint = path
        seen: list[Epoch] = []

        def watch(epoch: Epoch, seen: list[Epoch] = seen, number: int = number) -> None:
            seen.append(epoch)
            if len(seen) == number:
                raise Broken

        with pytest.raises(Broken):
            other.fit(X, watch)
        assert seen[: len(kept)] == kept  # the same ones, to the seconds that they took
        kept = seen if other.name != "deep" else []  # of layers that are trained, the epochs are over and not told again
    told: list[Epoch] = []
    coder.checkpoint = path
    coder.fit(X, told.append)
    assert told[: len(kept)] == kept
    return told


@pytest.fixture(autouse=True)
def every_epoch_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "OVERHEAD", 0)


@pytest.mark.parametrize(
    ("name", "settings", "breaks"),
    [
        ("dense", {"epochs": 5}, (2, 4)),
        ("denoising", {"epochs": 4, "noise": "masking"}, (1,)),
        ("deep", {"epochs": 6, "layers": (40, 20)}, (3, 1, 5)),  # two epochs for each of three layers, then six
        ("variational", {"epochs": 4}, (3,)),
        ("neighbors", {"epochs": 3, "steps": 20}, (1, 2)),
    ],
)
def test_weights_are_those_of_a_training_that_was_never_broken_off(
    name: str, settings: dict[str, Any], breaks: tuple[int, ...], digits: np.ndarray, tmp_path: Path
) -> None:
    X = digits[:400]
    plain, resumed = (create_coder(name, code_size=8, device="cpu", **settings) for _ in range(2))
    expected = fitted(plain, X, None)
    found = fitted(resumed, X, tmp_path / "training.safetensors", *breaks)
    np.testing.assert_array_equal(resumed.encode(X), plain.encode(X))
    assert [epoch.train_loss for epoch in found] == [epoch.train_loss for epoch in expected][-len(found) :]


def test_words_go_on_too(bags: Any, tmp_path: Path) -> None:
    plain, resumed = (create_coder("neighbors", code_size=8, device="cpu", epochs=3, steps=10) for _ in range(2))
    expected = fitted(plain, bags, None)
    assert [epoch.train_loss for epoch in fitted(resumed, bags, tmp_path / "t", 2)] == [e.train_loss for e in expected]
    np.testing.assert_array_equal(resumed.encode(bags), plain.encode(bags))


@pytest.mark.parametrize("harm", [b"", b"nonsense", None])
def test_a_damaged_checkpoint_is_passed_over(harm: bytes | None, digits: np.ndarray, tmp_path: Path) -> None:
    X, path = digits[:200], tmp_path / "training.safetensors"
    plain = create_coder("dense", code_size=4, device="cpu", epochs=2)
    fitted(plain, X, None)
    fitted(create_coder("dense", code_size=4, device="cpu", epochs=2), X, path, 1)
    path.write_bytes(path.read_bytes()[:-100] if harm is None else harm)
    again = create_coder("dense", code_size=4, device="cpu", epochs=2)
    fitted(again, X, path)
    np.testing.assert_array_equal(again.encode(X), plain.encode(X))
