"""The rooms of the library import one way, and the linter that says so notices when they do not."""

import ast
import shutil
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
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


def imports(root: Path) -> dict[str, set[str]]:
    """What each file of the library imports of it, inside functions too."""
    files = {}
    for file in (root / "hyperrl").rglob("*.py"):
        parts = file.relative_to(root).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    graph: dict[str, set[str]] = {}
    for name, file in files.items():
        imported: set[str] = set()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                members = {f"{node.module}.{each.name}" for each in node.names}
                imported |= members & files.keys() or {node.module}
        graph[name] = imported & files.keys() - {name}
    return graph


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = imports(ROOT)
    assert len(graph) > 100
    assert "hyperrl.nets.hypernetwork" in graph["hyperrl.nets.separate"]
    TopologicalSorter(graph).prepare()


def test_a_circle_that_a_late_import_hides_is_found(tmp_path: Path) -> None:
    (tmp_path / "hyperrl").mkdir()
    (tmp_path / "hyperrl" / "one.py").write_text("from hyperrl import other\n")
    (tmp_path / "hyperrl" / "other.py").write_text("def late() -> None:\n    from hyperrl.one import x\n")
    with pytest.raises(CycleError):
        TopologicalSorter(imports(tmp_path)).prepare()
