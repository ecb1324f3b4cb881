"""Progress of a build or a sync, and the callback that receives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from aesearch.coders.base import Epoch

Stage = Literal["read", "train", "encode", "store"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a build or a sync.

    Parameters
    ----------
    stage : {"read", "train", "encode", "store"}
        A sync has only the stage "encode".
    done : int
        Items done; epochs during training.
    total : int or None
        Items or epochs in total; files while they are read. None if unknown.
    epoch : Epoch, optional
        During training, the epoch that has just ended.
    """

    stage: Stage
    done: int
    total: int | None
    epoch: Epoch | None = None


ProgressCallback = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """Do nothing. This is the default callback."""
