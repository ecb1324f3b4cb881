"""Each noise has the stated level."""

import pytest
import torch

from aesearch.autoencoders.noise import NOISES, get_noise
from aesearch.errors import InvalidParameter, UnknownName

X = torch.full((200, 200), 0.5)


def apply(name: str, level: float, x: torch.Tensor = X) -> torch.Tensor:
    torch.manual_seed(0)
    return NOISES[name][0](x, level)


@pytest.mark.parametrize("name", NOISES)
def test_noise_at_level_0_changes_nothing(name: str) -> None:
    torch.testing.assert_close(apply(name, 0.0), X)


def test_gaussian_noise_has_given_deviation_and_no_bias() -> None:
    noise = apply("gaussian", 0.3) - X
    assert float(noise.mean()) == pytest.approx(0, abs=0.01)
    assert float(noise.std()) == pytest.approx(0.3, abs=0.01)


def test_masking_zeroes_given_share_and_keeps_the_rest() -> None:
    noisy = apply("masking", 0.3)
    assert float((noisy == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert set(noisy.unique().tolist()) == {0.0, 0.5}


def test_dropout_noise_preserves_mean() -> None:
    assert float(apply("dropout", 0.4).mean()) == pytest.approx(0.5, abs=0.01)


def test_salt_and_pepper_are_equally_frequent() -> None:
    torch.manual_seed(1)
    x = torch.rand(300, 300) * 0.8 + 0.1
    noisy = apply("salt-and-pepper", 0.2, x)
    assert float((noisy == 0).float().mean()) == pytest.approx(0.1, abs=0.01)
    assert float((noisy == x.max()).float().mean()) == pytest.approx(0.1, abs=0.01)
    assert float((noisy == x).float().mean()) == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("name", NOISES)
def test_default_level_changes_input(name: str) -> None:
    noise, level = get_noise(name, None)
    assert not torch.equal(noise(X, level), X)


@pytest.mark.parametrize(
    ("name", "level"), [("masking", 1.0), ("dropout", -0.1), ("gaussian", -0.1), ("gaussian", torch.nan)]
)
def test_get_noise_rejects_level_out_of_range(name: str, level: float) -> None:
    with pytest.raises(InvalidParameter, match="noise_level"):
        get_noise(name, level)


def test_get_noise_suggests_closest_name() -> None:
    with pytest.raises(UnknownName, match='did you mean "masking"'):
        get_noise("maskin", None)
