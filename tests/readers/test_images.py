"""Images of every format and mode are read alike; everything else is refused with a reason."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesearch.errors import Unreadable
from aesearch.readers import images


@pytest.fixture
def scene() -> Image.Image:
    """300 x 200 pixels: a ramp with a bright corner, so that every rotation looks different."""
    ramp = np.linspace(0, 200, 300)[None, :] * np.linspace(0.3, 1, 200)[:, None]
    pixels = np.stack([ramp, ramp[:, ::-1], np.full_like(ramp, 60)], axis=2).astype(np.uint8)
    pixels[:60, :60] = 255
    return Image.fromarray(pixels)


def read(path: Path) -> Image.Image:
    (item,) = images.read(path)
    assert isinstance(item.content, Image.Image)
    return item.content


def thumbnail(image: Image.Image, mode: str = "RGB") -> np.ndarray:
    return np.asarray(image.convert(mode).resize((15, 10), Image.Resampling.BOX), float)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "gif", "bmp", "tif", "ppm"])
def test_formats_are_read_alike(ending: str, scene: Image.Image, tmp_path: Path) -> None:
    scene.save(tmp_path / f"scene.{ending}")
    found = read(tmp_path / f"scene.{ending}")
    assert found.mode == "RGB"
    assert np.abs(thumbnail(found) - thumbnail(scene)).mean() < 6  # JPEG, WebP and GIF lose a little


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int, scene: Image.Image, tmp_path: Path) -> None:
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = scene.transpose(inverse[orientation]) if orientation > 1 else scene
    exif = Image.Exif()
    exif[images.EXIF_ORIENTATION] = orientation
    stored.save(tmp_path / "scene.jpg", exif=exif, quality=95)
    assert np.abs(thumbnail(read(tmp_path / "scene.jpg")) - thumbnail(scene)).mean() < 4


@pytest.mark.parametrize(
    ("mode", "ending", "expected"), [("CMYK", "jpg", "RGB"), ("P", "png", "RGB"), ("1", "png", "L"), ("LA", "png", "L")]
)
def test_modes_become_rgb_or_gray(mode: str, ending: str, expected: str, scene: Image.Image, tmp_path: Path) -> None:
    (scene.convert("L") if mode == "LA" else scene).convert(mode).save(tmp_path / f"image.{ending}")
    found = read(tmp_path / f"image.{ending}")
    assert found.mode == expected
    assert np.abs(thumbnail(found, "L") - thumbnail(scene, "L")).mean() < 30


def test_transparent_pixels_become_white(tmp_path: Path) -> None:
    Image.new("RGBA", (50, 50), (200, 0, 0, 0)).save(tmp_path / "clear.png")
    assert read(tmp_path / "clear.png").getextrema() == ((255, 255),) * 3


def test_sixteen_bit_image_is_stretched(tmp_path: Path) -> None:
    pixels = np.linspace(1000, 4000, 50 * 60).reshape(50, 60).astype(np.uint16)  # like a camera of 12 bits
    Image.fromarray(pixels).save(tmp_path / "deep.png")
    found = np.asarray(read(tmp_path / "deep.png"), float)
    np.testing.assert_allclose(found, (pixels - 1000.0) * 255 / 3000, atol=1)


def test_animation_is_read_as_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "animation.gif", save_all=True, append_images=frames[1:])
    red, green, blue = np.asarray(read(tmp_path / "animation.gif"))[5, 5].tolist()
    assert red > 250
    assert green == blue == 0


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_large_image_is_reduced_to_the_minimum_side(ending: str, tmp_path: Path) -> None:
    Image.new("RGB", (3000, 1200), "green").save(tmp_path / f"large.{ending}")
    found = read(tmp_path / f"large.{ending}")
    assert images.MIN_SIDE_PIXELS <= min(found.size) < 2 * images.MIN_SIDE_PIXELS + 2
    assert found.width / found.height == pytest.approx(2.5, rel=0.02)


def test_small_image_keeps_its_pixels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "digit.png")
    np.testing.assert_array_equal(np.asarray(read(tmp_path / "digit.png")), pixels)


def test_image_is_read_at_the_requested_size(scene: Image.Image, tmp_path: Path) -> None:
    scene.save(tmp_path / "scene.png")
    for size in ((12, 20), (250, 180), (300, 200)):
        (item,) = images.read(tmp_path / "scene.png", size)
        assert isinstance(item.content, Image.Image)
        assert item.content.size == size
        assert np.abs(thumbnail(item.content) - thumbnail(scene)).mean() < 6


def test_content_decides_the_format(scene: Image.Image, tmp_path: Path) -> None:
    scene.save(tmp_path / "scene.png")
    (tmp_path / "scene.png").rename(tmp_path / "scene.jpg")
    np.testing.assert_allclose(thumbnail(read(tmp_path / "scene.jpg")), thumbnail(scene), atol=2)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"<html>no image</html>", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not an image"),
    ],
    ids=["empty", "HTML", "EPS"],
)
def test_other_content_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "odd.jpg").write_bytes(content)
    with pytest.raises(Unreadable, match=reason):
        read(tmp_path / "odd.jpg")
    assert images.load_image(str(tmp_path / "odd.jpg")) is None


def test_load_image_returns_none_for_a_missing_file(scene: Image.Image, tmp_path: Path) -> None:
    assert images.load_image(str(tmp_path / "scene.png")) is None
    scene.save(tmp_path / "scene.png")
    loaded = images.load_image(str(tmp_path / "scene.png"))
    assert loaded is not None
    assert loaded.mode == "RGB"


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "gif", "tif"])
def test_truncated_image_is_read_or_refused_with_a_reason(ending: str, scene: Image.Image, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    scene.save(buffer, {"jpg": "jpeg", "tif": "tiff"}.get(ending, ending))
    content = buffer.getvalue()
    refused = []
    for share in (0.05, 0.3, 0.6, 0.9):
        (tmp_path / f"cut.{ending}").write_bytes(content[: int(share * len(content))])
        try:
            read(tmp_path / f"cut.{ending}")
        except Unreadable as error:
            refused.append(error.reason)
    assert refused
    assert all(refused)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [11_000, 14_000], ids=["above our limit", "above Pillow's limit"])
def test_decompression_bomb_is_refused(side: int, tmp_path: Path) -> None:
    Image.new("1", (side, side)).save(tmp_path / "bomb.png")
    with pytest.raises(Unreadable, match="pixels; scale it down"):
        read(tmp_path / "bomb.png")


@pytest.mark.parametrize("is_progressive", [False, True], ids=["baseline", "progressive"])
def test_jpeg_that_declares_too_many_pixels_is_refused(is_progressive: bool, scene: Image.Image, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    scene.save(buffer, "jpeg", progressive=is_progressive)
    content = bytearray(buffer.getvalue())
    frame = content.index(b"\xff\xc2" if is_progressive else b"\xff\xc0")
    content[frame + 5 : frame + 9] = (30_000).to_bytes(2) * 2  # height and width
    (tmp_path / "bomb.jpg").write_bytes(content)
    with pytest.raises(Unreadable, match="pixels; scale it down"):
        read(tmp_path / "bomb.jpg")
