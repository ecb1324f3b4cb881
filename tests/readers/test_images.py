"""Pictures of every make are read alike, and what is none is refused with a reason."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesearch.errors import Unreadable
from aesearch.readers import images


@pytest.fixture
def scene() -> Image.Image:
    """300 x 200, a ramp with a bright corner, so that every turn of it looks different."""
    ramp = np.linspace(0, 200, 300)[None, :] * np.linspace(0.3, 1, 200)[:, None]
    pixels = np.stack([ramp, ramp[:, ::-1], np.full_like(ramp, 60)], axis=2).astype(np.uint8)
    pixels[:60, :60] = 255
    return Image.fromarray(pixels)


def read(path: Path) -> Image.Image:
    (item,) = images.read(path)
    assert isinstance(item.content, Image.Image)
    assert item.digest
    return item.content


def small(picture: Image.Image, mode: str = "RGB") -> np.ndarray:
    return np.asarray(picture.convert(mode).resize((15, 10), Image.Resampling.BOX), float)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "gif", "bmp", "tif", "ppm"])
def test_every_format_gives_the_same_picture(ending: str, scene: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / f"scene.{ending}"
    scene.save(path)
    found = read(path)
    assert found.mode == "RGB"
    assert np.abs(small(found) - small(scene)).mean() < 6  # JPEG, WebP and GIF lose a little


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_one_scene_is_read_upright(orientation: int, scene: Image.Image, tmp_path: Path) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = scene.transpose(turns[orientation]) if orientation > 1 else scene
    exif = Image.Exif()
    exif[images.EXIF_ORIENTATION] = orientation
    stored.save(tmp_path / "scene.jpg", exif=exif, quality=95)
    assert np.abs(small(read(tmp_path / "scene.jpg")) - small(scene)).mean() < 4


@pytest.mark.parametrize(
    ("mode", "ending", "expected"), [("CMYK", "jpg", "RGB"), ("P", "png", "RGB"), ("1", "png", "L"), ("LA", "png", "L")]
)
def test_odd_modes_become_color_or_gray(mode: str, ending: str, expected: str, scene: Image.Image, tmp_path: Path) -> None:
    (scene.convert("L") if mode == "LA" else scene).convert(mode).save(tmp_path / f"odd.{ending}")
    found = read(tmp_path / f"odd.{ending}")
    assert found.mode == expected
    assert np.abs(small(found, "L") - small(scene, "L")).mean() < 30


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    Image.new("RGBA", (50, 50), (200, 0, 0, 0)).save(tmp_path / "clear.png")
    assert read(tmp_path / "clear.png").getextrema() == ((255, 255),) * 3


def test_sixteen_bits_are_stretched_from_darkest_to_brightest(tmp_path: Path) -> None:
    pixels = np.linspace(1000, 4000, 50 * 60).reshape(50, 60).astype(np.uint16)  # a 12-bit camera's
    Image.fromarray(pixels).save(tmp_path / "deep.png")
    found = np.asarray(read(tmp_path / "deep.png"), float)
    np.testing.assert_allclose(found, (pixels - 1000.0) * 255 / 3000, atol=1)


def test_an_animation_is_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    red, green, blue = np.asarray(read(tmp_path / "moving.gif"))[5, 5].tolist()
    assert red > 250
    assert green == blue == 0


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_large_picture_is_read_small_but_not_below_the_detail(ending: str, tmp_path: Path) -> None:
    Image.new("RGB", (3000, 1200), "green").save(tmp_path / f"large.{ending}")
    found = read(tmp_path / f"large.{ending}")
    assert images.DETAIL <= min(found.size) < 2 * images.DETAIL + 2
    assert found.width / found.height == pytest.approx(2.5, rel=0.02)


def test_a_small_picture_keeps_its_pixels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "digit.png")
    np.testing.assert_array_equal(np.asarray(read(tmp_path / "digit.png")), pixels)


def test_the_content_decides_and_not_the_name(scene: Image.Image, tmp_path: Path) -> None:
    scene.save(tmp_path / "scene.png")
    (tmp_path / "scene.png").rename(tmp_path / "scene.jpg")
    np.testing.assert_allclose(small(read(tmp_path / "scene.jpg")), small(scene), atol=2)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"<html>no picture</html>", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not a picture"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_reason(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "odd.jpg").write_bytes(content)
    with pytest.raises(Unreadable, match=says):
        read(tmp_path / "odd.jpg")


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "gif", "tif"])
def test_a_truncated_picture_is_refused_or_read(ending: str, scene: Image.Image, tmp_path: Path) -> None:
    whole = io.BytesIO()
    scene.save(whole, {"jpg": "jpeg", "tif": "tiff"}.get(ending, ending))
    refused = 0
    for share in (0.05, 0.3, 0.6, 0.9):
        (tmp_path / f"cut.{ending}").write_bytes(whole.getvalue()[: int(share * len(whole.getvalue()))])
        try:
            read(tmp_path / f"cut.{ending}")
        except Unreadable as error:
            refused += 1
            assert error.why  # noqa: PT017  # either outcome is fine, a reason is owed
    assert refused


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    for side in (11_000, 30_000):
        Image.new("1", (side, side)).save(tmp_path / "bomb.png")
        with pytest.raises(Unreadable, match="pixels; scale it down"):
            read(tmp_path / "bomb.png")


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_file_that_claims_too_much_is_refused_though_it_would_be_decoded_to_less(
    progressive: bool, scene: Image.Image, tmp_path: Path
) -> None:
    whole = io.BytesIO()
    scene.save(whole, "jpeg", progressive=progressive)
    raw = bytearray(whole.getvalue())
    frame = raw.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    raw[frame + 5 : frame + 9] = (30_000).to_bytes(2) * 2  # height and width
    (tmp_path / "bomb.jpg").write_bytes(raw)
    with pytest.raises(Unreadable, match="pixels; scale it down"):
        read(tmp_path / "bomb.jpg")
