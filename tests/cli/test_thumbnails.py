"""What a terminal is sent is the right pictures, by each protocol; what is no terminal is sent none, and none is asked."""

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

from aesearch import thumbnails
from aesearch.cli.output import MOST_THUMBNAILS
from aesearch.cli.thumbnails import COLUMNS, ROWS, TERMINALS, lines, protocol_of
from aesearch.errors import MissingExtra
from aesearch.index.retriever import Retriever

CELL = (10, 20)
WIDTH, HEIGHT = COLUMNS * CELL[0], ROWS * CELL[1]
EVERY_NAME = {name for name, _ in TERMINALS} | set(thumbnails.MULTIPLEXERS)


def kitty(sent: str) -> list[Image.Image]:
    """The pictures in what was sent, each of one or more chunks."""
    found, data = [], ""
    for keys, chunk in re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", sent):
        told = dict(pair.split("=") for pair in keys.split(","))
        assert len(chunk) <= 4096
        assert data or (told["a"], told["f"], told["q"], told["r"]) == ("T", "100", "2", str(ROWS))
        data += chunk
        if told["m"] == "0":
            found.append(Image.open(io.BytesIO(base64.b64decode(data))))
            data = ""
    assert not data
    return found


def iterm2(sent: str) -> list[Image.Image]:
    found = []
    for size, data in re.findall(r"\x1b\]1337;File=inline=1;size=(\d+);[^:]*:([^\a]*)\a", sent):
        raw = base64.b64decode(data)
        assert len(raw) == int(size)
        found.append(Image.open(io.BytesIO(raw)))
    return found


def sixel(sent: str) -> list[Image.Image]:
    """By the manual: bands of six rows, each painted color by color."""
    found = []
    for body in re.findall(r"\x1bP[\d;]*q([^\x1b]*)\x1b\\", sent):
        colors: dict[int, tuple[int, ...]] = {}
        dots: dict[tuple[int, int], tuple[int, ...]] = {}
        x = top = number = 0
        for register, count, letter in re.findall(r"#(\d+(?:;[\d;]+)?)|(?:!(\d+))?([?-~$-])", body):
            if register:
                number, *rest = map(int, register.split(";"))
                if rest:
                    colors[number] = tuple(round(255 * part / 100) for part in rest[1:])
            elif letter in "$-":
                x, top = 0, top + 6 * (letter == "-")
            else:
                run, bits = range(x, x + int(count or 1)), [bit for bit in range(6) if ord(letter) - 63 >> bit & 1]
                dots |= {(at, top + bit): colors[number] for at in run for bit in bits}
                x = run.stop
        picture = Image.new("RGB", (max(x for x, _ in dots) + 1, max(y for _, y in dots) + 1))
        for place, color in dots.items():
            picture.putpixel(place, color)
        found.append(picture)
    return found


DECODE = {"kitty": kitty, "iterm2": iterm2, "sixel": sixel}


def check(strips: list[Image.Image], expected: list[Image.Image | None], protocol: str) -> None:
    """That each strip holds the expected pictures at their places."""
    places = [strip.crop((left, 0, left + WIDTH, HEIGHT)) for strip in strips for left in range(0, strip.width, WIDTH)]
    assert len(places) == len(expected)
    for place, picture in zip(places, expected, strict=True):
        box = (WIDTH - CELL[0], HEIGHT)
        if picture is None:
            assert not np.asarray(place).any()
            continue
        how = Image.Resampling.NEAREST if max(picture.size) < HEIGHT else Image.Resampling.LANCZOS
        wanted = ImageOps.contain(picture.convert("RGB"), box, how)
        seen = np.asarray(place.convert("RGB").crop((0, HEIGHT - wanted.height, wanted.width, HEIGHT)), int)
        # A sixel's colors are whole percents of 256 chosen ones.
        away = np.abs(seen - np.asarray(wanted, int))
        assert away.max() == 0 if protocol != "sixel" else away.mean() < 6


@pytest.mark.parametrize("protocol", DECODE)
def test_what_is_sent_decodes_to_the_pictures(protocol: str, digits: np.ndarray) -> None:
    slope = np.linspace(0, 255, 300, dtype=np.uint8)
    photo = np.stack(np.broadcast_arrays(slope[:, None], slope[None, :200], 128), 2).astype(np.uint8)
    pictures = [Image.fromarray(digits[0, 0]), None, Image.fromarray(photo), Image.fromarray(digits[1, 0])]
    sent = list(lines(pictures, ["1", "2", "3", "4"], protocol, 3 * COLUMNS + 1, CELL))  # type: ignore[arg-type]
    assert [line.split() for line in sent[1::2]] == [["1", "2", "3"], ["4"]]
    check(DECODE[protocol]("".join(sent)), pictures, protocol)


def test_a_terminal_is_known_by_its_name_and_never_through_another() -> None:
    assert protocol_of({"TERM": "xterm-kitty"}) == "kitty"
    assert protocol_of({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}) == "iterm2"
    assert protocol_of({"TERM": "foot", "TERM_PROGRAM": "iTerm.app"}) == "sixel"
    for unknown in ({}, {"TERM": "xterm-256color"}, {"TERM": "linux"}, {"TERM_PROGRAM": "Apple_Terminal"}):
        assert protocol_of(unknown) is None
    for between in thumbnails.MULTIPLEXERS:
        assert protocol_of({"TERM": "xterm-kitty", between: "1"}) is None


def test_without_the_extra_sixels_are_missed_only_where_they_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timg", None)
    monkeypatch.setattr(thumbnails, "find_spec", lambda name: None)
    assert protocol_of({"TERM": "foot"}) is None
    with pytest.raises(MissingExtra, match=r"aesearch\[thumbnails\]"):
        next(lines([Image.new("L", (8, 8))], ["1"], "sixel", 80, CELL))


@pytest.fixture(scope="module")
def index(digit_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("indexes") / "digits"
    Retriever.build(digit_folder / "test", coder="pca", code_size=8).save(folder)
    return folder


def surroundings(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in EVERY_NAME and "AESEARCH" not in name}
    return kept | {"TERM": "xterm-256color"} | more


def in_a_terminal(*words: object, typed: bytes = b"", **environment: str) -> tuple[str, bytes]:
    """What a command prints in a terminal of 80 columns, and what of `typed` is left to be read after it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 80 * CELL[0], 24 * CELL[1]))
    modes = termios.tcgetattr(theirs)
    modes[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(theirs, termios.TCSANOW, modes)
    os.write(ours, typed)
    command = [sys.executable, "-m", "aesearch.cli", *map(str, words)]
    sent = b""
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, env=surroundings(**environment)) as process:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if select.select([ours], [], [], 0.1)[0]:
                sent += os.read(ours, 1 << 16)
            elif process.poll() is not None:
                break
        assert process.wait(1) == 0
    left = os.read(theirs, 100) if typed else b""
    os.close(ours)
    os.close(theirs)
    return sent.decode(), left


@pytest.mark.parametrize(
    ("protocol", "environment", "words"),
    [
        ("kitty", {"TERM": "xterm-kitty"}, ()),
        ("iterm2", {"TERM_PROGRAM": "iTerm.app"}, ()),
        ("sixel", {"TERM": "foot"}, ()),
        ("sixel", {}, ("--thumbnails", "sixel")),
        ("kitty", {"AESEARCH_THUMBNAILS": "kitty"}, ()),
    ],
)
def test_in_a_terminal_the_hits_are_shown_under_the_table(
    protocol: str, environment: dict[str, str], words: tuple[str, ...], index: Path, digit_folder: Path
) -> None:
    photo = min((digit_folder / "train" / "3").iterdir())
    hits = Retriever.load(index).query(photo, k=8)
    sent, left = in_a_terminal("query", photo, "-k", 8, "--index", index, *words, typed=b"next command", **environment)
    assert left == b"next command"  # nothing that was typed was taken for an answer
    check(DECODE[protocol](sent), [Image.open(hit.path or "") for hit in hits], protocol)
    assert [line.split() for line in sent.splitlines()][-1] == ["7", "8"]  # 6 go side by side


def test_where_no_picture_can_be_shown_none_is_sent(index: Path, digit_folder: Path) -> None:
    query = ("query", min((digit_folder / "train" / "3").iterdir()), "-k", 3, "--index", index)
    marks = re.compile(r"\x1b_G|\x1b\]1337|\x1bP")
    assert not marks.search(in_a_terminal(*query)[0])  # a terminal that is not known
    for words in (("--thumbnails", "none"), ("--format", "paths"), ("--format", "json")):
        assert not marks.search(in_a_terminal(*query, *words, TERM="xterm-kitty")[0]), words
    command = [sys.executable, "-m", "aesearch.cli", *map(str, query), "--thumbnails", "kitty"]
    piped = subprocess.run(command, env=surroundings(TERM="xterm-kitty"), capture_output=True, timeout=60, check=True)
    assert b"\x1b" not in piped.stdout


def test_outliers_and_copies_are_shown_too(index: Path) -> None:
    sent, _ = in_a_terminal("outliers", "-k", 3, "--index", index, TERM="xterm-kitty")
    assert kitty(sent)[0].width == 3 * WIDTH
    sent, _ = in_a_terminal("duplicates", "--threshold", 0.9, "--index", index, TERM="xterm-kitty")
    rows = len(re.findall(r"^(?:\x1b\]8;;file[^\x1b]*\x1b\\)? *\d+ +(?:same|0\.\d+)", sent, re.MULTILINE))
    assert sum(strip.width // WIDTH for strip in kitty(sent)) == min(rows, MOST_THUMBNAILS) > 0
