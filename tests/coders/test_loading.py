"""Loading a coder checks what it reads."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch.arrays import read_json, write_json
from aesearch.coders.base import CONFIG_FILE
from aesearch.coders.itq import ITQ
from aesearch.coders.linear import PCA
from aesearch.coders.loading import load_coder
from aesearch.errors import CorruptIndex


@pytest.fixture
def folder(digits: np.ndarray, tmp_path: Path) -> Path:
    """Return the folder of a saved coder."""
    PCA(8).fit(digits).save(tmp_path)
    return tmp_path


def test_catalog_name_is_restored(digits: np.ndarray, tmp_path: Path) -> None:
    PCA(8, whiten=True).fit(digits).save(tmp_path)
    assert load_coder(tmp_path).name == "pca-whitened"


def test_itq_is_loaded_with_its_base(digits: np.ndarray, tmp_path: Path) -> None:
    itq = ITQ(PCA(8), rounds=3, seed=5).fit(digits)
    itq.save(tmp_path)
    loaded = load_coder(tmp_path)
    assert isinstance(loaded, ITQ)
    assert (loaded.get_params(), loaded.base.get_params()) == (itq.get_params(), itq.base.get_params())
    np.testing.assert_array_equal(loaded.encode(digits), itq.encode(digits))
    np.testing.assert_array_equal(loaded.decode(loaded.encode(digits)), itq.decode(itq.encode(digits)))


@pytest.mark.parametrize(
    "changes",
    [
        {"coder": "nonsense"},
        {"coder": None},
        {"params": {"color": "red"}},
        {"params": None},
        {"state": {}},
        {"state": None},
    ],
    ids=str,
)
def test_config_with_a_wrong_value_is_corrupt(folder: Path, changes: dict[str, Any]) -> None:
    write_json(folder / CONFIG_FILE, read_json(folder / CONFIG_FILE) | changes)
    with pytest.raises(CorruptIndex, match=r"config\.json"):
        load_coder(folder)


@pytest.mark.parametrize("key", ["coder", "params", "state"])
def test_config_without_a_key_is_corrupt(folder: Path, key: str) -> None:
    config = read_json(folder / CONFIG_FILE)
    del config[key]
    write_json(folder / CONFIG_FILE, config)
    with pytest.raises(CorruptIndex, match=key):
        load_coder(folder)
