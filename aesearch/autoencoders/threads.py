"""Number of threads of a training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits

TRAINING_THREADS = 2
"""Threads of a training on the CPU. The number is the same on all machines, because sums that are split among threads are
rounded differently for each number of threads: with it, a seed would give another model."""


@contextmanager
def training_threads() -> Iterator[None]:
    """Use TRAINING_THREADS threads in torch, and in the BLAS and OpenMP libraries of NumPy, FAISS and scikit-learn."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(TRAINING_THREADS)
    try:
        with threadpool_limits(TRAINING_THREADS):
            yield
    finally:
        torch.set_num_threads(n_threads)
