"""Items that the coder was not made for are told from more of the same."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aesearch.analysis.drift import LEAST, drift
from aesearch.index.retriever import Retriever


def more_of_the_same(texts: list[str]) -> list[str]:
    return texts


def words_of_any_subject(texts: list[str]) -> list[str]:
    """As many words as each has, drawn from all of them: there is no subject for two halves to share."""
    words = np.array(" ".join(texts).split())
    draw = np.random.default_rng(0)
    return [" ".join(draw.choice(words, len(text.split()))) for text in texts]


@pytest.mark.parametrize(("change", "clear"), [(more_of_the_same, False), (words_of_any_subject, True)])
def test_what_the_coder_was_not_made_for_is_told(
    change: Callable[[list[str]], list[str]], clear: bool, documentation_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(documentation_folder / "train", tmp_path / "notes")
    index = Retriever.build(tmp_path / "notes", coder="lsa", code_size=32)
    assert drift(index) is None  # nothing was added
    new = change([path.read_text() for path in sorted((documentation_folder / "test").rglob("*.txt"))[:150]])
    for part in range(3):  # few at a time, and in other processes
        index.save(tmp_path / "index")
        index = Retriever.load(tmp_path / "index")
        for number in range(50 * part, 50 * part + 50):
            (tmp_path / "notes" / f"new{number}.txt").write_text(new[number])
        index.update(index.source_files())
        assert (drift(index) is None) == (50 * part + 50 < LEAST)
    found = drift(index)
    assert found is not None
    assert found.items == 150
    assert found.trained == index.record.agreement
    assert found.clear == clear, found
