"""The automatic choice as a coder: it encodes, decodes and saves as the coder that it has chosen."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch.arrays import read_json, write_json
from aesearch.autoencoders import neighbors
from aesearch.catalog import create_coder
from aesearch.coders.auto import AutoCoder, list_candidates
from aesearch.coders.base import CONFIG_FILE
from aesearch.coders.loading import load_coder
from aesearch.errors import CorruptIndex, InvalidParameter


def test_auto_coder_does_what_the_chosen_one_does(vectors: np.ndarray, tmp_path: Path) -> None:
    X = vectors[:90]
    coder = AutoCoder(8).fit(X)
    chosen = coder.resolve()
    assert (chosen.name, coder.metric, coder.code_size) == ("pca-whitened", chosen.metric, 8)
    codes = coder.encode(X)
    np.testing.assert_array_equal(codes, chosen.encode(X))
    np.testing.assert_array_equal(coder.decode(np.asarray(codes)), chosen.decode(np.asarray(codes)))
    np.testing.assert_array_equal(coder.rerank_features(X), chosen.rerank_features(X))
    coder.save(tmp_path)
    loaded = load_coder(tmp_path)
    assert loaded.name == "pca-whitened"
    np.testing.assert_array_equal(loaded.encode(X), codes)


def test_saved_coder_that_is_named_auto_is_corrupt(vectors: np.ndarray, tmp_path: Path) -> None:
    AutoCoder(8).fit(vectors[:90]).save(tmp_path)
    config = read_json(tmp_path / CONFIG_FILE)
    write_json(tmp_path / CONFIG_FILE, {**config, "coder": "auto", "params": {}})
    with pytest.raises(CorruptIndex, match="saved under its own name"):
        load_coder(tmp_path)


def test_warnings_of_all_candidates_are_kept(vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    short = neighbors.IMAGE_DEFAULTS._replace(rounds=2, first_steps=1, steps_per_round=1)
    monkeypatch.setattr(neighbors, "IMAGE_DEFAULTS", short)
    coder = AutoCoder(8, budget=1e-3).fit(vectors[:300])
    assert coder.resolve().name != "neighbors"  # one step of training teaches it nothing
    assert "the budget of 0.001 seconds ended the training early" in coder.training_warnings()[0]


def test_parameter_of_a_network_is_refused_with_a_remedy() -> None:
    with pytest.raises(InvalidParameter, match=r'coder "auto" has no parameter "rounds".*"neighbors" \(--coder\)'):
        create_coder("auto", rounds=3)


def test_candidates_depend_on_kind_and_number_of_items(bags: Any, digits: np.ndarray, vectors: np.ndarray) -> None:
    def names(X: Any, n_items: int, *, fixed_size: bool = False) -> list[str]:
        return [name for name, _ in list_candidates(X, n_items, 8, fixed_size=fixed_size)]

    assert names(bags, 499) == ["raw"]
    assert names(bags, 499, fixed_size=True) == ["lsa"]
    assert names(bags, 500) == ["blend", "blend", "lsa"]
    assert names(digits, 99) == ["descriptors"]
    assert names(digits, 100) == ["neighbors", "descriptors", "pca-whitened"]
    assert names(vectors, 99) == ["pca-whitened"]
    assert names(vectors, 100) == ["neighbors", "pca-whitened", "pca"]
