"""What a family's `base` names is imported and made, and what is said where it cannot be."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.tasks.modules import find_file
from tests.forgetting import forgetting_imports
from tests.tasks.lamps import family, where, write


@pytest.fixture(autouse=True)
def fresh_imports(tmp_path: Path) -> Iterator[None]:
    with forgetting_imports(tmp_path):
        yield


def test_what_is_loaded_anyway_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "gymnasium.py").touch()
    found = family(tmp_path, "gymnasium:MountainCar-v0").recipe
    assert (found.parsed_base.imports, find_file(found.parsed_base), found.folder) == (None, None, None)


def test_a_class_of_a_file_needs_no_id(tmp_path: Path) -> None:
    write(tmp_path / "my lamp.py", "a file")
    found = family(tmp_path / "families", "../my lamp.py:Lamp", kwargs="{max_episode_steps: 3, offset: 0.25}")
    assert found.max_steps == 3
    env = found.make()
    assert (env.base.where, env.base.offset) == ("a file", 0.25)  # type: ignore[attr-defined]
    env.reset(seed=0)
    ends = [env.step(np.zeros(1, np.float32))[3] for _ in range(3)]
    assert ends == [False, False, True]


def test_a_file_may_register_an_id(tmp_path: Path) -> None:
    write(tmp_path / "lamp_id.py", "an id", "LampId-v0")
    found = family(tmp_path, "lamp_id.py:LampId-v0")
    assert where(found) == "an id"
    assert found.max_steps == 7


WRONG = {
    "no file": ("absent.py:Lamp", None, r"no file '.*absent\.py'"),
    "no module": ("lamp_absent:L-v0", None, r"No module named 'lamp_absent'; looked in '.*', among what"),
    "no class": ("lamp_a.py:Lmp", "", r"lamp_a\.py' has no such class; did you mean 'Lamp'"),
    "no environment": (
        "lamp_b.py:Other",
        "class Other: ...",
        r"'Other' that is no subclass of gymnasium\.Env",
    ),
    "a function": ("lamp_c.py:make", "def make(): ...", r"'make' that is no subclass"),
    "an error": (
        "lamp_d.py:Lamp",
        "x = 1 / 0",
        r"importing '.*' fails, line 22: ZeroDivisionError",
    ),
    "a syntax error": ("lamp_e.py:Lamp", "def f(:", r"importing '.*' fails, line 22: SyntaxError: invalid"),
    "no Exception": ("lamp_m.py:Lamp", "raise BaseException('x')", r"line 22: BaseException: x$"),
    "a null byte": ("lamp_n.py:Lamp", chr(0), r"importing '.*lamp_n.py' fails: SyntaxError: "),
    "an exit": ("lamp_f.py:Lamp", "raise SystemExit(3)", r"importing '.*' fails, line 22: SystemExit: 3"),
    "a module that is missing": ("lamp_g:L-v0", "import lamp_nowhere", r"No module named 'lamp_nowhere'"),
    "a class by its module": (
        "lamp_i:Lamp",
        "",
        r"exist; for the class of this name write 'base: lamp_i\.py:Lamp'$",
    ),
    "no id": ("lamp_h:Lost-v0", "", r"cannot be made: .*Lost"),
}


@pytest.mark.parametrize(("base", "code", "says"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_a_line(base: str, code: str | None, says: str, tmp_path: Path) -> None:
    if code is not None:
        write(tmp_path / f"{base.partition(':')[0].removesuffix('.py')}.py", more=code)
    with pytest.raises(UserError, match=says) as raised:
        family(tmp_path, base).make()
    assert f"mine: base '{base}'" in str(raised.value)


def test_processes_of_their_own_import_it_too(tmp_path: Path) -> None:
    write(tmp_path / "lamp_worker.py", "worker", "LampWorker-v0")
    for base in ("lamp_worker:LampWorker-v0", "lamp_worker.py:Lamp"):
        env = family(tmp_path, base).make_vec(2, subprocesses=1)
        env.reset(seed=0)
        assert env.call("get_wrapper_attr", "spec")  # type: ignore[union-attr]
        env.step(env.action_space.sample())
        env.close()
