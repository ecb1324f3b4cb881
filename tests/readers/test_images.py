"""Images of every format and mode are read alike; everything else is refused with a reason."""

import io
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from aesearch.catalog.readers import IMAGE_ENDINGS
from aesearch.errors import MissingExtra, Unreadable
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


def test_name_endings_are_those_of_pillow() -> None:
    Image.init()
    excluded = {"PDF", "PALM", "EPS", "BUFR", "GRIB", "HDF5", "MPEG", "WMF", "IPTC"}  # not decoded, or no images
    excluded |= {"IM", "HEIF"}  # deprecated in Pillow 13; registered by pi-heif
    pillow = {ending for ending, name in Image.EXTENSION.items() if name not in excluded}
    assert set(IMAGE_ENDINGS.split()) == pillow
    assert set(images.FORMATS_BY_ENDING) <= pillow
    opened = {*images.COMMON_FORMATS, *images.OTHER_FORMATS, *images.FORMATS_BY_ENDING.values()}
    assert opened == {Image.EXTENSION[ending] for ending in pillow} & Image.OPEN.keys()
    assert all(Image.OPEN[name][1] is not None for name in images.OTHER_FORMATS)  # each has a signature


@pytest.mark.parametrize("ending", ["avif", "jp2", "tga", "qoi", "ico", "dds", "pcx", "sgi", "dib"])
def test_rare_formats_are_read_alike(ending: str, scene: Image.Image, tmp_path: Path) -> None:
    scene.save(tmp_path / f"scene.{ending}")
    found = read(tmp_path / f"scene.{ending}")
    assert found.mode == "RGB"
    assert np.abs(thumbnail(found) - thumbnail(scene)).mean() < 6


def test_format_without_a_signature_is_chosen_by_the_name(scene: Image.Image, tmp_path: Path) -> None:
    scene.save(tmp_path / "scene.tga")
    (tmp_path / "scene.tga").rename(tmp_path / "scene.jpg")
    with pytest.raises(Unreadable, match="not an image of a supported format"):
        read(tmp_path / "scene.jpg")


def test_layers_of_a_composite_are_no_frames(tmp_path: Path) -> None:
    layer = struct.pack(">4IH", 0, 0, 1, 1, 1) + struct.pack(">hI", 0, 3) + b"8BIMnorm" + bytes([255, 0, 0, 0]) + bytes(4)
    layers = struct.pack(">h", 2) + 2 * layer + 2 * (bytes(2) + b"\x10")
    layers += bytes(len(layers) % 2)
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 1, 20, 30, 8, 1) + bytes(8)
    section = struct.pack(">I", len(layers)) + layers
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
    content = header + struct.pack(">I", len(section)) + section + bytes(2) + pixels.tobytes()
    (tmp_path / "layers.psd").write_bytes(content)
    (item,) = images.read(tmp_path / "layers.psd")
    assert item.warning is None
    np.testing.assert_array_equal(np.asarray(item.content), pixels)


def test_second_image_of_a_stereo_photo_is_named(scene: Image.Image, tmp_path: Path) -> None:
    scene.save(tmp_path / "stereo.mpo", save_all=True, append_images=[scene])
    (item,) = images.read(tmp_path / "stereo.mpo")
    assert item.warning == "only the first of 2 frames or pages was read"


def test_missing_library_for_heic_names_the_pip_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)  # as if it were not installed
    (tmp_path / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(MissingExtra, match=r"pip install 'aesearch\[heic\]'"):
        read(tmp_path / "photo.heic")
    assert images.load_image(str(tmp_path / "photo.heic")) is None


def test_damaged_heic_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pi_heif")
    (tmp_path / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    with pytest.raises(Unreadable, match="damaged"):
        read(tmp_path / "photo.heic")


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


def draw(color: tuple[int, int, int], second: tuple[int, int, int] | None = None) -> Image.Image:
    """Return a drawing of bars in one or two colors on a transparent ground."""
    image = Image.new("RGBA", (60, 60), (90, 90, 90, 0))
    image.paste((*color, 255), (10, 5, 20, 55))
    image.paste((*(second or color), 255), (40, 5, 50, 55))
    return image


@pytest.mark.parametrize(
    ("color", "second", "background"),
    [
        ((0, 0, 0), None, 255),
        ((200, 0, 0), None, 255),
        ((128, 128, 128), None, 255),
        ((255, 255, 255), None, 0),
        ((240, 240, 240), None, 0),
        ((255, 255, 0), None, 0),
        ((0, 0, 0), (255, 255, 255), 128),
    ],
    ids=["black", "red", "gray", "white", "near white", "yellow", "black and white"],
)
def test_background_of_a_transparent_drawing_shows_it(
    color: tuple[int, int, int], second: tuple[int, int, int] | None, background: int, tmp_path: Path
) -> None:
    draw(color, second).save(tmp_path / "drawing.png")
    pixels = np.asarray(read(tmp_path / "drawing.png"))
    assert pixels[0, 0].tolist() == [background] * 3
    assert pixels[20, 15].tolist() == list(color)
    assert pixels[20, 45].tolist() == list(second or color)


@pytest.mark.parametrize("mode", ["LA", "PA"])
def test_white_drawing_is_visible_in_every_mode(mode: str, tmp_path: Path) -> None:
    image = draw((255, 255, 255))
    (image.convert("LA") if mode == "LA" else image.quantize(8)).save(tmp_path / "drawing.png")
    pixels = np.asarray(read(tmp_path / "drawing.png").convert("L"))
    assert pixels[20, 15] > 250
    assert pixels[0, 0] < 5


def test_invisible_image_becomes_white(tmp_path: Path) -> None:
    Image.new("RGBA", (50, 50), (200, 0, 0, 0)).save(tmp_path / "clear.png")
    assert read(tmp_path / "clear.png").getextrema() == ((255, 255),) * 3


RAMP = np.linspace(100, 900, 50 * 60, dtype=np.float32).reshape(50, 60)
SHADES = (RAMP - 100) * (255 / 800)


@pytest.mark.parametrize(
    ("missing", "share"),
    [
        (np.nan, 0.3),
        (np.inf, 0.001),
        (-np.inf, 0.3),
        (-9999, 0.3),
        (3.4028235e38, 0.3),
        (-3.4028235e38, 0.001),
        (1e20, 0.0005),
        (65535, 0.2),
    ],
)
def test_float_image_is_stretched_over_its_valid_pixels(missing: float, share: float, tmp_path: Path) -> None:
    pixels = RAMP.copy()
    is_missing = np.random.default_rng(0).random(pixels.shape) < share
    pixels[is_missing] = missing
    Image.fromarray(pixels).save(tmp_path / "heights.tif")
    found = np.asarray(read(tmp_path / "heights.tif"), float)
    np.testing.assert_allclose(found[~is_missing], SHADES[~is_missing], atol=2)
    assert set(found[is_missing]) <= {0, 255}


def test_declared_missing_value_is_ignored(tmp_path: Path) -> None:
    pixels = RAMP.copy()
    pixels[:10] = 50  # too near to be recognized without the declaration
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[42113] = "50"
    info.tagtype[42113] = 2  # ASCII
    Image.fromarray(pixels).save(tmp_path / "heights.tif", tiffinfo=info)
    found = np.asarray(read(tmp_path / "heights.tif"), float)
    valid = RAMP[10:]
    np.testing.assert_allclose(found[10:], (valid - valid.min()) * 255 / np.ptp(valid), atol=2)


def test_image_without_valid_pixels_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((5, 5), np.nan, np.float32)).save(tmp_path / "empty.tif")
    with pytest.raises(Unreadable, match="no pixel has a value"):
        read(tmp_path / "empty.tif")


@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.uint16])
@pytest.mark.parametrize(("values", "shades"), [((5, 5), {0}), ((0, 1), {0, 255}), ((0, 1, 2), {0, 127, 128, 255})])
def test_image_with_few_values_keeps_them_apart(
    values: tuple[int, ...], shades: set[int], dtype: type, tmp_path: Path
) -> None:
    pixels = np.resize(np.array(values, dtype), (40, 41))
    Image.fromarray(pixels).save(tmp_path / "labels.tif")
    found = np.asarray(read(tmp_path / "labels.tif"))
    assert set(found.flat) <= shades
    assert len(set(found.flat)) == len(set(values))


def test_stars_are_visible_in_a_dark_sky(tmp_path: Path) -> None:
    pixels = np.zeros((100, 100), np.uint16)
    pixels[50, 50] = 4000  # less than the share of pixels that the stretch ignores
    Image.fromarray(pixels).save(tmp_path / "sky.png")
    assert np.asarray(read(tmp_path / "sky.png"))[50, 50] == 255


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


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "tif"])
def test_frames_that_are_not_read_are_named(ending: str, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "blue", "green")]
    frames[0].save(tmp_path / f"several.{ending}", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / f"single.{ending}")
    (several,) = images.read(tmp_path / f"several.{ending}")
    (single,) = images.read(tmp_path / f"single.{ending}")
    assert several.warning == "only the first of 3 frames or pages was read"
    assert single.warning is None


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
