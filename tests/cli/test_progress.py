"""Progress of long commands."""

import io

import pytest

from aesearch.cli import interrupts
from aesearch.cli.progress import TRAINING_LINES, describe_epoch, show_progress
from aesearch.coders.base import Epoch
from aesearch.index.progress import Progress

EPOCH = Epoch(3, 40, 1.5, 1.25, 2.0)
WITHOUT_VALIDATION = Epoch(3, 40, 1.5, None, 2.0)
ROUND = Epoch(2, 15, 0.5, None, 1.0, score=0.625, unit="round")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def report_everything() -> None:
    with show_progress() as on_progress:
        on_progress(Progress("read", 5, None))
        on_progress(Progress("read", 1200, 1200))
        for number in range(1, 41):
            on_progress(Progress("train", number, 40, Epoch(number, 40, 1 / number, None, 0.5, unit="round")))
        on_progress(Progress("encode", 1200, 1200))
        on_progress(Progress("encode", 1200, 1200))


def test_a_few_lines_are_printed_outside_of_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    report_everything()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "reading: 1,200 done"
    assert lines[-1] == "encoding: 1,200 done"
    assert len(lines) == TRAINING_LINES + 2
    assert lines[1] == "training: round 8 of 40, loss 0.125, at most 16 s left"


def test_bars_are_drawn_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    report_everything()
    drawn = terminal.getvalue()
    assert "1200/1200" in drawn
    assert "round 40 of 40, loss 0.025" in drawn
    for stage in ("reading", "training", "encoding"):
        assert stage in drawn


def test_neighbor_autoencoder_has_rounds_and_others_have_epochs() -> None:
    assert describe_epoch(ROUND) == "round 2 of 15, loss 0.5, score 0.625"
    assert describe_epoch(EPOCH) == "epoch 3 of 40, loss 1.5, validation loss 1.25"
    assert describe_epoch(WITHOUT_VALIDATION) == "epoch 3 of 40, loss 1.5"


def test_callback_raises_after_a_swallowed_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "_was_interrupted", False)
    with pytest.raises(KeyboardInterrupt):
        interrupts.handle_interrupt(2, None)
    with pytest.raises(KeyboardInterrupt), show_progress() as on_progress:
        on_progress(Progress("read", 1, 2))
