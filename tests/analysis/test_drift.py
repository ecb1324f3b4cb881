import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aesearch.analysis.drift import MIN_ITEMS, measure_drift
from aesearch.index.retriever import Retriever


def keep(texts: list[str]) -> list[str]:
    return texts


def replace_words(texts: list[str]) -> list[str]:
    """Replace each text by random words of all texts: its two halves then have no subject in common."""
    words = np.array(" ".join(texts).split())
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(words, len(text.split()))) for text in texts]


@pytest.mark.parametrize(("change", "is_significant"), [(keep, False), (replace_words, True)])
def test_drift_is_significant_for_unrelated_texts(
    change: Callable[[list[str]], list[str]], is_significant: bool, documentation_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "texts"
    shutil.copytree(documentation_folder / "train", folder)
    index = Retriever.build(folder, coder="lsa", code_size=32)
    assert measure_drift(index) is None  # nothing was added
    new_texts = change([path.read_text() for path in sorted((documentation_folder / "test").rglob("*.txt"))[:150]])
    for n_added in (50, 100, 150):  # in several steps, as several processes would add them
        index.save(tmp_path / "index")
        index = Retriever.load(tmp_path / "index")
        for number in range(n_added - 50, n_added):
            (folder / f"new{number}.txt").write_text(new_texts[number])
        index.sync(index.source_files())
        assert (measure_drift(index) is None) == (n_added < MIN_ITEMS)
    drift = measure_drift(index)
    assert drift is not None
    assert drift.n_items == 150
    assert index.record.score is not None
    assert drift.training_score == index.record.score.value
    assert drift.is_significant == is_significant, drift
