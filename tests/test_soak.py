"""An index that several processes change and query while they are killed equals a fresh one; see benchmarks/soak.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "soak.py"
MINUTES = os.environ.get("SOAK_MINUTES", "1")


@pytest.mark.slow
def test_index_equals_fresh_one_after_changes_and_kills(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--minutes", MINUTES, "--folder", str(tmp_path / "soak")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
