"""What README shows is run: its Python, and every command line, in a folder as it describes."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from aesearch.catalog import CODERS
from aesearch.items import Item

README = Path(__file__).parent.parent / "README.md"
COMMAND = f"{shlex.quote(sys.executable)} -m aesearch.cli"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, digit_folder: Path, documents: list[Item]) -> Path:
    place = tmp_path_factory.mktemp("readme")
    for label in "01":
        shutil.copytree(digit_folder / "train" / label, place / "photos" / label)
        shutil.copytree(digit_folder / "test" / label, place / "more" / label)
    with Image.open(min((place / "photos" / "0").iterdir())) as picture:
        picture.save(place / "photos" / "cat.jpg")
    for item in documents[:150]:
        (place / "notes" / item.id).parent.mkdir(parents=True, exist_ok=True)
        (place / "notes" / item.id).write_text(str(item.content))
    (place / "notes" / "thread.txt").write_text("Wait until the thread terminates.")
    return place


def test_its_command_lines_run_in_their_order(place: Path) -> None:
    lines = [line for line in blocks("bash")[1].splitlines() if line]
    assert len(lines) > 8
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith("AESEARCH_")}
    for line in lines:
        script = re.sub(r"\baesearch (?=[a-z])", COMMAND + " ", line)
        done = subprocess.run(
            ["bash", "-c", script], cwd=place, env=surroundings, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, line + "\n" + done.stderr
        assert done.stdout, line


def test_its_python_runs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    (code,) = blocks("python")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 5 + 3  # five hits, three outliers


def test_it_names_every_coder() -> None:
    text = README.read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in CODERS)


def test_it_shows_the_two_commands() -> None:
    assert "pip install . && aesearch demo" in blocks("bash")[0]
    assert "pip install -e '.[test]' && pytest" in blocks("bash")[0]
