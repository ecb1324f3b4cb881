"""Texts in many languages, encodings and formats are read, or the loss is named; see benchmarks/fuzz_encodings.py."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "fuzz_encodings.py"


def test_no_text_is_silently_lost() -> None:
    run = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
