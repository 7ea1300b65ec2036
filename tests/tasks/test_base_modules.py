"""Where the module or the file that a family's `base` names is found, and what is said where it is not."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.tasks import Family
from hyperrl.tasks.base_modules import base_file
from tests.forgetting import forgetting_imports

ENV = """
import gymnasium as gym, numpy as np
from gymnasium import spaces

class Lamp(gym.Env):
    where = "{where}"

    def __init__(self, offset=0.5):
        self.gain, self.offset = 1.0, offset
        self.observation_space = spaces.Box(-99, 99, (1,), np.float32)
        self.action_space = spaces.Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.zeros(1, np.float32), {{}}

    def step(self, action):
        self.t += 1
        reward = -abs(self.gain * float(action[0]) - self.offset)
        return np.full(1, self.t, np.float32), reward, False, False, {{}}
"""
REGISTRATION = 'gym.register("{id}", entry_point=Lamp, max_episode_steps=7)\n'


@pytest.fixture(autouse=True)
def fresh_imports(tmp_path: Path) -> Iterator[None]:
    with forgetting_imports(tmp_path):
        yield


def write(path: Path, where: str = "", id: str | None = None, more: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ENV.format(where=where) + (REGISTRATION.format(id=id) if id else "") + more)
    return path


def family(place: Path, base: str, **fields: Any) -> Family:
    place.mkdir(parents=True, exist_ok=True)
    feature = "{gain: {about: x, default: 1, train: [0.5, 2]}}"
    lines = ["about: x", f"base: {base}", f"features: {feature}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    (place / "mine.yaml").write_text("\n".join(lines))
    return Family.load(str(place / "mine.yaml"))


def where(made: Family) -> Any:
    env = made.make()
    try:
        return env.base.where  # type: ignore[attr-defined]
    finally:
        env.close()


def test_what_is_loaded_anyway_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "gymnasium.py").touch()
    found = family(tmp_path, "gymnasium:MountainCar-v0").recipe
    assert (found.parsed_base.imports, base_file(found), found.folder) == (None, None, None)


def test_a_module_is_looked_for_beside_the_family_then_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = tmp_path / "working"
    write(working / "lamp_one.py", "working", "LampOne-v0")
    write(working / "lamp_two.py", "working", "LampTwo-v0")
    write(tmp_path / "beside/lamp_one.py", "beside", "LampOne-v0")
    monkeypatch.chdir(working)
    assert where(family(tmp_path / "beside", "lamp_one:LampOne-v0")) == "beside"
    assert where(family(tmp_path / "beside", "lamp_two:LampTwo-v0")) == "working"


def test_what_is_installed_is_before_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "site/lamp_three.py", "installed", "LampThree-v0")
    write(tmp_path / "working/lamp_three.py", "working", "LampThree-v0")
    monkeypatch.chdir(tmp_path / "working")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert where(family(tmp_path / "families", "lamp_three:LampThree-v0")) == "installed"


def test_a_file_that_is_mended_is_imported(tmp_path: Path) -> None:
    path = write(tmp_path / "lamp_broken.py", "mended", more="x = 1 / 0")
    found = family(tmp_path, "lamp_broken.py:Lamp")
    with pytest.raises(UserError, match="ZeroDivisionError"):
        found.make()
    path.write_text(path.read_text().replace("x = 1 / 0", ""))
    assert where(found) == "mended"


def test_a_module_of_a_package_and_its_neighbors(tmp_path: Path) -> None:
    (tmp_path / "lamps/kinds").mkdir(parents=True)
    (tmp_path / "lamps/__init__.py").write_text("")
    (tmp_path / "lamp_helper.py").write_text("where = 'helped'\n")
    more = "import lamp_helper\nLamp.where = lamp_helper.where\n"
    write(tmp_path / "lamps/kinds/small.py", id="LampSmall-v0", more=more)
    assert where(family(tmp_path, "lamps.kinds.small:LampSmall-v0")) == "helped"


def test_a_package_and_its_parts(tmp_path: Path) -> None:
    write(
        tmp_path / "lamp_package/__init__.py",
        id="LampPackage-v0",
        more="from .part import where\nLamp.where = where\n",
    )
    (tmp_path / "lamp_package/part.py").write_text("where = 'a part'\n")
    assert where(family(tmp_path, "lamp_package:LampPackage-v0")) == "a part"


def test_a_module_that_is_loaded_already_by_another_way_to_it(tmp_path: Path) -> None:
    write(tmp_path / "real/lamp_linked.py", "real", "LampLinked-v0")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for base in ("lamp_linked:LampLinked-v0", "lamp_linked.py:Lamp"):
        for folder in ("real", "link"):
            assert where(family(tmp_path / folder, base)) == "real"
    assert [name for name in sys.modules if name.startswith("lamp_linked")] == ["lamp_linked"]


def test_the_familys_folder_is_before_the_working_folder_on_pythons_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with `python -m hyperrl`."""
    write(tmp_path / "working/lamp_both.py", "working", "LampBoth-v0")
    more = "import lamp_friend\nLamp.where = lamp_friend.where\n"
    write(tmp_path / "beside/lamp_both.py", id="LampBoth-v0", more=more)
    (tmp_path / "beside/lamp_friend.py").write_text("where = 'a friend'\n")
    monkeypatch.chdir(tmp_path / "working")
    monkeypatch.syspath_prepend(str(tmp_path / "working"))
    assert where(family(tmp_path / "beside", "lamp_both:LampBoth-v0")) == "a friend"


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


def test_files_of_one_name_are_reported_apart(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write(tmp_path / folder / "lamp_same.py", folder)
    found = [family(tmp_path / folder, "lamp_same.py:Lamp") for folder in ("one", "two")]
    assert [where(each) for each in (*found, *found)] == ["one", "two", "one", "two"]


def test_modules_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write(tmp_path / folder / "lamp_twin.py", folder, "LampTwin-v0")
    assert where(family(tmp_path / "one", "lamp_twin:LampTwin-v0")) == "one"
    with pytest.raises(UserError, match=r"'lamp_twin' is installed or loaded already .*one.*rename the file"):
        family(tmp_path / "two", "lamp_twin:LampTwin-v0").make()


def test_no_installed_module_is_replaced(tmp_path: Path) -> None:
    """A file may be called as Python's own module is; whoever imports that one gets that one."""
    write(tmp_path / "colorsys.py", "mine")
    (tmp_path / "wave.py").write_text("raise SystemError('imported by mistake')\n")
    assert where(family(tmp_path, "colorsys.py:Lamp")) == "mine"
    import colorsys
    import wave

    assert not hasattr(colorsys, "Lamp")
    assert hasattr(wave, "open")
    with pytest.raises(UserError, match="'colorsys' is installed or loaded already"):
        family(tmp_path, "colorsys:Lamp-v0").make()


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


def test_a_file_that_changed_since_it_was_imported(tmp_path: Path) -> None:
    path = write(tmp_path / "lamp_old.py")
    found = family(tmp_path, "lamp_old.py:Lamp")
    found.make().close()
    path.write_text(path.read_text() + "# another\n")
    with pytest.raises(UserError, match="has changed since this process imported it"):
        found.make()


def test_looking_for_a_file_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lamp_trap").mkdir()
    for name in ("__init__", "inner"):
        (tmp_path / f"lamp_trap/{name}.py").write_text("raise SystemError('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for base in ("lamp_trap:L-v0", "lamp_trap.inner:L-v0", "lamp_trap/inner.py:Lamp"):
        assert base_file(family(tmp_path, base).recipe) is not None
    assert base_file(family(tmp_path / "else", "lamp_trap.inner:L-v0").recipe) is not None
    assert not [name for name in sys.modules if name.startswith("lamp_trap")]


def test_a_folder_of_the_familys_choice(tmp_path: Path) -> None:
    write(tmp_path / "code/lamp_far.py", "far", "LampFar-v0")
    assert where(family(tmp_path / "families", "lamp_far:LampFar-v0", folder="../code")) == "far"


def test_processes_of_their_own_import_it_too(tmp_path: Path) -> None:
    write(tmp_path / "lamp_worker.py", "worker", "LampWorker-v0")
    for base in ("lamp_worker:LampWorker-v0", "lamp_worker.py:Lamp"):
        env = family(tmp_path, base).make_vec(2, subprocesses=1)
        env.reset(seed=0)
        assert env.call("get_wrapper_attr", "spec")  # type: ignore[union-attr]
        env.step(env.action_space.sample())
        env.close()
