"""The tests mirror the library: `hyperrl/x/y.py` has `tests/x/test_y.py`."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WITHOUT_TESTS = {
    "__init__.py": "test_startup.py imports it; test_registration.py makes what it registers",
    "__main__.py": "calls the command, which test_startup.py starts",
    "interrupts.py": "signals reach whole processes: test_startup.py, acceptance/test_interruptions.py",
    "cli/__init__.py": "starts the command: test_app.py",
    "policies/actor_critic.py": "of PPO and A2C, TRPO and others on top of them: test_ppo.py",
    "experiments/engines/base.py": "what an engine is: test_processes.py",
    "policies/dqn.py": "proved of SAC, TD3 and DQN in turn: test_off_policy.py",
    "policies/td3.py": "proved of SAC, TD3 and DQN in turn: test_off_policy.py",
    "policies/plain.py": "effort and outputs of plain networks, by algorithm: test_one_task.py",
    "policies/targets.py": "generated convolutions: test_building.py",
    "recipes/algorithms/base.py": "fields of every algorithm in turn: test_algorithms.py",
    "recipes/algorithms/off_policy.py": "fields of every algorithm in turn: test_algorithms.py",
    "recipes/algorithms/on_policy.py": "fields of every algorithm in turn: test_algorithms.py",
    "tasks/checks/trials.py": "what test_family.py and test_feature.py in that folder play",
    "tasks/dynamics/cartpole.py": "each family against the textbook: dynamics/test_base.py",
    "tasks/dynamics/double_integrator.py": "each family against the textbook: dynamics/test_base.py",
    "tasks/dynamics/pendulum.py": "each family against the textbook: dynamics/test_base.py",
    "tasks/dynamics/picture.py": "pictures of families: test_registration.py",
}
"""Modules whose claims are proved in tests of another name, and where."""

WITHOUT_MODULES = {
    "training/telemetry/test_server.py": "a real TensorBoard server reads what all of telemetry writes",
}
"""Tests of several modules together, and of what."""


def has_code(module: Path) -> bool:
    """Whether a module defines anything but names that it imports and constants."""
    return any(
        isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.parse(module.read_text()).body
    )


def names(module: Path) -> list[Path]:
    """The test files of a module; a folder's `__init__` shares its own with the folder's base."""
    if module.name != "__init__.py":
        return [module.with_name(f"test_{module.name}")]
    folder = module.parent
    if folder == Path():
        return []
    return [
        folder.with_name(f"test_{folder.name}.py"),
        folder / f"test_{folder.name}.py",
        folder / "test_base.py",
    ]


def mirror(library: Path, tests: Path) -> tuple[set[str], set[str]]:
    """The library's modules without a test, and the tests without a module of the library."""
    modules = {file.relative_to(library) for file in library.rglob("*.py")}
    rooms = {module.parts[0] for module in modules if len(module.parts) > 1} | {""}
    files = {file.relative_to(tests) for file in tests.rglob("test_*.py")}
    files = {file for file in files if (file.parts[0] if len(file.parts) > 1 else "") in rooms}
    untested = {module for module in modules if has_code(library / module) and not files & set(names(module))}
    strangers = files - {name for module in modules for name in names(module)}
    return {module.as_posix() for module in untested}, {file.as_posix() for file in strangers}


def test_each_module_has_a_test_and_each_test_a_module() -> None:
    untested, strangers = mirror(ROOT / "hyperrl", ROOT / "tests")
    assert untested - WITHOUT_TESTS.keys() == set()
    assert strangers - WITHOUT_MODULES.keys() == set()


def test_the_exceptions_are_needed() -> None:
    untested, strangers = mirror(ROOT / "hyperrl", ROOT / "tests")
    assert WITHOUT_TESTS.keys() - untested - {"__main__.py"} == set()
    assert WITHOUT_MODULES.keys() - strangers == set()


@pytest.mark.parametrize(
    ("tests", "untested", "strangers"),
    [
        (["x/test_y.py", "test_x.py"], set(), set()),
        (["x/test_y.py", "x/test_base.py"], set(), set()),
        (["x/test_z.py"], {"x/y.py", "x/__init__.py"}, {"x/test_z.py"}),
        (["test_y.py", "acceptance/test_all.py"], {"x/y.py", "x/__init__.py"}, {"test_y.py"}),
    ],
)
def test_what_is_amiss_is_found(
    tests: list[str], untested: set[str], strangers: set[str], tmp_path: Path
) -> None:
    for name, text in (
        ("x/y.py", "def y(): ..."),
        ("x/__init__.py", "class X: ..."),
        ("x/constants.py", "A = 1"),
    ):
        file = tmp_path / "library" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for name in tests:
        file = tmp_path / "tests" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert mirror(tmp_path / "library", tmp_path / "tests") == (untested, strangers)


def test_files_of_tests_are_short() -> None:
    lengths = {file: len(file.read_text().splitlines()) for file in (ROOT / "tests").rglob("*.py")}
    assert {
        file.relative_to(ROOT).as_posix(): length for file, length in lengths.items() if length >= 400
    } == {}
