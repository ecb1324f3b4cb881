"""Each noise takes away as much as it says."""

import pytest
import torch

from aesearch.autoencoders.noise import NOISES, choose

X = torch.full((200, 200), 0.5)


def apply(name: str, level: float) -> torch.Tensor:
    torch.manual_seed(0)
    return NOISES[name][0](X, level)


@pytest.mark.parametrize("name", NOISES)
def test_at_level_0_nothing_changes(name: str) -> None:
    torch.testing.assert_close(apply(name, 0.0), X)


def test_gaussian_noise_has_its_deviation_and_no_bias() -> None:
    noisy = apply("gaussian", 0.3) - X
    assert float(noisy.mean()) == pytest.approx(0, abs=0.01)
    assert float(noisy.std()) == pytest.approx(0.3, abs=0.01)


def test_masking_takes_the_stated_share_and_leaves_the_rest() -> None:
    noisy = apply("masking", 0.3)
    assert float((noisy == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert set(noisy.unique().tolist()) == {0.0, 0.5}


def test_dropout_keeps_the_mean() -> None:
    assert float(apply("dropout", 0.4).mean()) == pytest.approx(0.5, abs=0.01)


def test_salt_comes_as_often_as_pepper() -> None:
    torch.manual_seed(0)
    mixed = torch.rand(300, 300) * 0.8 + 0.1
    noisy = NOISES["salt-and-pepper"][0](mixed, 0.2)
    assert float((noisy == 0).float().mean()) == pytest.approx(0.1, abs=0.01)
    assert float((noisy == mixed.max()).float().mean()) == pytest.approx(0.1, abs=0.01)
    assert float((noisy == mixed).float().mean()) == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("name", NOISES)
def test_each_has_a_usual_level(name: str) -> None:
    noise, level = choose(name, None)
    assert not torch.equal(noise(X, level), X)
