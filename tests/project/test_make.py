"""What `make` does with the outcomes of what it runs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.report.results import MEASURED

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("missing", [MEASURED[0], MEASURED[-1], "none"])
def test_all_benchmarks_run_and_are_kept_whatever_one_misses(tmp_path: Path, missing: str) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@" >> calls\n[ "$2" != benchmarks.{missing} ]\n')
    python.chmod(0o755)
    ready = tmp_path / ".venv" / ".ready"
    ready.touch()
    os.utime(ready, (2**31, 2**31))
    done = subprocess.run(["make", "bench"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode == 0) == (missing == "none"), done.stderr
    assert (tmp_path / "calls").read_text().splitlines() == [
        f"-m benchmarks.{name} --json benchmarks/results/{name.partition('.')[2]}.json" for name in MEASURED
    ]
