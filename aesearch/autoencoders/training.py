"""The one loop that trains every autoencoder, over plain settings, reporting each epoch to whoever asks."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from math import ceil, inf, isfinite
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from aesearch.autoencoders.batches import RowBatches
from aesearch.autoencoders.checkpoints import Checkpoint
from aesearch.coders.base import Epoch
from aesearch.errors import AesearchError, InvalidParameter

if TYPE_CHECKING:
    from aesearch.arrays import Rows


LEAST_EPOCHS = 4
"""Passes made even where fewer would do for the steps: each row of a large collection should be seen more than once."""


FAR, MEMORY = 4, 100
"""A gradient more than so many times as long as it was on the mean of the last so many steps is cut down to that."""


class Trainable(nn.Module, ABC):
    """What the loop trains: a module that knows its objective."""

    @abstractmethod
    def objective(self, x: Any) -> Tensor:
        """The scalar to be lowered, of a batch as its data hands it out."""


class Data(Protocol):
    """What the loop trains on: batches by the numbers of their rows, [B] int64."""

    def __getitem__(self, rows: Tensor) -> Any: ...


@dataclass(frozen=True)
class TrainingConfig:
    """How to train.

    Attributes
    ----------
    epochs : passes over the rows.  None: as many as make `steps` steps, so that a small collection trains as long as a
        large one; loss alone is a poor guide to when codes are good.
    steps : see `epochs`.
    batch_size : rows a step.
    learning_rate : the highest one; it rises to it and falls to nearly 0 (one-cycle, Smith & Topin 2018).
    weight_decay : of AdamW (Loshchilov & Hutter 2019).
    validation : share of the rows held out, by whose loss the best weights are kept; 0 keeps the last.
    patience : epochs without a better validation loss, after which training stops.
    seed : of weights, batches and noise; the same one gives the same model on the same machine.
    device : "auto" (an accelerator of CUDA's if there is one), "cpu" or "cuda".
    """

    epochs: int | None = None
    steps: int = 1500
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    validation: float = 0.1
    patience: int = 5
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        for name in ("epochs", "steps", "batch_size", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InvalidParameter(f"training: {name} is {value}; at least 1 is needed")
        if not 0 <= self.validation < 1:
            raise InvalidParameter(f"training: validation is {self.validation}; choose a share of 0 or more and under 1")
        if self.device not in ("auto", "cpu", "cuda"):
            raise InvalidParameter(f'training: device is "{self.device}"; choose auto, cpu or cuda')
        if not self.learning_rate > 0:
            raise InvalidParameter(f"training: learning_rate is {self.learning_rate}; choose a number above 0")

    def chosen_device(self) -> torch.device:
        """Raises InvalidParameter where "cuda" is asked for and absent."""
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise InvalidParameter("training: no CUDA device is to be found here; choose --device cpu")
        return torch.device(self.device)


def one_cycle(model: Trainable, plan: TrainingConfig, steps: int) -> tuple[Optimizer, LRScheduler]:
    """The optimizer, and the rate that rises and falls once in so many steps."""
    optimizer = torch.optim.AdamW(model.parameters(), plan.learning_rate, weight_decay=plan.weight_decay, fused=True)
    optimizer.param_groups[0].update(usual=0.0, seen=0)
    optimizer.register_step_pre_hook(_tame)
    return optimizer, OneCycleLR(optimizer, plan.learning_rate, total_steps=steps + 1)


def _tame(optimizer: Optimizer, *_: Any) -> None:
    """Scales the gradient down where it is far longer than it usually is: one such step can undo all training before it.

    The usual length, a running mean, is kept with the optimizer's own state (after AutoClip: Seetharaman et al. 2020).
    """
    group = optimizer.param_groups[0]
    length = nn.utils.get_total_norm(p.grad for p in group["params"] if p.grad is not None)
    if not length < inf:
        return
    most = FAR * group["usual"] if group["seen"] >= MEMORY and group["usual"] else inf
    if length > most:
        nn.utils.clip_grads_with_norm_(group["params"], most, length)
    group["seen"] += 1
    group["usual"] += (min(float(length), most) - group["usual"]) / min(group["seen"], MEMORY)


def descend(model: Trainable, data: Data, order: Iterable[Tensor], optimizer: Optimizer, schedule: LRScheduler) -> float:
    """A step down the objective for each batch of row numbers in `order`.  Returns its mean over the rows."""
    model.train()
    total, rows = torch.zeros(()), 0
    for batch in order:
        loss = model.objective(data[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total = total.to(loss.device) + loss.detach() * len(batch)
        rows += len(batch)
    return float(total) / max(1, rows)


def diverged(plan: TrainingConfig, epoch: int) -> AesearchError:
    return AesearchError(f"training diverged in epoch {epoch}; try a lower learning_rate than {plan.learning_rate}")


def train(model: Trainable, X: Rows, plan: TrainingConfig, checkpoint: Checkpoint | None = None) -> Iterator[Epoch]:
    """Trains `model`, in place, on the rows of X; the best weights are in it when the stream of epochs ends.

    One that was broken off goes on from the `checkpoint`, and gives the epochs that it had once more.  Every random number
    (the held-out rows, the order, the noise) comes from torch's own generator, which the caller seeds.
    Raises AesearchError where the loss stops being a number.
    """
    device = plan.chosen_device()
    model.to(device)
    checkpoint = checkpoint or Checkpoint(None, model)
    before = checkpoint.begin()
    if before == {}:  # over and done with
        model.eval()
        return
    data = RowBatches(X, device)
    shuffled = torch.randperm(len(data))
    held_out, rows = shuffled.split([int(plan.validation * len(data)), len(data) - int(plan.validation * len(data))])
    steps = ceil(len(rows) / plan.batch_size)
    epochs = plan.epochs or max(LEAST_EPOCHS, ceil(plan.steps / steps))
    optimizer, schedule = one_cycle(model, plan, epochs * steps)
    best, best_epoch, best_weights, done, over = float("inf"), 0, _copy(model), list[Epoch](), False
    if before is not None:
        optimizer.load_state_dict(before["optimizer"])
        schedule.load_state_dict(before["schedule"])
        best, best_epoch, best_weights = before["best"], before["best_epoch"], before["best_weights"]
        done, over = [Epoch(**epoch) for epoch in before["epochs"]], before["over"]
        checkpoint.resumed()
        yield from done
    while not over:
        began, number = time.perf_counter(), len(done) + 1
        order = rows[torch.randperm(len(rows))].split(plan.batch_size)
        train_loss = descend(model, data, order, optimizer, schedule)
        if not isfinite(train_loss):
            raise diverged(plan, number)
        validation_loss = mean_loss(model, data, held_out, plan.batch_size) if len(held_out) else None
        if validation_loss is None or validation_loss < best:
            best, best_epoch = validation_loss or best, number
            best_weights = _copy(model)
        done.append(Epoch(number, epochs, train_loss, validation_loss, time.perf_counter() - began))
        over = number == epochs or number - best_epoch >= plan.patience
        checkpoint.keep(
            {
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "best": best,
                "best_epoch": best_epoch,
                "best_weights": best_weights,
                "epochs": [asdict(epoch) for epoch in done],
                "over": over,
            },
            over=over,
        )
        yield done[-1]
    model.load_state_dict(best_weights)
    model.eval()


@torch.no_grad()
def mean_loss(model: Trainable, data: RowBatches, rows: Tensor, batch_size: int) -> float:
    """The mean of the model's objective over the rows; a denoising one is asked without its noise."""
    model.eval()
    batches = rows.split(batch_size)
    return sum(float(model.objective(data[batch])) * len(batch) for batch in batches) / len(rows)


def _copy(model: Trainable) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
