"""The autoencoder: every loss, noise and architecture learns, parameters are checked, and codes can be whitened."""

from typing import Any

import numpy as np
import pytest
import torch

from aesearch.arrays import is_sparse
from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.losses import LOSSES
from aesearch.autoencoders.noise import NOISES
from aesearch.autoencoders.variational import VariationalAutoencoder
from aesearch.coders.base import Epoch
from aesearch.coders.linear import PCA
from aesearch.errors import InvalidParameter, UnknownName

SHORT_TRAINING: dict[str, Any] = {"epochs": 4, "device": "cpu"}


def reconstruction_error(coder: Any, X: np.ndarray, target: np.ndarray) -> float:
    return float(((coder.decode(coder.encode(X)) - target) ** 2).reshape(len(X), -1).sum(1).mean())


@pytest.mark.parametrize("architecture", ["dense", "convolutional"])
@pytest.mark.parametrize("loss", ["mse", "l1", "bce"])
@pytest.mark.parametrize("noise", [None, *NOISES])
def test_images_loss_decreases(architecture: str, loss: str, noise: str | None, digits: np.ndarray) -> None:
    epochs: list[Epoch] = []
    coder = Autoencoder(16, architecture=architecture, loss=loss, noise=noise, **SHORT_TRAINING)
    coder.fit(digits[:200], epochs.append)
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert [epoch.number for epoch in epochs] == list(range(1, len(epochs) + 1))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("noise", [None, *NOISES])
def test_documents_loss_decreases(loss: str, noise: str | None, bags: Any) -> None:
    epochs: list[Epoch] = []
    Autoencoder(16, loss=loss, noise=noise, **SHORT_TRAINING).fit(bags, epochs.append)
    assert epochs[-1].train_loss < epochs[0].train_loss


def test_autoencoder_reconstructs_better_than_pca(digits: np.ndarray) -> None:
    pixels = digits / np.float32(255)
    autoencoder = Autoencoder(6, architecture="convolutional", device="cpu").fit(digits)
    pca = PCA(6).fit(digits)
    assert reconstruction_error(autoencoder, digits, pixels) < 0.8 * reconstruction_error(pca, digits, pixels)


def test_denoising_objective_compares_with_clean_input(digits: np.ndarray) -> None:
    coder = Autoencoder(16, noise="masking", noise_level=0.5, **SHORT_TRAINING).fit(digits)
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


def test_denoising_autoencoder_restores_noisy_images_better(digits: np.ndarray) -> None:
    pixels = digits.astype(np.float32) / 255
    noisy = (pixels * (np.random.default_rng(0).random(pixels.shape) >= 0.5)).astype(np.float32)

    def error(noise: str | None) -> float:
        return reconstruction_error(Autoencoder(16, noise=noise, epochs=30, device="cpu").fit(digits), noisy, pixels)

    assert error("masking") < 0.9 * error(None)


def test_whitened_codes_are_uncorrelated_and_decode_equally(digits: np.ndarray) -> None:
    plain = Autoencoder(8, whiten=False, **SHORT_TRAINING).fit(digits)
    whitened = Autoencoder(8, whiten=True, **SHORT_TRAINING).fit(digits)
    np.testing.assert_allclose(np.cov(whitened.encode(digits).T), np.eye(8), atol=0.05)
    np.testing.assert_allclose(whitened.decode(whitened.encode(digits)), plain.decode(plain.encode(digits)), atol=1e-3)


def test_documents_are_reconstructed_on_their_own_scale(bags: Any) -> None:
    coder = Autoencoder(32, epochs=40, device="cpu").fit(bags)
    decoded = coder.decode(coder.encode(bags))
    assert is_sparse(bags)
    assert (decoded >= 0).all()
    assert ((bags.toarray() - decoded) ** 2).sum() < 0.95 * (bags.toarray() ** 2).sum()


def test_fit_leaves_global_random_state_alone(digits: np.ndarray) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    Autoencoder(8, noise="gaussian", **SHORT_TRAINING).fit(digits[:100])
    torch.testing.assert_close(torch.rand(3), expected)


def test_seeds_give_different_models(digits: np.ndarray) -> None:
    first, second = (Autoencoder(8, seed=seed, **SHORT_TRAINING).fit(digits[:100]) for seed in (0, 1))
    assert not np.allclose(first.encode(digits), second.encode(digits), atol=1e-2)


def test_one_item_can_be_trained_on(digits: np.ndarray) -> None:
    assert np.isfinite(Autoencoder(8, **SHORT_TRAINING).fit(digits[:1]).encode(digits[:1])).all()


def test_param_names_include_those_of_base_class_and_training() -> None:
    names = Autoencoder.param_names()
    assert names[:2] == ["code_size", "architecture"]
    assert {"epochs", "learning_rate", "device"} < set(names)
    inherited = VariationalAutoencoder.param_names()
    assert set(names) < set(inherited)
    assert len(inherited) == len(set(inherited))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"code_size": 0}, "at least 1"),
        ({"code_size": 64}, "copy its input"),
        ({"layers": (0,)}, "at least 1 unit"),
        ({"noise": "masking", "noise_level": 1.0}, "noise"),
        ({"noise": "gaussian", "noise_level": -0.1}, "noise"),
        ({"loss": "softmax"}, "bags of words"),
        ({"dropout": 1.0}, "less than 1"),
        ({"architecture": "convolutional", "tied": True}, 'choose "dense"'),
        ({"tied": True, "layerwise_pretraining": True}, "choose one of the two"),
        ({"epochs": 0}, "at least 1"),
        ({"learning_rate": 0}, "above 0"),
        ({"validation": 1.0}, "less than 1"),
        ({"device": "tpu"}, "auto, cpu or cuda"),
    ],
)
def test_invalid_parameter_is_refused(params: dict[str, Any], message: str, digits: np.ndarray) -> None:
    with pytest.raises(InvalidParameter, match=message):
        Autoencoder(**params).fit(digits)


@pytest.mark.parametrize("param", ["noise", "loss", "architecture"])
def test_unknown_name_is_refused(param: str) -> None:
    with pytest.raises(UnknownName, match=f"unknown {param}"):
        Autoencoder(**{param: "gausian"})


def test_unknown_keyword_is_refused() -> None:
    with pytest.raises(TypeError, match="epoch"):
        Autoencoder(8, epoch=3)


def test_bce_requires_values_from_0_to_1(digits: np.ndarray) -> None:
    with pytest.raises(InvalidParameter, match='choose "mse"'):
        Autoencoder(16, loss="bce").fit(digits.astype(np.float32))


def test_convolutional_architecture_requires_images(bags: Any) -> None:
    with pytest.raises(InvalidParameter, match="requires images"):
        Autoencoder(architecture="convolutional").fit(bags)
