"""Where the module or the file that a recipe names is found, and which one is imported."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperrl.errors import UserError
from hyperrl.tasks.modules import find_file
from tests.forgetting import forgetting_imports
from tests.tasks.lamps import family, where, write


@pytest.fixture(autouse=True)
def fresh_imports(tmp_path: Path) -> Iterator[None]:
    with forgetting_imports(tmp_path):
        yield


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
        assert find_file(family(tmp_path, base).recipe.parsed_base) is not None
    assert find_file(family(tmp_path / "else", "lamp_trap.inner:L-v0").recipe.parsed_base) is not None
    assert not [name for name in sys.modules if name.startswith("lamp_trap")]


def test_a_folder_of_the_familys_choice(tmp_path: Path) -> None:
    write(tmp_path / "code/lamp_far.py", "far", "LampFar-v0")
    assert where(family(tmp_path / "families", "lamp_far:LampFar-v0", folder="../code")) == "far"
