"""Progress of a build or a sync."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from aesearch.coders.base import Epoch

Stage = Literal["read", "train", "encode", "store"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a build: stage, units done, units in total.

    Parameters
    ----------
    stage : {"read", "train", "encode", "store"}
    done : int
        Items; epochs during training.
    total : int or None
        None if the total is not known yet.
    epoch : Epoch, optional
        During training, the epoch that has just ended.
    """

    stage: Stage
    done: int
    total: int | None
    epoch: Epoch | None = None


ProgressCallback = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """Do nothing: the callback of a caller that gave none."""
