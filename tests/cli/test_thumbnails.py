"""A terminal gets the right images by each protocol; nothing else gets any, and no terminal is queried."""

import base64
import fcntl
import io
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from aesearch.cli import thumbnails
from aesearch.cli.main import run
from aesearch.cli.thumbnails import (
    DEFAULT_CELL_PIXELS,
    KITTY_CHUNK_CHARACTERS,
    MAX_THUMBNAILS,
    MULTIPLEXERS,
    TERMINALS,
    THUMBNAIL_COLUMNS,
    THUMBNAIL_ROWS,
    detect_protocol,
    render_thumbnails,
)
from aesearch.errors import MissingExtra
from aesearch.index.retriever import Retriever

CELL = DEFAULT_CELL_PIXELS
WIDTH, HEIGHT = THUMBNAIL_COLUMNS * CELL[0], THUMBNAIL_ROWS * CELL[1]
TERMINAL_VARIABLES = {name for name, _ in TERMINALS} | set(MULTIPLEXERS) | {"AESEARCH_THUMBNAILS"}
ESCAPES = re.compile(r"\x1b_G|\x1b\]1337|\x1bP")


def decode_kitty(output: str) -> list[Image.Image]:
    """Return the images in the output; each consists of one or more chunks."""
    images, data = [], ""
    for header, chunk in re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", output):
        keys = dict(pair.split("=") for pair in header.split(","))
        assert len(chunk) <= KITTY_CHUNK_CHARACTERS
        assert data or (keys["a"], keys["f"], keys["q"], keys["r"]) == ("T", "100", "2", str(THUMBNAIL_ROWS))
        data += chunk
        if keys["m"] == "0":
            images.append(Image.open(io.BytesIO(base64.b64decode(data))))
            data = ""
    assert not data
    return images


def decode_iterm2(output: str) -> list[Image.Image]:
    images = []
    for size, data in re.findall(r"\x1b\]1337;File=inline=1;size=(\d+);[^:]*:([^\a]*)\a", output):
        raw = base64.b64decode(data)
        assert len(raw) == int(size)
        images.append(Image.open(io.BytesIO(raw)))
    return images


def decode_sixels(output: str) -> list[Image.Image]:
    """Return the images in the output, which are drawn in bands of six rows, color by color."""
    images = []
    for body in re.findall(r"\x1bP[\d;]*q([^\x1b]*)\x1b\\", output):
        colors: dict[int, tuple[int, ...]] = {}
        pixels: dict[tuple[int, int], tuple[int, ...]] = {}
        x = top = number = 0
        for register, count, character in re.findall(r"#(\d+(?:;[\d;]+)?)|(?:!(\d+))?([?-~$-])", body):
            if register:
                number, *color = map(int, register.split(";"))
                if color:
                    colors[number] = tuple(round(255 * part / 100) for part in color[1:])
            elif character in "$-":
                x, top = 0, top + 6 * (character == "-")
            else:
                columns = range(x, x + int(count or 1))
                rows = [top + bit for bit in range(6) if ord(character) - 63 >> bit & 1]
                pixels |= {(column, row): colors[number] for column in columns for row in rows}
                x = columns.stop
        image = Image.new("RGB", (max(x for x, _ in pixels) + 1, max(y for _, y in pixels) + 1))
        for position, color in pixels.items():
            image.putpixel(position, color)
        images.append(image)
    return images


DECODERS = {"kitty": decode_kitty, "iterm2": decode_iterm2, "sixel": decode_sixels}


def check_images(output: str, expected: list[Image.Image | None], protocol: str) -> None:
    """Check that the output draws the expected images, side by side."""
    rows = DECODERS[protocol](output)
    cells = [row.crop((left, 0, left + WIDTH, HEIGHT)) for row in rows for left in range(0, row.width, WIDTH)]
    assert len(cells) == len(expected)
    for cell, image in zip(cells, expected, strict=True):
        if image is None:
            assert not np.asarray(cell).any()
            continue
        resampling = Image.Resampling.NEAREST if max(image.size) < HEIGHT else Image.Resampling.LANCZOS
        fitted = ImageOps.contain(image.convert("RGB"), (WIDTH - CELL[0], HEIGHT), resampling)
        drawn = np.asarray(cell.convert("RGB").crop((0, HEIGHT - fitted.height, fitted.width, HEIGHT)), int)
        differences = np.abs(drawn - np.asarray(fitted, int))
        # A sixel image has 256 colors, in whole percent.
        assert differences.max() == 0 if protocol != "sixel" else differences.mean() < 6


@pytest.mark.parametrize("protocol", DECODERS)
def test_encoded_images_decode_to_the_originals(protocol: str, digits: np.ndarray) -> None:
    gradient = np.linspace(0, 255, 300, dtype=np.uint8)
    photo = np.stack(np.broadcast_arrays(gradient[:, None], gradient[None, :200], 128), 2).astype(np.uint8)
    images = [Image.fromarray(digits[0, 0]), None, Image.fromarray(photo), Image.fromarray(digits[1, 0])]
    width = 3 * THUMBNAIL_COLUMNS + 1
    lines = list(render_thumbnails(images, ["1", "2", "3", "4"], protocol, width, CELL))  # type: ignore[arg-type]
    assert [line.split() for line in lines[1::2]] == [["1", "2", "3"], ["4"]]
    check_images("".join(lines), images, protocol)


def test_protocol_is_detected_by_name_but_not_through_a_multiplexer() -> None:
    assert detect_protocol({"TERM": "xterm-kitty"}) == "kitty"
    assert detect_protocol({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}) == "iterm2"
    assert detect_protocol({"TERM": "foot", "TERM_PROGRAM": "iTerm.app"}) == "sixel"
    for unknown in ({}, {"TERM": "xterm-256color"}, {"TERM": "linux"}, {"TERM_PROGRAM": "Apple_Terminal"}):
        assert detect_protocol(unknown) is None
    for name in MULTIPLEXERS:
        assert detect_protocol({"TERM": "xterm-kitty", name: "1"}) is None


def test_sixels_without_the_extra_fail_only_if_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timg", None)
    monkeypatch.setattr(thumbnails, "find_spec", lambda name: None)
    assert detect_protocol({"TERM": "foot"}) is None
    with pytest.raises(MissingExtra, match=r"aesearch\[thumbnails\]"):
        next(render_thumbnails([Image.new("L", (8, 8))], ["1"], "sixel", 80, CELL))


@pytest.fixture(scope="module")
def index(digit_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("indexes") / "digits"
    Retriever.build(digit_folder / "test", coder="pca", code_size=8).save(folder)
    return folder


@pytest.fixture
def query(index: Path, digit_folder: Path) -> tuple[str, ...]:
    photo = min((digit_folder / "train" / "3").iterdir())
    return ("query", str(photo), "-k", "8", "--index", str(index))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TerminalEmulation:
    """Runs commands in this process, with an imitation of a terminal of 80 columns as standard output."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        patch.setattr(thumbnails, "terminal_cell_size", lambda stream: CELL)
        patch.setenv("COLUMNS", "80")

    def run(self, *arguments: str, **environment: str) -> str:
        with self._patch.context() as patch:
            for name in TERMINAL_VARIABLES:
                patch.delenv(name, raising=False)
            for name, value in environment.items():
                patch.setenv(name, value)
            terminal = Terminal()
            patch.setattr("sys.stdout", terminal)
            assert run(arguments) == 0
        return terminal.getvalue()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> TerminalEmulation:
    return TerminalEmulation(monkeypatch)


@pytest.mark.parametrize(
    ("protocol", "environment", "options"),
    [
        ("kitty", {"TERM": "xterm-kitty"}, ()),
        ("iterm2", {"TERM_PROGRAM": "iTerm.app"}, ()),
        ("sixel", {"TERM": "foot"}, ()),
        ("sixel", {}, ("--thumbnails", "sixel")),
        ("kitty", {"AESEARCH_THUMBNAILS": "kitty"}, ()),
    ],
)
def test_hits_are_shown_below_the_table(
    protocol: str,
    environment: dict[str, str],
    options: tuple[str, ...],
    query: tuple[str, ...],
    index: Path,
    terminal: TerminalEmulation,
) -> None:
    hits = Retriever.load(index).query(Path(query[1]), k=8)
    output = terminal.run(*query, *options, **environment)
    check_images(output, [Image.open(hit.path or "") for hit in hits], protocol)
    assert output.splitlines()[-1].split() == ["7", "8"]  # six thumbnails fit in 80 columns


def test_no_images_are_shown_to_unknown_terminals_or_if_unwanted(
    query: tuple[str, ...], terminal: TerminalEmulation
) -> None:
    assert not ESCAPES.search(terminal.run(*query, TERM="xterm-256color"))
    for options in (("--thumbnails", "none"), ("--format", "paths"), ("--format", "json")):
        assert not ESCAPES.search(terminal.run(*query, *options, TERM="xterm-kitty")), options


def test_output_to_a_file_has_no_images(
    query: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-kitty")
    assert run([*query, "--thumbnails", "kitty"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_outliers_and_duplicates_are_shown(
    index: Path, digit_folder: Path, tmp_path: Path, terminal: TerminalEmulation
) -> None:
    Retriever.build(digit_folder / "test" / "0", coder="pca", code_size=8).save(tmp_path / "zeros")
    output = terminal.run("outliers", "-k", "3", "--index", str(index), TERM="xterm-kitty")
    assert decode_kitty(output)[0].width == 3 * WIDTH
    output = terminal.run("duplicates", "--threshold", "0.7", "--index", str(tmp_path / "zeros"), TERM="xterm-kitty")
    rows = len(re.findall(r"^(?:\x1b\]8;;file[^\x1b]*\x1b\\)? *\d+ +(?:exact|0\.\d+)", output, re.MULTILINE))
    assert sum(row.width // WIDTH for row in decode_kitty(output)) == min(rows, MAX_THUMBNAILS) > 0


def test_real_terminal_keeps_what_is_typed(query: tuple[str, ...], index: Path) -> None:
    """The command reads the cell size from the driver of the terminal, and never reads from standard input."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 80 * CELL[0], 24 * CELL[1]))
    modes = termios.tcgetattr(terminal)
    modes[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(terminal, termios.TCSANOW, modes)
    os.write(controller, b"next command")
    environment = {name: value for name, value in os.environ.items() if name not in TERMINAL_VARIABLES}
    arguments = [sys.executable, "-m", "aesearch", *query]
    output = b""
    with subprocess.Popen(arguments, stdin=terminal, stdout=terminal, env=environment | {"TERM": "xterm-kitty"}) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([controller], [], [], 0.1)[0]:
                output += os.read(controller, 1 << 16)
            elif process.poll() is not None:
                break
        assert process.wait(1) == 0
    assert os.read(terminal, 100) == b"next command"
    os.close(controller)
    os.close(terminal)
    hits = Retriever.load(index).query(Path(query[1]), k=8)
    check_images(output.decode(), [Image.open(hit.path or "") for hit in hits], "kitty")
