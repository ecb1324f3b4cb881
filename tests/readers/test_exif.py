"""The time, the camera and the place of a photo are its metadata; damaged EXIF costs only itself."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from aesearch.readers.folder import read_files


def write_photo(path: Path, exif: Any) -> None:
    Image.effect_noise((80, 60), 50).save(path, exif=exif)


def make_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0110] = "X100 \x00"
    exif[0x0132] = "2024:05:06 07:08:09"
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2023:01:02 03:04:05"
    exif.get_ifd(0x8825).update({1: "S", 2: (33, 30, Fraction(36)), 3: "E", 4: (151, 12, 0)})
    return exif


@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_time_camera_and_place_are_read(ending: str, tmp_path: Path) -> None:
    write_photo(tmp_path / f"a.{ending}", make_exif())
    for start_workers in (False, True):
        (item,) = read_files(tmp_path, start_workers=start_workers)
        assert item.metadata == {
            "taken": "2023-01-02T03:04:05",
            "camera": "X100",
            "latitude": pytest.approx(-33.51),
            "longitude": pytest.approx(151.2),
        }


@pytest.mark.parametrize("exif", [b"Exif\x00\x00II*\x00\xff\xff\xff\xff", b"Exif\x00\x00" + bytes(40), b"garbage" * 9])
def test_damaged_metadata_cost_only_themselves(exif: bytes, tmp_path: Path) -> None:
    write_photo(tmp_path / "a.jpg", exif)
    (item,) = read_files(tmp_path)
    assert item.metadata == {}


def test_malformed_fields_are_left_out(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0132] = "0000:00:00 00:00:00"
    exif.get_ifd(0x8825).update({2: (900, 0, 0), 4: (1, 2)})
    write_photo(tmp_path / "a.jpg", exif)
    (item,) = read_files(tmp_path)
    assert item.metadata == {}
