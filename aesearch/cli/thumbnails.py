"""Pictures in a terminal: by kitty's graphics protocol, by iTerm2's inline images, or as sixels.

What a terminal can show is known by the names that it gives itself in the environment.  It is never asked: the answer would
come on standard input, amid what is being typed, or not at all.

kitty: sw.kovidgoyal.net/kitty/graphics-protocol;  iTerm2: iterm2.com/documentation-images.html;  sixels: VT330/VT340
Programmer Reference Manual, Digital 1988, chapter 14.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import IO, Literal

from PIL import Image, ImageOps

from aesearch.errors import MissingExtra

Protocol = Literal["kitty", "iterm2", "sixel"]

COLUMNS, ROWS = 12, 6
"""Cells of the terminal that a thumbnail takes."""
CELL = (10, 20)
"""Pixels of a cell where the terminal does not tell; those of the VT340, which others that show sixels assume."""
CHUNK = 4096
"""Letters that kitty takes at a time."""
BAND = 6
"""Rows of pixels in a row of sixels."""

TERMINALS: dict[tuple[str, str], Protocol] = {  # the first that fits: TERM says more than what a parent process left behind
    ("TERM", "xterm-kitty"): "kitty",
    ("TERM", "xterm-ghostty"): "kitty",
    ("TERM", "foot"): "sixel",
    ("TERM", "foot-extra"): "sixel",
    ("TERM", "mlterm"): "sixel",
    ("TERM_PROGRAM", "ghostty"): "kitty",
    ("TERM_PROGRAM", "iTerm.app"): "iterm2",
    ("TERM_PROGRAM", "WezTerm"): "iterm2",
    ("TERM_PROGRAM", "mintty"): "iterm2",
    ("LC_TERMINAL", "iTerm2"): "iterm2",  # set across ssh too
}
MULTIPLEXERS = ("TMUX", "STY", "ZELLIJ")
"""What says that tmux, screen or zellij stands between: they pass on no pictures that they do not know."""


def protocol_of(environment: Mapping[str, str]) -> Protocol | None:
    """What the terminal of that environment is known to show, and can be sent; None where nothing is."""
    if any(name in environment for name in MULTIPLEXERS):
        return None
    found = (protocol for (name, value), protocol in TERMINALS.items() if environment.get(name) == value)
    protocol = next(found, None)
    return None if protocol == "sixel" and find_spec("timg") is None else protocol


def lines(
    pictures: Sequence[Image.Image | None], captions: Sequence[str], protocol: Protocol, width: int, cell: tuple[int, int]
) -> Iterator[str]:
    """The pictures side by side, each over its caption, as lines to print; the place of one that is None stays empty.

    width : columns of the terminal;  cell : width and height of one in pixels.  Raises MissingExtra.
    """
    fit = max(1, (width - 1) // COLUMNS)
    for start in range(0, len(pictures), fit):
        some = pictures[start : start + fit]
        yield drawn(_strip(some, cell), protocol, COLUMNS * len(some))
        yield "".join(caption.ljust(COLUMNS) for caption in captions[start : start + fit]).rstrip()


def drawn(picture: Image.Image, protocol: Protocol, columns: int) -> str:
    """What makes a terminal draw the picture, over so many columns and ROWS rows.  Raises MissingExtra for sixels."""
    if protocol == "sixel":
        return _sixels(picture)
    file = io.BytesIO()
    picture.save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    if protocol == "iterm2":
        size = f"size={len(file.getvalue())};width={columns};height={ROWS}"
        return f"\x1b]1337;File=inline=1;{size};preserveAspectRatio=0:{data}\a"
    chunks = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    # a=T: show it at once;  f=100: as PNG;  q=2: answer nothing;  m: whether more is to come.
    first = f"a=T,f=100,q=2,c={columns},r={ROWS},"
    return "".join(
        f"\x1b_G{'' if number else first}m={int(number < len(chunks) - 1)};{chunk}\x1b\\"
        for number, chunk in enumerate(chunks)
    )


def _sixels(picture: Image.Image) -> str:
    try:
        from timg import SixelMethod
    except ModuleNotFoundError:
        raise MissingExtra("timg", "thumbnails") from None
    black = Image.new("RGBA", picture.size, "black")
    return SixelMethod(Image.alpha_composite(black, picture).convert("RGB").quantize(256)).to_string()


def _strip(pictures: Sequence[Image.Image | None], cell: tuple[int, int]) -> Image.Image:
    """The pictures in a row, on nothing, each at the foot of its place and a column apart from the next."""
    width, height = COLUMNS * cell[0], ROWS * cell[1] // BAND * BAND
    paper = Image.new("RGBA", (len(pictures) * width, height))
    for number, picture in enumerate(pictures):
        if picture is not None:
            small = picture.width < width and picture.height < height
            # Few pixels keep their edges.
            how = Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS
            fitted = ImageOps.contain(picture.convert("RGB"), (width - cell[0], height), how)
            paper.paste(fitted, (number * width, height - fitted.height))
    return paper


def cell_size(terminal: IO[str]) -> tuple[int, int]:
    """Width and height of the terminal's cells in pixels, as its driver knows them; else CELL."""
    try:
        import fcntl
        import struct
        import termios
    except ModuleNotFoundError:  # not on Windows
        return CELL
    rows, columns, width, height = struct.unpack("4H", fcntl.ioctl(terminal.fileno(), termios.TIOCGWINSZ, bytes(8)))
    return (width // columns, height // rows) if width and height and rows and columns else CELL
