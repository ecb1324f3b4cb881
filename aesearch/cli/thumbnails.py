"""Images in a terminal, by the graphics protocol of kitty, the inline images of iTerm2, or sixels.

What a terminal supports is known from environment variables. The terminal is never queried: its answer would arrive on
standard input, in the middle of what the user types, or not at all.

References
----------
kitty: https://sw.kovidgoyal.net/kitty/graphics-protocol
iTerm2: https://iterm2.com/documentation-images.html
Sixels: VT330/VT340 Programmer Reference Manual, Digital Equipment Corporation 1988, chapter 14.
"""

from __future__ import annotations

import base64
import io
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import IO, Any, Literal

from PIL import Image, ImageOps

from aesearch.errors import MissingExtra
from aesearch.readers.images import load_image

Protocol = Literal["kitty", "iterm2", "sixel"]

MAX_THUMBNAILS = 60

THUMBNAIL_COLUMNS, THUMBNAIL_ROWS = 12, 6
"""Size of a thumbnail in cells of the terminal."""

DEFAULT_CELL_PIXELS = (10, 20)
"""Width and height of a cell if the terminal does not report them: those of the VT340, which sixel terminals assume."""

KITTY_CHUNK_CHARACTERS = 4096
"""Maximum size of one escape sequence of the kitty protocol."""

SIXEL_ROWS = 6
"""Rows of pixels in one row of sixels."""

TERMINALS: dict[tuple[str, str], Protocol] = {  # the first match wins: TERM is more reliable than what a parent process set
    ("TERM", "xterm-kitty"): "kitty",
    ("TERM", "xterm-ghostty"): "kitty",
    ("TERM", "foot"): "sixel",
    ("TERM", "foot-extra"): "sixel",
    ("TERM", "mlterm"): "sixel",
    ("TERM_PROGRAM", "ghostty"): "kitty",
    ("TERM_PROGRAM", "iTerm.app"): "iterm2",
    ("TERM_PROGRAM", "WezTerm"): "iterm2",
    ("TERM_PROGRAM", "mintty"): "iterm2",
    ("LC_TERMINAL", "iTerm2"): "iterm2",  # is also set over ssh
}
MULTIPLEXERS = ("TMUX", "STY", "ZELLIJ")
"""Environment variables of tmux, screen and zellij, which do not forward images of a protocol that they do not support."""


def print_thumbnails(captions: Sequence[object], paths: Sequence[str | None], protocol: str) -> None:
    """Print the images in files side by side, each above its caption. Only a terminal gets any.

    Parameters
    ----------
    captions : sequence
    paths : sequence of str or None
        Files of the images; up to MAX_THUMBNAILS are shown.
    protocol : {"auto", "kitty", "iterm2", "sixel", "none"}
        "auto" is the protocol that the terminal is known to support, if any.

    Raises
    ------
    MissingExtra
        If sixels need a library that is not installed.
    """
    if protocol == "none" or not sys.stdout.isatty():
        return
    chosen: Any = detect_protocol(os.environ) if protocol == "auto" else protocol
    if chosen is None:
        return
    images = [load_image(path) if path else None for path in paths[:MAX_THUMBNAILS]]
    if any(images):
        labels = [str(caption) for caption in captions[:MAX_THUMBNAILS]]
        width, cell = shutil.get_terminal_size().columns, terminal_cell_size(sys.stdout)
        for line in render_thumbnails(images, labels, chosen, width, cell):
            print(line)


def detect_protocol(environment: Mapping[str, str]) -> Protocol | None:
    """Return the protocol that the terminal of an environment is known to support; None if there is none.

    Sixels count only if the library that encodes them is installed.
    """
    if any(name in environment for name in MULTIPLEXERS):
        return None
    matches = (protocol for (name, value), protocol in TERMINALS.items() if environment.get(name) == value)
    protocol = next(matches, None)
    return None if protocol == "sixel" and find_spec("timg") is None else protocol


def render_thumbnails(
    images: Sequence[Image.Image | None], captions: Sequence[str], protocol: Protocol, width: int, cell: tuple[int, int]
) -> Iterator[str]:
    """Yield the lines to print: rows of images, each followed by a line of captions.

    Parameters
    ----------
    images : sequence of PIL.Image.Image or None
        None leaves a place empty.
    captions : sequence of str
    protocol : {"kitty", "iterm2", "sixel"}
    width : int
        Width of the terminal in columns.
    cell : tuple of int
        Width and height of a cell in pixels.

    Raises
    ------
    MissingExtra
        If sixels need a library that is not installed.
    """
    per_row = max(1, (width - 1) // THUMBNAIL_COLUMNS)
    for start in range(0, len(images), per_row):
        row = images[start : start + per_row]
        yield encode_image(_compose_row(row, cell), protocol, THUMBNAIL_COLUMNS * len(row))
        yield "".join(caption.ljust(THUMBNAIL_COLUMNS) for caption in captions[start : start + per_row]).rstrip()


def encode_image(image: Image.Image, protocol: Protocol, columns: int) -> str:
    """Return the escape sequences that draw an image over some columns and THUMBNAIL_ROWS rows of a terminal.

    Raises
    ------
    MissingExtra
        If sixels need a library that is not installed.
    """
    if protocol == "sixel":
        return _encode_sixels(image)
    file = io.BytesIO()
    image.save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    if protocol == "iterm2":
        size = f"size={len(file.getvalue())};width={columns};height={THUMBNAIL_ROWS}"
        return f"\x1b]1337;File=inline=1;{size};preserveAspectRatio=0:{data}\a"
    chunks = [data[start : start + KITTY_CHUNK_CHARACTERS] for start in range(0, len(data), KITTY_CHUNK_CHARACTERS)]
    # a=T: transmit and display; f=100: PNG; q=2: suppress responses; m: whether more chunks follow.
    header = f"a=T,f=100,q=2,c={columns},r={THUMBNAIL_ROWS},"
    return "".join(
        f"\x1b_G{'' if number else header}m={int(number < len(chunks) - 1)};{chunk}\x1b\\"
        for number, chunk in enumerate(chunks)
    )


def _encode_sixels(image: Image.Image) -> str:
    try:
        from timg import SixelMethod
    except ModuleNotFoundError:
        raise MissingExtra("timg", "thumbnails") from None
    background = Image.new("RGBA", image.size, "black")
    return SixelMethod(Image.alpha_composite(background, image).convert("RGB").quantize(256)).to_string()


def _compose_row(images: Sequence[Image.Image | None], cell: tuple[int, int]) -> Image.Image:
    """Return images side by side on a transparent background, each at the bottom of its place, one column apart."""
    width, height = THUMBNAIL_COLUMNS * cell[0], THUMBNAIL_ROWS * cell[1] // SIXEL_ROWS * SIXEL_ROWS
    canvas = Image.new("RGBA", (len(images) * width, height))
    for number, image in enumerate(images):
        if image is not None:
            is_small = image.width < width and image.height < height
            # Enlarged pixels keep sharp edges.
            resampling = Image.Resampling.NEAREST if is_small else Image.Resampling.LANCZOS
            fitted = ImageOps.contain(image.convert("RGB"), (width - cell[0], height), resampling)
            canvas.paste(fitted, (number * width, height - fitted.height))
    return canvas


def terminal_cell_size(terminal: IO[str]) -> tuple[int, int]:
    """Return width and height of a terminal's cells in pixels, as its driver knows them; otherwise DEFAULT_CELL_PIXELS."""
    try:
        import fcntl
        import struct
        import termios
    except ModuleNotFoundError:  # on Windows
        return DEFAULT_CELL_PIXELS
    rows, columns, width, height = struct.unpack("4H", fcntl.ioctl(terminal.fileno(), termios.TIOCGWINSZ, bytes(8)))
    if not (width and height and rows and columns):
        return DEFAULT_CELL_PIXELS
    return width // columns, height // rows
