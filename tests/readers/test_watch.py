"""A watched folder reports its changes, except in hidden and excluded paths (extra `watch`)."""

import sys
import threading
from pathlib import Path

import pytest

from aesearch.errors import MissingExtra
from aesearch.readers.watch import watch_folder


@pytest.mark.slow
def test_watch_yields_at_start_and_after_each_change(tmp_path: Path) -> None:
    for name in ("index", ".cache", "node_modules"):
        (tmp_path / name).mkdir()
    watch = watch_folder(tmp_path, excluded=tmp_path / "index")
    next(watch)

    def change(*names: str) -> None:
        for name in names:
            (tmp_path / name).write_text("changed")

    changed = threading.Event()

    def wait() -> None:
        next(watch)
        changed.set()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    change("index/index.json", ".cache/a", ".hidden", "node_modules/a")
    assert not changed.wait(2.5)
    change("a.txt")
    assert changed.wait(10)
    thread.join()


def test_watch_without_watchfiles_names_the_pip_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)  # as if it were not installed
    with pytest.raises(MissingExtra, match=r"pip install 'aesearch\[watch\]'"):
        next(watch_folder(tmp_path, tmp_path / "index"))
