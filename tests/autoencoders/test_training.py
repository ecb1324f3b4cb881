"""The training loop: length, early stopping, best weights, divergence, gradient clipping, budget."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.optimizers import create_optimizer
from aesearch.autoencoders.training import MIN_EPOCHS, RowTask, Score, Task, Trainable, TrainingConfig, train, train_epoch
from aesearch.coders.base import Epoch
from aesearch.errors import AesearchError, InvalidParameter


def fit(X: Any, **params: Any) -> tuple[Autoencoder, list[Epoch]]:
    epochs: list[Epoch] = []
    return Autoencoder(8, device="cpu", **params).fit(X, epochs.append), epochs


class Line(Trainable):
    """Weights that are pulled to a target; a batch scales the pull."""

    def __init__(self, target: torch.Tensor) -> None:
        super().__init__()
        self.weights, self.target = torch.nn.Parameter(torch.zeros_like(target)), target

    def objective(self, batch: Any) -> torch.Tensor:
        return ((self.weights - self.target).square().sum() * batch).mean()


class ScriptedTask(Task):
    """Epochs of one step, which get given scores."""

    def __init__(self, scores: list[float | None], **options: Any) -> None:
        super().__init__(Line(torch.ones(3)), TrainingConfig(patience=2, device="cpu"), len(scores), **options)
        self.optimizer, self.schedule = create_optimizer(self.model, 0.1, 0.0, len(scores))
        self.scores: Iterator[float | None] = iter(scores)
        self.weights: list[torch.Tensor] = []

    def next_batches(self) -> Iterable[torch.Tensor]:
        return [torch.ones(1)]

    def score(self) -> Score:
        self.weights.append(self.model.get_parameter("weights").detach().clone())
        return Score(next(self.scores))


def test_small_collections_get_more_epochs(digits: np.ndarray) -> None:
    _, few = fit(digits[:64], steps=60, batch_size=16, validation=0)
    _, many = fit(digits[:240], steps=60, batch_size=16, validation=0)
    assert (len(few), len(many)) == (15, MIN_EPOCHS)
    assert few[0].total == 15


def test_patience_stops_and_best_weights_are_kept() -> None:
    task = ScriptedTask([1.0, 3.0, 2.0, 2.0, 9.0])
    assert len(list(train(task))) == 4
    torch.testing.assert_close(task.model.get_parameter("weights"), task.weights[1])


def test_unscored_training_keeps_last_weights() -> None:
    task = ScriptedTask([None] * 5)
    assert len(list(train(task))) == 5
    torch.testing.assert_close(task.model.get_parameter("weights"), task.weights[-1])


def test_exhausted_budget_stops_after_the_first_epoch() -> None:
    assert len(list(train(ScriptedTask([1.0, 2.0, 3.0], budget=1e-9)))) == 1


def test_overfitting_is_stopped_at_the_best_validation_loss(digits: np.ndarray) -> None:
    X, params = digits[:60], {"layers": (256,), "batch_size": 8}
    fitted, epochs = fit(X, epochs=150, patience=10, learning_rate=2e-2, **params)
    losses = [epoch.validation_loss for epoch in epochs]
    assert len(epochs) < 150
    assert losses[-1] > min(losses)
    untrained = Autoencoder(8, device="cpu", **params)
    with torch.random.fork_rng():  # draw the weights, then the held-out rows, as fit() does
        torch.manual_seed(0)
        untrained._build((1, 8, 8), is_sparse=False)
        task = RowTask(untrained, X, untrained.config)
        task.begin()
    task.model = fitted
    assert task.score().validation_loss == pytest.approx(min(losses), rel=1e-4)


def test_no_validation_gives_no_validation_loss(digits: np.ndarray) -> None:
    _, epochs = fit(digits[:50], epochs=3, validation=0)
    assert [epoch.validation_loss for epoch in epochs] == [None] * 3


def test_diverged_training_raises(digits: np.ndarray) -> None:
    with pytest.raises(AesearchError, match="use a learning_rate below"):
        fit(digits, epochs=5, learning_rate=1e30)


def test_one_huge_gradient_does_not_undo_training() -> None:
    def largest_error(spike: float) -> float:
        task = ScriptedTask([None])
        target = torch.randn(20, generator=torch.Generator().manual_seed(0))
        task.model = Line(target)
        batches = list(torch.ones(600, 1))
        batches[200] = torch.tensor([spike])
        task.next_batches = lambda: batches  # type: ignore[method-assign]
        task.optimizer, task.schedule = create_optimizer(task.model, 2e-2, 0.0, len(batches))
        train_epoch(task)
        return float((task.model.get_parameter("weights").detach() - target).abs().max())

    assert largest_error(1e6) < 2 * largest_error(1.0) < 0.05


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a CUDA device")
def test_missing_cuda_device_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="--device cpu"):
        TrainingConfig(device="cuda").find_device()
