"""Number of threads of a training."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits

TRAINING_THREADS = 2
"""Threads of a training on the CPU. The number is the same on all machines, because sums that are split among threads are
rounded differently for each number of threads: with it, a seed would give another model."""


@contextmanager
def training_threads() -> Iterator[None]:
    """Use TRAINING_THREADS threads in torch, and in the BLAS and OpenMP libraries of NumPy, FAISS and scikit-learn.

    If the environment variable OMP_NUM_THREADS sets another number, it is used instead.
    """
    n_threads = torch.get_num_threads()
    n_training_threads = n_threads if "OMP_NUM_THREADS" in os.environ else TRAINING_THREADS
    torch.set_num_threads(n_training_threads)
    try:
        with threadpool_limits(n_training_threads):
            yield
    finally:
        torch.set_num_threads(n_threads)
