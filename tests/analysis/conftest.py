"""Indexes that several modules analyze."""

from pathlib import Path

import pytest

from aesearch.index.retriever import Retriever


@pytest.fixture(scope="session")
def pca_index(digit_folder: Path) -> Retriever:
    """Return an index of the training digits: PCA, 16 dimensions."""
    return Retriever.build(digit_folder / "train", coder="pca", code_size=16)


@pytest.fixture(scope="session")
def whitened_index(digit_folder: Path) -> Retriever:
    """Return an index of the test digits: whitened PCA, 16 dimensions."""
    return Retriever.build(digit_folder / "test", coder="pca-whitened", code_size=16)
