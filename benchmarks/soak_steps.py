"""For soak.py: random changes of a folder of documents."""

import json
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

STEMS = "thread lock queue socket port server file river bridge mountain valley harbor island bread butter kitchen garden"
WORDS = [f"{stem}{number}" for stem in STEMS.split() for number in range(12)]
ENCODINGS = ("utf-8", "utf-8", "cp1252", "utf-16")
FOLDERS = ("a", "a/b", "c", "d/e/f", "g")
MAX_FILES = 300
MIN_FILES = 80


def make_text(rng: random.Random) -> str:
    """Return a text of random words."""
    return " ".join(rng.choices(WORDS, k=rng.randrange(4, 15)))


class FileSteps:
    """Random changes of the files below `folder / "files"`. Other processes may change the same files meanwhile.

    `files/linked` is a link to a folder outside, which is renamed and renamed back, and so are the targets of linked files.

    Parameters
    ----------
    folder : Path
    rng : random.Random

    Attributes
    ----------
    weights : dict of str to int
        The steps, and how often each is taken.
    """

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self._root, self._rng = folder / "files", rng
        self._target, self._away = folder / "elsewhere", folder / "elsewhere-away"
        self._steps: dict[str, tuple[int, Callable[[], object]]] = {
            "add": (8, self._add),
            "change": (6, self._change),
            "remove": (6, self._remove),
            "rename": (4, self._rename),
            "rename-folder": (1, self._rename_folder),
            "link": (1, self._link),
            "unreachable": (3, self._switch_target),
        }
        self.weights = {name: weight for name, (weight, _) in self._steps.items()}

    def create_folders(self) -> None:
        """Create the folder, and the linked one."""
        self._target.mkdir(parents=True)
        for name in FOLDERS:
            (self._root / name).mkdir(parents=True)
        (self._root / "linked").symlink_to(self._target)

    def take(self, name: str) -> None:
        """Take a step. It has no effect if another process has removed its file, or created the same file."""
        with suppress(FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError):
            self._steps[name][1]()

    def restore_links(self) -> None:
        """Make the linked folder reachable again, and remove the links to files that no longer exist."""
        with suppress(FileNotFoundError):
            self._away.rename(self._target)
        for path in self._files():
            if not path.exists():
                path.unlink()

    def _files(self) -> list[Path]:
        """Return the visible files, also those that are links to nowhere, and those in the linked folder."""
        paths = [*self._root.rglob("*.*"), *self._target.glob("*.*")]
        return sorted(path for path in paths if path.suffix in (".txt", ".jsonl", ".html"))

    def _folders(self) -> list[Path]:
        return sorted(path for path in [self._root, self._target, *self._root.rglob("*")] if path.is_dir())

    def _new_path(self, suffix: str) -> Path:
        """Return the path of a new file in any folder."""
        return self._rng.choice(self._folders()) / f"{self._rng.randrange(10**6)}{suffix}"

    def _add(self) -> None:
        if len(self._files()) < MAX_FILES:
            self._write(self._new_path(self._rng.choice((".txt", ".txt", ".txt", ".jsonl", ".html"))))

    def _change(self) -> None:
        self._write(self._rng.choice(self._files()))

    def _write(self, path: Path) -> None:
        """Write a file in place or by a rename, as editors do."""
        content = self._make_content(path.suffix)
        if self._rng.random() < 0.5:
            path.write_bytes(content)
            return
        temporary = path.with_name(f".{self._rng.randrange(10**9)}")
        temporary.write_bytes(content)
        temporary.rename(path)

    def _make_content(self, suffix: str) -> bytes:
        """Return the content of a text, a web page or a table. Rarely, it is empty."""
        if self._rng.random() < 0.03:
            return b""
        texts = [f"{make_text(self._rng)} café {self._rng.random()}" for _ in range(self._rng.randrange(1, 6))]
        if suffix == ".jsonl":
            return "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()
        if suffix == ".html":
            return f"<title>{texts[0]}</title>".encode()
        return texts[0].encode(self._rng.choice(ENCODINGS))

    def _remove(self) -> None:
        files = self._files()
        if len(files) > MIN_FILES:
            self._rng.choice(files).unlink()

    def _rename(self) -> None:
        path = self._rng.choice(self._files())
        path.rename(self._new_path(path.suffix))

    def _rename_folder(self) -> None:
        folder = self._rng.choice([path for path in self._folders() if path not in (self._root, self._target)])
        if not folder.is_symlink():
            folder.rename(folder.with_name(f"{self._rng.randrange(10**6)}"))

    def _link(self) -> None:
        """Add a link to a file that may be removed later."""
        path = self._rng.choice(self._files())
        self._new_path(path.suffix).symlink_to(path.absolute())

    def _switch_target(self) -> None:
        """Make the linked folder unreachable, or reachable again."""
        if self._target.exists():
            self._target.rename(self._away)
        else:
            self._away.rename(self._target)
