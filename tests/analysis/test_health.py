import os
import shutil
from pathlib import Path

import pytest

import aesearch
from aesearch.analysis.health import check_health
from aesearch.index.retriever import Retriever


@pytest.fixture
def index_folder(digit_folder: Path, tmp_path: Path) -> Path:
    """Return the folder of an index of 20 images."""
    (tmp_path / "images").mkdir()
    for path in sorted((digit_folder / "test" / "0").iterdir())[:20]:
        shutil.copy(path, tmp_path / "images")
    Retriever.build(tmp_path / "images", coder="pca", code_size=4).save(tmp_path / "index")
    return tmp_path / "index"


def test_environment_is_described() -> None:
    facts = check_health(None)
    assert facts["aesearch"] == aesearch.__version__
    assert facts["cpu_count"] == os.cpu_count()
    assert "extra maps" in facts
    assert "index" not in facts


def test_intact_index_passes(index_folder: Path) -> None:
    facts = check_health(index_folder)
    assert facts["loads"] == "yes, 20 images, coder pca"
    assert facts["checksums"] == "match"
    assert facts["pending_update"] == "0 new, 0 changed and 0 removed files"
    assert "error" not in facts


def test_pending_update_counts_files(index_folder: Path) -> None:
    images = index_folder.parent / "images"
    first, second, third, *_ = sorted(images.iterdir())
    shutil.copy(first, images / "new.png")
    second.write_bytes(third.read_bytes() + b" ")
    third.unlink()
    assert check_health(index_folder)["pending_update"] == "1 new, 1 changed and 1 removed files"


def test_corrupt_index_is_reported(index_folder: Path) -> None:
    part = next(path for path in index_folder.rglob("*.safetensors"))
    part.write_bytes(part.read_bytes()[:-1])
    assert part.name in check_health(index_folder)["error"]


def test_missing_index_is_reported(tmp_path: Path) -> None:
    assert "no index" in check_health(tmp_path / "nothing")["error"]
