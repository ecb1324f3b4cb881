"""The one loop: repeatable, stops early, keeps the best."""

from typing import Any

import numpy as np
import pytest
import torch

from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.batches import RowBatches
from aesearch.autoencoders.training import LEAST_EPOCHS, Trainable, TrainingConfig, descend, mean_loss, one_cycle, train
from aesearch.coders.base import Epoch
from aesearch.errors import AesearchError


def trained(X: Any, **plan: Any) -> tuple[Autoencoder, list[Epoch]]:
    epochs: list[Epoch] = []
    return Autoencoder(8, device="cpu", **plan).fit(X, epochs.append), epochs


def test_a_small_collection_makes_as_many_steps_as_a_large_one(digits: np.ndarray) -> None:
    _, few = trained(digits[:64], steps=60, batch_size=16, validation=0)
    _, many = trained(digits[:240], steps=60, batch_size=16, validation=0)
    assert (len(few), len(many)) == (15, LEAST_EPOCHS)
    assert few[0].of == 15


def test_the_best_weights_are_kept_and_not_the_last(digits: np.ndarray) -> None:
    X = digits[:60]
    model, epochs = trained(X, epochs=150, patience=10, learning_rate=2e-2, batch_size=8, layers=(256,))
    held_out = [epoch.validation_loss for epoch in epochs]
    assert len(epochs) < 150, "so high a rate must overfit 60 digits and be stopped"
    assert held_out[-1] > min(held_out)
    # The held-out rows are the first numbers that the seed gives once the weights were drawn.
    again = Autoencoder(8, device="cpu", layers=(256,), batch_size=8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        again._build((1, 8, 8), sparse=False)
        rows = torch.randperm(60)[:6]
    loss = mean_loss(model, RowBatches(X, torch.device("cpu")), rows, 8)
    assert loss == pytest.approx(min(held_out), rel=1e-4)


def test_with_nothing_held_out_the_last_weights_stay(digits: np.ndarray) -> None:
    _, epochs = trained(digits[:50], epochs=3, validation=0)
    assert [epoch.validation_loss for epoch in epochs] == [None] * 3


def test_the_stream_of_epochs_can_be_broken_off(digits: np.ndarray) -> None:
    model = Autoencoder(8, device="cpu")
    model._build((1, 8, 8), sparse=False)
    stream = train(model, digits, TrainingConfig(epochs=50, device="cpu"))
    assert next(stream).number == 1
    stream.close()


def test_a_loss_that_is_no_number_ends_training_with_a_remedy(digits: np.ndarray) -> None:
    with pytest.raises(AesearchError, match="lower learning_rate"):
        trained(digits, epochs=5, learning_rate=1e30)


def test_one_step_out_of_all_proportion_does_not_undo_the_others() -> None:
    wanted = torch.randn(20, generator=torch.Generator().manual_seed(0))

    class Fitted(Trainable):
        def __init__(self) -> None:
            super().__init__()
            self.weights = torch.nn.Parameter(torch.zeros(20))

        def objective(self, x: Any) -> torch.Tensor:
            return ((self.weights - wanted).square().sum() * x).mean()

    def error(spike: float) -> float:
        model = Fitted()
        steps = torch.ones(600, 1)
        steps[200] = spike
        optimizer, schedule = one_cycle(model, TrainingConfig(learning_rate=2e-2), 600)
        descend(model, RowBatches(steps.numpy(), torch.device("cpu")), torch.arange(600).split(1), optimizer, schedule)
        return float((model.weights.detach() - wanted).abs().max())

    assert error(1e6) < 2 * error(1.0) < 0.05
