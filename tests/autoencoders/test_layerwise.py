"""Greedy layerwise pretraining."""

from typing import Any

import numpy as np
import torch

from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.checkpoints import Checkpoint
from aesearch.autoencoders.layerwise import pretrain_layers
from aesearch.catalog import create_coder
from aesearch.coders.base import Epoch


def test_pretraining_trains_the_layers_of_the_network_itself(digits: np.ndarray) -> None:
    coder = Autoencoder(8, layers=(64, 32), device="cpu", epochs=3)
    coder._build((1, 8, 8), is_sparse=False)
    before = {name: weight.detach().clone() for name, weight in coder.named_parameters()}
    with torch.random.fork_rng():
        epochs = list(pretrain_layers(coder, digits, coder.config, Checkpoint(None, coder)))
    assert [epoch.number for epoch in epochs] == [1, 1, 1]  # a third of the epochs for each of three layers
    assert all(not torch.equal(weight, before[name]) for name, weight in coder.named_parameters())


def test_pretrained_network_ends_with_a_lower_loss(digits: np.ndarray) -> None:
    def last_loss(layerwise_pretraining: bool) -> float:
        epochs: list[Epoch] = []
        params: dict[str, Any] = {"layers": (128, 64, 32), "epochs": 12, "batch_size": 32, "seed": 1}
        Autoencoder(8, layerwise_pretraining=layerwise_pretraining, **params).fit(digits, epochs.append)
        assert len(epochs) == 12 + (4 * 4 if layerwise_pretraining else 0)
        loss = epochs[-1].validation_loss
        assert loss is not None
        return loss

    assert last_loss(True) < 0.9 * last_loss(False)


def test_stacked_denoising_autoencoder_removes_noise(digits: np.ndarray) -> None:
    params: dict[str, Any] = {"code_size": 16, "layers": (128, 64), "epochs": 30, "batch_size": 32}
    coder = create_coder("stacked-denoising", "images", **params).fit(digits[:500])
    clean = digits[500:]
    noisy = (clean * (np.random.default_rng(0).random(clean.shape) >= 0.3)).astype(np.uint8)
    restored = coder.decode(coder.encode(noisy))
    error, noise = (((images - clean / 255) ** 2).sum() for images in (restored, noisy / 255))
    assert error < noise
