"""Names of code in recipes, and the same names in files at other places."""

import pytest

from hyperrl.recipes import BaseId
from hyperrl.recipes.wrappers import WrapperName


@pytest.mark.parametrize(
    ("text", "path", "folder", "moved"),
    [
        ("tank_env.py:Tank", "/new/tank_env.py", "/new", "tank_env.py:Tank"),
        ("../old/tank_env.py:Tank-v0", "/new/tank_env.py", "/new", "tank_env.py:Tank-v0"),
        ("tank_env:Tank-v0", "/new/tank_env.py", "/new", "tank_env:Tank-v0"),
        ("tanks.small:Tank-v0", "/new/tanks/small.py", "/new", "tanks.small:Tank-v0"),
        ("tanks.small:Tank-v0", "/tanks/small/__init__.py", "/", "tanks.small:Tank-v0"),
    ],
)
def test_a_name_in_a_file_elsewhere(text: str, path: str, folder: str, moved: str) -> None:
    found = BaseId.parse(text, "/old").in_file(path)
    assert found == BaseId.parse(moved, folder)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("tank_env.py:Tank", "/new/other.py"),
        ("tank_env:Tank-v0", "/new/other.py"),
        ("tanks.small:Tank-v0", "/new/small.py"),
        ("Pendulum-v1", "/new/Pendulum-v1.py"),
    ],
)
def test_a_name_that_a_file_does_not_have(text: str, path: str) -> None:
    assert BaseId.parse(text).in_file(path) is None


def test_what_must_be_imported() -> None:
    assert BaseId.parse("gymnasium:Pendulum-v1").imports is None
    assert WrapperName.parse("TimeLimit").imports is None
    assert [BaseId.parse("a.py:B").imports, WrapperName.parse("a.b:C").imports] == ["a.py", "a.b"]
