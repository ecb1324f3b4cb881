"""Small folders of documents and images, cheap indexes of them, and helpers that several modules use."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aesearch.index.progress import Progress
from aesearch.index.retriever import Retriever

TOPICS = {
    "files": "file folder path name write read open close",
    "networks": "socket server client port listen connect packet address",
    "threads": "thread process lock wait queue signal start join",
}
COMMON_WORDS = "the program then calls one more function and returns"
N_NOTES_PER_TOPIC = 20
N_IMAGES = 60


class Interrupted(Exception):
    """Stands for a killed process."""


def make_text(topic: str, seed: int) -> str:
    rng = random.Random(f"{topic} {seed}")
    return " ".join(rng.choices(TOPICS[topic].split(), k=12) + rng.choices(COMMON_WORDS.split(), k=6) + [f"{topic}{seed}"])


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Return a folder of 60 documents, notes/TOPIC/NUMBER.txt."""
    for topic in TOPICS:
        (tmp_path / "notes" / topic).mkdir(parents=True)
        for number in range(N_NOTES_PER_TOPIC):
            (tmp_path / "notes" / topic / f"{number:02}.txt").write_text(make_text(topic, number))
    return tmp_path / "notes"


@pytest.fixture
def notes_index(notes: Path, tmp_path: Path) -> Path:
    """Return the folder of an index of `notes`: latent semantic analysis, 16 dimensions."""
    Retriever.build(notes, coder="lsa", code_size=16).save(tmp_path / "index")
    return tmp_path / "index"


@pytest.fixture(scope="session")
def image_folder(digits: np.ndarray, digit_labels: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 60 images, LABEL/NUMBER.png."""
    folder = tmp_path_factory.mktemp("images")
    for number in range(N_IMAGES):
        path = folder / str(digit_labels[number]) / f"{number:03}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(digits[number, 0]).save(path)
    return folder


@pytest.fixture(scope="session")
def image_index(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an index of `image_folder`: PCA, 16 dimensions. Do not change it."""
    folder = tmp_path_factory.mktemp("indexes") / "images"
    Retriever.build(image_folder, coder="pca", code_size=16).save(folder)
    return folder


@pytest.fixture(scope="session")
def snapshot() -> Callable[[Retriever], tuple[Any, ...]]:
    """Return a function that returns what an index holds: rows and files of the ledger, skips, and codes."""

    def take_snapshot(retriever: Retriever) -> tuple[Any, ...]:
        rows = list(retriever.ledger.all_rows())
        codes = retriever.store.codes(np.array([row.key for row in rows]))
        return rows, retriever.ledger.files(), retriever.ledger.skipped, np.round(codes, 4).tolist()

    return take_snapshot


@pytest.fixture(scope="session")
def interrupted() -> type[Exception]:
    """Return the exception that the callbacks of `interrupt_at` raise."""
    return Interrupted


@pytest.fixture(scope="session")
def interrupt_at() -> Callable[[str, int], Callable[[Progress], None]]:
    """Return a function that makes a progress callback, which raises Interrupted at the n-th report of a stage."""

    def make_callback(stage: str, number: int) -> Callable[[Progress], None]:
        n_reports = 0

        def on_progress(progress: Progress) -> None:
            nonlocal n_reports
            n_reports += progress.stage == stage
            if progress.stage == stage and n_reports == number:
                raise Interrupted

        return on_progress

    return make_callback
