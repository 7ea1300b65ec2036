"""The rooms of the library import one way, and the linter that says so notices when they do not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([linter, "--no-cache"], cwd=root, capture_output=True, text=True, timeout=120)


def test_the_library_keeps_its_contracts() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout
    assert "3 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "imports", "contract"),
    [
        ("hyperrl/recipes/upward.py", "import hyperrl.cli", "Imports go one way"),
        ("hyperrl/nets/upward.py", "import hyperrl.recipes", "The nets stand alone"),
        ("hyperrl/tasks/heavy.py", "def late() -> None:\n    import torch", "answer without torch"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, module: str, imports: str, contract: str) -> None:
    shutil.copytree(ROOT / "hyperrl", tmp_path / "hyperrl", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    (tmp_path / module).write_text(imports + "\n")
    done = lint(tmp_path)
    assert done.returncode == 1
    broken = [line for line in done.stdout.splitlines() if line.rstrip().endswith("BROKEN")]
    assert any(contract in line for line in broken), done.stdout
