"""The training loop of all autoencoders.

`train` runs in the order of time: train for an epoch, score the model, keep the best weights, save a checkpoint, report the
epoch. What differs between trainings is in a `Task`: the batches of an epoch, and the score after it.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil, inf, isfinite
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from aesearch.autoencoders.batches import RowBatches
from aesearch.autoencoders.checkpoints import Checkpoint, TrainingState
from aesearch.autoencoders.optimizers import create_optimizer
from aesearch.coders.base import Epoch
from aesearch.errors import AesearchError, InvalidParameter

if TYPE_CHECKING:
    from aesearch.arrays import Rows

MIN_EPOCHS = 4
"""Minimum number of epochs if only steps are given: each row of a large collection should be seen more than once."""


@dataclass(frozen=True)
class TrainingConfig:
    """Parameters of training, which the coders accept as keywords.

    Parameters
    ----------
    epochs : int, optional
        Passes over the rows. By default as many as `steps` steps take, so that a small collection trains as long as a large
        one: the loss alone is a poor guide to when codes are good.
    steps : int
        Optimization steps, if `epochs` is not given. The default for documents is 450, or 900 with noise.
    batch_size : int
        Rows per step. The default for documents is 128.
    learning_rate : float
        Peak of the learning rate, which rises to it and falls to almost 0 (one-cycle policy, Smith & Topin 2018). The
        default for documents is 0.005.
    weight_decay : float
        Weight decay of AdamW (Loshchilov & Hutter 2019).
    validation : float
        Share of the rows held out of training, 0 to 1. The weights with the smallest loss on these rows are kept. 0 keeps
        the last weights.
    patience : int
        Epochs without a better validation loss after which training stops.
    seed : int
        Seed of weights, batches and noise. Equal seeds give equal models on the same machine.
    device : {"auto", "cpu", "cuda"}
        Where to train. "auto" is a CUDA device if there is one, else the CPU.
    """

    epochs: int | None = None
    steps: int = 2500
    batch_size: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    validation: float = 0.1
    patience: int = 5
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        check_at_least_one(epochs=self.epochs, steps=self.steps, batch_size=self.batch_size, patience=self.patience)
        if not 0 <= self.validation < 1:
            raise InvalidParameter(f"validation is {self.validation}; choose a share of at least 0 and less than 1")
        if self.device not in ("auto", "cpu", "cuda"):
            raise InvalidParameter(f'device is "{self.device}"; choose auto, cpu or cuda')
        if not self.learning_rate > 0:
            raise InvalidParameter(f"learning_rate is {self.learning_rate}; choose a number above 0")

    def find_device(self) -> torch.device:
        """Return the device to train on.

        Raises
        ------
        InvalidParameter
            If it is "cuda" and there is no CUDA device.
        """
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise InvalidParameter("no CUDA device was found; choose --device cpu")
        return torch.device(self.device)


def check_at_least_one(**params: int | None) -> None:
    """Raise InvalidParameter if a parameter is given and is less than 1."""
    for name, value in params.items():
        if value is not None and value < 1:
            raise InvalidParameter(f"{name} is {value}; choose at least 1")


class Trainable(nn.Module, ABC):
    """A module that knows its training objective."""

    @abstractmethod
    def objective(self, batch: Any) -> Tensor:
        """Return the scalar to minimize: a mean over the items of the batch."""


class Score(NamedTuple):
    """Result of scoring a model after an epoch.

    The best weights are those of the epoch with the highest `value`. If it is None, because the model cannot be scored, the
    latest weights are the best.
    """

    value: float | None
    validation_loss: float | None = None
    label_free: float | None = None


class Task(ABC):
    """One training of a model: the batches of each epoch, and the score after it.

    Parameters
    ----------
    model : Trainable
        Trained in place.
    config : TrainingConfig
    n_epochs : int
        Maximum number of epochs.
    budget : float
        Seconds; no epoch starts that would probably end later.
    started : float, optional
        When the budget starts to count, in the time of time.perf_counter(); by default now.

    Attributes
    ----------
    unit : str
        Name of an epoch in messages.
    optimizer, schedule
        Known after `next_batches` was called.
    was_cut : bool
        Whether the budget ended the training.
    """

    unit: Literal["epoch", "round"] = "epoch"
    optimizer: Optimizer
    schedule: LRScheduler
    was_cut = False

    def __init__(
        self, model: Trainable, config: TrainingConfig, n_epochs: int, *, budget: float = inf, started: float | None = None
    ) -> None:
        self.model, self.config, self.n_epochs = model, config, n_epochs
        self.budget, self.started = budget, time.perf_counter() if started is None else started
        model.to(config.find_device())

    def begin(self) -> None:  # noqa: B027  # an optional hook
        """Draw the random numbers that are needed before the first epoch. A resumed training draws them again."""

    @abstractmethod
    def next_batches(self) -> Iterable[Any]:
        """Return the batches of the next epoch. A batch has a length, its number of items."""

    @abstractmethod
    def score(self) -> Score:
        """Score the model."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state between two epochs, as a checkpoint stores it."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:  # noqa: B027  # an optional hook
        """Restore the state between two epochs. The model already has its weights."""


def train(task: Task, checkpoint: Checkpoint | None = None) -> Iterator[Epoch]:
    """Train a model and yield each epoch. At the end, the model has its best weights.

    Parameters
    ----------
    task : Task
        Its random numbers come from torch's global generator, which the caller seeds.
    checkpoint : Checkpoint, optional
        If it holds an interrupted training, that is resumed, and its epochs are yielded again.

    Raises
    ------
    AesearchError
        If training diverges.
    """
    model, checkpoint = task.model, checkpoint or Checkpoint(None, task.model)
    if not checkpoint.begin_stage():
        model.eval()
        return
    task.begin()
    state = TrainingState(_copy_weights(model))
    if checkpoint.saved_state is not None:
        state = TrainingState.from_dict(checkpoint.saved_state["training"])
        task.load_state_dict(checkpoint.saved_state["task"])
        checkpoint.resume()
        yield from state.epochs
        state.is_finished = _is_finished(task, state)  # sets task.was_cut, too
    started = task.started - state.seconds
    while not state.is_finished:
        epoch_started, number = time.perf_counter(), len(state.epochs) + 1
        train_loss = train_epoch(task)
        score = task.score()
        if score.value is None or score.value > state.best_value:
            state.best_value = -inf if score.value is None else score.value
            state.best_epoch, state.best_weights = number, _copy_weights(model)
        seconds = time.perf_counter() - epoch_started
        epoch = Epoch(number, task.n_epochs, train_loss, score.validation_loss, seconds, score.label_free, task.unit)
        state.epochs.append(epoch)
        state.seconds = time.perf_counter() - started
        state.is_finished = _is_finished(task, state)
        checkpoint.save({"training": state.as_dict(), "task": task.state_dict()}, is_finished=state.is_finished)
        yield epoch
    model.load_state_dict(state.best_weights)
    model.eval()


def _is_finished(task: Task, state: TrainingState) -> bool:
    """Return whether all epochs, the patience or the budget is exhausted."""
    last = state.epochs[-1]
    if last.number == task.n_epochs or last.number - state.best_epoch >= task.config.patience:
        return True
    task.was_cut = state.seconds + last.seconds > task.budget
    return task.was_cut


def train_epoch(task: Task) -> float:
    """Take an optimization step for each batch of the next epoch. Return the mean objective of the items."""
    batches, model = task.next_batches(), task.model
    model.train()
    total, n_items = torch.zeros(()), 0
    for batch in batches:
        loss = model.objective(batch)
        task.optimizer.zero_grad()
        loss.backward()
        task.optimizer.step()
        task.schedule.step()
        total = total.to(loss.device) + loss.detach() * len(batch)  # not read, which would wait for the device
        n_items += len(batch)
    mean = float(total) / max(1, n_items)
    if not isfinite(mean):
        raise AesearchError(f"training diverged: the loss is {mean}; use a learning_rate below {task.config.learning_rate}")
    return mean


class RowTask(Task):
    """Train on all rows in each epoch, and score by the loss on held-out rows.

    Parameters
    ----------
    model : Trainable
    X : array of shape (n_items, ...)
        uint8 pixels in 0..255, float32, or a csr matrix.
    config : TrainingConfig
    """

    def __init__(self, model: Trainable, X: Rows, config: TrainingConfig) -> None:
        self.data = RowBatches(X, config.find_device())
        self.n_held_out = int(config.validation * len(self.data))
        steps_per_epoch = ceil((len(self.data) - self.n_held_out) / config.batch_size)
        super().__init__(model, config, config.epochs or max(MIN_EPOCHS, ceil(config.steps / steps_per_epoch)))
        self.optimizer, self.schedule = create_optimizer(
            model, config.learning_rate, config.weight_decay, self.n_epochs * steps_per_epoch
        )

    def begin(self) -> None:
        shuffled = torch.randperm(len(self.data))
        self.held_out_positions, self.train_positions = shuffled[: self.n_held_out], shuffled[self.n_held_out :]

    def next_batches(self) -> Iterable[Any]:
        order = self.train_positions[torch.randperm(len(self.train_positions))]
        return (self.data[positions] for positions in order.split(self.config.batch_size))

    @torch.no_grad()
    def score(self) -> Score:
        if not self.n_held_out:
            return Score(None)
        self.model.eval()
        batches = (self.data[positions] for positions in self.held_out_positions.split(self.config.batch_size))
        loss = sum(float(self.model.objective(batch)) * len(batch) for batch in batches) / self.n_held_out
        return Score(-loss, validation_loss=loss)

    def state_dict(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer.state_dict(), "schedule": self.schedule.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])


def _copy_weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
