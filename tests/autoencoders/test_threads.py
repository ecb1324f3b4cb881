"""A training uses the same number of threads on all machines, so that equal seeds give equal codes."""

import numpy as np
import pytest
import torch

from aesearch.autoencoders.threads import TRAINING_THREADS, training_threads
from aesearch.catalog import create_coder


@pytest.fixture(autouse=True)
def _restore_threads() -> object:
    n_threads = torch.get_num_threads()
    yield
    torch.set_num_threads(n_threads)


def test_codes_do_not_depend_on_the_number_of_cores(vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    codes = []
    for n_threads in (1, 4):  # the default of torch on machines with 1 and 4 cores
        torch.set_num_threads(n_threads)
        coder = create_coder("neighbors", code_size=8, rounds=1, first_steps=20, device="cpu").fit(vectors)
        assert torch.get_num_threads() == n_threads
        codes.append(coder.encode(vectors))
    np.testing.assert_allclose(*codes, atol=1e-6)  # encoding uses the threads of the machine


def test_omp_num_threads_decides_if_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with training_threads():
        assert torch.get_num_threads() == 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    with training_threads():
        assert torch.get_num_threads() == TRAINING_THREADS
    assert torch.get_num_threads() == 1
