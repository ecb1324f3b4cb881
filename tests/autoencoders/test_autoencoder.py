"""The autoencoder learns what it says, by every ingredient."""

from typing import Any

import numpy as np
import pytest
import torch

from aesearch.arrays import is_sparse
from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.losses import LOSSES
from aesearch.autoencoders.noise import NOISES
from aesearch.coders.base import Epoch
from aesearch.coders.linear import PCA
from aesearch.errors import InvalidParameter, UnknownName

QUICK = {"epochs": 4, "device": "cpu"}


def errors_of(coder: Any, X: np.ndarray) -> float:
    return float(((coder.decode(coder.encode(X)) - X / 255) ** 2).reshape(len(X), -1).sum(1).mean())


@pytest.mark.parametrize("body", ["dense", "convolutional"])
@pytest.mark.parametrize("loss", ["mse", "l1", "bce"])
@pytest.mark.parametrize("noise", [None, *NOISES])
def test_every_mixture_of_ingredients_learns_from_pictures(
    body: str, loss: str, noise: str | None, digits: np.ndarray
) -> None:
    epochs: list[Epoch] = []
    Autoencoder(16, body=body, loss=loss, noise=noise, **QUICK).fit(digits[:200], epochs.append)
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert [epoch.number for epoch in epochs] == list(range(1, len(epochs) + 1))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("noise", [None, *NOISES])
def test_every_mixture_of_ingredients_learns_from_words(loss: str, noise: str | None, bags: Any) -> None:
    epochs: list[Epoch] = []
    Autoencoder(16, loss=loss, noise=noise, **QUICK).fit(bags, epochs.append)
    assert epochs[-1].train_loss < epochs[0].train_loss


def test_a_curved_code_reconstructs_better_than_the_best_flat_one(digits: np.ndarray) -> None:
    learned = Autoencoder(6, body="convolutional", device="cpu").fit(digits)
    assert errors_of(learned, digits) < 0.8 * errors_of(PCA(6).fit(digits), digits)


def test_a_denoiser_is_fed_noise_and_asked_for_the_clean_picture(digits: np.ndarray) -> None:
    coder = Autoencoder(16, noise="masking", noise_level=0.5, **QUICK).fit(digits)
    clean = torch.from_numpy(digits[:50]).float() / 255
    coder.train()
    torch.manual_seed(0)
    noisy = coder.corrupt(clean)
    assert 0.4 < float((noisy[clean > 0] == 0).float().mean()) < 0.6
    torch.manual_seed(0)
    expected = ((coder.from_code(coder.to_code(noisy)) - clean) ** 2).sum() / 50
    torch.manual_seed(0)
    torch.testing.assert_close(coder.objective(clean), expected)
    coder.eval()
    assert coder.corrupt(clean) is clean


def test_a_denoiser_restores_noisy_pictures_better_than_a_plain_one(digits: np.ndarray) -> None:
    rows = digits.astype(np.float32) / 255
    noisy = rows * (np.random.default_rng(0).random(rows.shape) >= 0.5)

    def restoring_error(noise: str | None) -> float:
        coder = Autoencoder(16, noise=noise, epochs=30, device="cpu").fit(digits)
        return float(((coder.decode(coder.encode(noisy.astype(np.float32))) - rows) ** 2).sum())

    assert restoring_error("masking") < 0.9 * restoring_error(None)


def test_whitened_codes_are_uncorrelated_and_decode_alike(digits: np.ndarray) -> None:
    plain = Autoencoder(8, whiten=False, **QUICK).fit(digits)
    whitened = Autoencoder(8, whiten=True, **QUICK).fit(digits)
    np.testing.assert_allclose(np.cov(whitened.encode(digits).T), np.eye(8), atol=0.05)
    np.testing.assert_allclose(whitened.decode(whitened.encode(digits)), plain.decode(plain.encode(digits)), atol=1e-3)


def test_the_callers_random_numbers_are_left_alone(digits: np.ndarray) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    Autoencoder(8, noise="gaussian", **QUICK).fit(digits[:100])
    torch.testing.assert_close(torch.rand(3), expected)


def test_another_seed_gives_another_model(digits: np.ndarray) -> None:
    one, other = (Autoencoder(8, seed=seed, **QUICK).fit(digits[:100]) for seed in (0, 1))
    assert not np.allclose(one.encode(digits), other.encode(digits), atol=1e-2)


def test_words_come_back_as_weights_near_their_own(bags: Any) -> None:
    coder = Autoencoder(32, epochs=40, device="cpu").fit(bags)
    decoded = coder.decode(coder.encode(bags))
    assert is_sparse(bags)
    assert (decoded >= 0).all()
    assert ((bags.toarray() - decoded) ** 2).sum() < 0.95 * (bags.toarray() ** 2).sum()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"code_size": 0}, "at least 1"),
        ({"code_size": 64}, "would copy them"),
        ({"layers": (0,)}, "at least 1 unit"),
        ({"noise": "masking", "noise_level": 1.0}, "outside 0"),
        ({"noise": "gaussian", "noise_level": -0.1}, "outside 0"),
        ({"loss": "softmax"}, "bags of words"),
        ({"epochs": 0}, "at least 1"),
        ({"learning_rate": 0}, "above 0"),
        ({"validation": 1.0}, "under 1"),
        ({"device": "tpu"}, "auto, cpu or cuda"),
    ],
)
def test_a_bad_setting_is_refused_with_its_rule(settings: dict[str, Any], says: str, digits: np.ndarray) -> None:
    with pytest.raises(InvalidParameter, match=says):
        Autoencoder(**settings).fit(digits)


@pytest.mark.parametrize("word", ["noise", "loss", "body"])
def test_a_misspelt_ingredient_is_refused(word: str) -> None:
    with pytest.raises(UnknownName, match=f"unknown {word}"):
        Autoencoder(**{word: "gausian"})


def test_bags_have_no_convolutions(bags: Any) -> None:
    with pytest.raises(InvalidParameter, match="for pictures"):
        Autoencoder(body="convolutional").fit(bags)


def test_one_item_is_enough_to_be_trained_on(digits: np.ndarray) -> None:
    assert np.isfinite(Autoencoder(8, **QUICK).fit(digits[:1]).encode(digits[:1])).all()
