"""The documentation is right: its commands and its Python code run, and its names exist."""

import contextlib
import io
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
from PIL import Image

from aesearch.catalog import CODERS
from aesearch.cli import app
from aesearch.cli.main import run
from aesearch.items import Item

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").rglob("*.md"))]
APPLICATION: Any = typer.main.get_command(app)

N_IMAGES_PER_LABEL = 10
N_DOCUMENTS = 100


def code_blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)


def commands(document: Path) -> list[str]:
    """Return the lines with aesearch commands in bash blocks, and after the prompt in console blocks."""
    lines = [line for block in code_blocks(document, "bash") for line in block.splitlines()]
    lines += [
        line[2:] for block in code_blocks(document, "console") for line in block.splitlines() if line.startswith("$ ")
    ]
    return [line for line in lines if re.search(r"(^|\| )aesearch ", line)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, digit_folder: Path, documents: list[Item]) -> Path:
    """Return a folder with the files that README names: photos, more photos with labels, and notes."""
    folder = tmp_path_factory.mktemp("readme")
    for subset, target in (("train", "photos"), ("test", "more")):
        for label in "0123456789":
            (folder / target / label).mkdir(parents=True)
            for path in sorted((digit_folder / subset / label).iterdir())[:N_IMAGES_PER_LABEL]:
                shutil.copy(path, folder / target / label)
    with Image.open(min((folder / "photos" / "0").iterdir())) as image:
        image.save(folder / "photos" / "cat.jpg")
        image.save(folder / "pants.jpg")
    for item in documents[:N_DOCUMENTS]:
        (folder / "notes" / item.id).parent.mkdir(parents=True, exist_ok=True)
        (folder / "notes" / item.id).write_text(str(item.content))
    (folder / "notes" / "thread.txt").write_text("Wait until the thread terminates.")
    return folder


def run_command(line: str) -> tuple[int, str, str]:
    """Run a command line, in this process unless it has a pipe. Return exit code, standard output and standard error."""
    if "|" in line:
        script = re.sub(r"\baesearch (?=[a-z])", f"{shlex.quote(sys.executable)} -m aesearch ", line)
        result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120)
        return result.returncode, result.stdout, result.stderr
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        exit_code = run(shlex.split(line, comments=True)[1:])
    return exit_code, stdout.getvalue(), stderr.getvalue()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AESEARCH_HOME", "AESEARCH_INDEX", "AESEARCH_THUMBNAILS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def short_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the default coder train for a moment only."""
    from aesearch.autoencoders import neighbors

    for name in ("IMAGE_DEFAULTS", "DOCUMENT_DEFAULTS"):
        monkeypatch.setattr(neighbors, name, getattr(neighbors, name)._replace(rounds=1, first_steps=20))


@pytest.mark.usefixtures("short_training")
def test_commands_of_readme_run_in_their_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    lines = commands(README)
    assert len(lines) >= 8
    for line in lines:
        exit_code, stdout, stderr = run_command(line)
        assert exit_code == 0, f"{line}\n{stderr}"
        assert stdout, line


def test_python_code_of_readme_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for code in code_blocks(README, "python"):
        stdout = io.StringIO()
        with contextlib.redirect_stdout(stdout):
            exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
        assert stdout.getvalue()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_documented_commands_and_options_exist(document: Path) -> None:
    for line in commands(document):
        for arguments in re.findall(r"(?:^|\| )aesearch ([^|#]*)", line):
            name, *rest = shlex.split(arguments)
            if name.startswith("-"):
                continue
            assert name in APPLICATION.commands, line
            parameters = APPLICATION.commands[name].params
            known = {option for parameter in parameters for option in (*parameter.opts, *parameter.secondary_opts)}
            used = {argument.strip("[]") for argument in rest if re.match(r"\[?--?[a-z]", argument)}
            assert used <= known | {"--help"}, line


def test_documentation_names_every_coder_and_command() -> None:
    text = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    for name in CODERS:
        assert f"`{name}`" in text, name
    for name in APPLICATION.commands:
        assert f"`{name}`" in text or f"aesearch {name}" in text, name


def test_readme_installs_and_tests_in_one_line_each() -> None:
    installation = code_blocks(README, "bash")[0]
    assert "pip install . && aesearch demo" in installation
    assert "pip install -e '.[test]' && pytest" in installation
