"""Of raw files, the largest preview is read, upright and with the metadata of the file."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from aesearch.readers.folder import read_files


def jpeg(width: int, height: int, color: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), color).save(buffer, "JPEG")
    return buffer.getvalue()


def write_raw(path: Path, *previews: bytes) -> None:
    """Write the structure of a raw file: a TIFF header with a camera, a date and an orientation, sensor data, previews."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[0x0110], tags[0x0132], tags[0x0112] = "Z 6", "2024:05:06 07:08:09", 6
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 65535, (50, 60), np.uint16)
    Image.fromarray(noise).save(buffer, "TIFF", tiffinfo=tags)
    path.write_bytes(buffer.getvalue() + b"\xff\xd8\xff\xe1 no image" + b"".join(previews) + bytes(100))


@pytest.mark.parametrize("ending", ["nef", "DNG", "cr2"])
def test_largest_preview_is_read_upright(ending: str, tmp_path: Path) -> None:
    write_raw(tmp_path / f"a.{ending}", jpeg(32, 24, "blue"), jpeg(320, 240, "red"), jpeg(160, 120, "green"))
    (item,) = read_files(tmp_path)
    pixels = np.asarray(item.content)
    assert pixels.shape[0] > pixels.shape[1]  # it was taken upright
    assert pixels.reshape(-1, 3).mean(0) == pytest.approx([254, 0, 0], abs=3)
    assert item.metadata == {"taken": "2024-05-06T07:08:09", "camera": "Z 6"}


def test_raw_file_without_preview_is_skipped(tmp_path: Path) -> None:
    write_raw(tmp_path / "a.nef")
    write_raw(tmp_path / "b.nef", jpeg(64, 48, "red"))
    (tmp_path / "c.nef").write_bytes((tmp_path / "b.nef").read_bytes()[:-600])
    files = read_files(tmp_path)
    assert [item.id for item in files] == ["b.nef"]
    assert "no preview" in files.skipped["a.nef"].reason
    assert "c.nef" in files.skipped
