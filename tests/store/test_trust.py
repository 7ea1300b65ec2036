"""A run imports a file of one's own unasked only where this machine has trained with that very file."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from hyperrl.api.runs import family_of
from hyperrl.errors import HyperRLWarning, UserError
from hyperrl.recipes import FamilyRecipe, WrapperRecipe, load_family
from hyperrl.store import Run, RunSpec, needed_imports, trust
from hyperrl.tasks import Family
from tests.store.conftest import created

BASES = ("box_env:Box-v0", "box_env.py:Box")


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has trained with nothing yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


def own(folder: Path, base: str = BASES[0]) -> FamilyRecipe:
    """A family of a file of one's own, which would make a mess if it were imported."""
    folder.mkdir()
    (folder / "box_env.py").write_text("raise SystemError('imported')\n")
    feature = {"about": "x", "default": 1, "train": [0.5, 2]}
    (folder / "box.yaml").write_text(yaml.safe_dump({"about": "x", "base": base, "features": {"g": feature}}))
    return load_family(str(folder / "box.yaml"))


def spec_of(family: FamilyRecipe, spec: RunSpec) -> RunSpec:
    return RunSpec.now(spec.agent, family, seed=0, steps=64)


@pytest.fixture(params=BASES)
def run(request: pytest.FixtureRequest, tmp_path: Path, spec: RunSpec) -> Run:
    """A run trained on this machine."""
    return created(tmp_path / "run", spec_of(own(tmp_path / "mine", request.param), spec))


def test_a_run_made_here_opens_from_anywhere(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    opened = Run.open(run.path)
    assert opened.spec == run.spec
    assert opened.spec.family.folder == str(tmp_path / "mine")
    assert (run.path / "source/box_env.py").read_text() == (tmp_path / "mine/box_env.py").read_text()


def test_the_record_is_this_machines(run: Run, machine: Path) -> None:
    (entry,) = (machine / "hyperrl/trusted").iterdir()
    assert str(Path("mine/box_env.py").absolute()) in entry.read_text()
    shutil.rmtree(machine)
    with pytest.raises(UserError, match=r"imports the .*allow_import=.* if you trust it"):
        Run.open(run.path)


def test_a_run_and_a_file_of_a_strangers_bring_no_trust(run: Run, tmp_path: Path) -> None:
    """They have the content, and a run.yaml that says it, but not the place where this machine trained."""
    shutil.copytree(tmp_path / "mine", tmp_path / "theirs")
    (tmp_path / "theirs/numpy_helper.py").write_text("what the file imports beside it may be anything\n")
    text = (run.path / "run.yaml").read_text()
    (run.path / "run.yaml").write_text(text.replace(str(tmp_path / "mine"), str(tmp_path / "theirs")))
    with pytest.raises(UserError, match=r"if you trust it"):
        Run.open(run.path)


def changed(file: Path) -> None:
    file.write_text(file.read_text() + "# another\n")


def test_a_file_that_has_changed(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine/box_env.py"
    changed(file)
    with pytest.raises(UserError, match=rf"'{file}', which has changed.*allow_import=.*{file}.*/source/"):
        Run.open(run.path)
    assert Run.open(run.path, [str(file)]).spec.family == run.spec.family


def test_a_file_that_has_changed_and_was_trained_with_since(run: Run, spec: RunSpec, tmp_path: Path) -> None:
    changed(tmp_path / "mine/box_env.py")
    created(tmp_path / "other", spec_of(run.spec.family, spec))
    with pytest.raises(UserError, match="which has changed since the run was trained"):
        Run.open(run.path)
    Run.open(tmp_path / "other")


@pytest.mark.parametrize("move", [lambda path: path.rename(path.parent / "moved"), shutil.rmtree])
def test_a_file_that_is_gone(move: Callable[[Path], object], run: Run, tmp_path: Path) -> None:
    move(tmp_path / "mine")
    with pytest.raises(UserError, match=r"/mine/box_env\.py', which is no longer there.*allow_import=.*FILE"):
        Run.open(run.path)


def test_a_file_may_be_named_where_it_is_now(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").rename(tmp_path / "moved")
    opened = Run.open(run.path, ["moved/box_env.py"])
    assert opened.spec.family.folder == str(tmp_path / "moved")
    assert Run.open(run.path).spec == opened.spec, "its content is on record, and now its place"
    with pytest.raises(UserError, match=r"found 'mine/box_env\.py', no such file"):
        Run.open(run.path, ["mine/box_env.py"])


def test_a_file_that_does_not_fit(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").rename(tmp_path / "moved")
    (tmp_path / "moved/other.py").touch()
    with pytest.raises(UserError, match="no longer there"):
        Run.open(run.path, ["moved/other.py"])


def test_a_file_that_moved_and_was_trained_with_again(run: Run, spec: RunSpec, tmp_path: Path) -> None:
    (tmp_path / "mine").rename(tmp_path / "moved")
    family = load_family(str(tmp_path / "moved/box.yaml"))
    created(tmp_path / "again", spec_of(family, spec))
    assert Run.open(run.path).spec.family == family
    changed(tmp_path / "moved/box_env.py")
    with pytest.raises(UserError, match="no longer there"):
        Run.open(run.path)


def test_a_strangers_file_that_is_shown_is_not_remembered(run: Run, machine: Path, tmp_path: Path) -> None:
    shutil.rmtree(machine)
    (tmp_path / "mine").rename(tmp_path / "moved")
    Run.open(run.path, ["moved/box_env.py"])
    with pytest.raises(UserError, match="if you trust it"):
        Run.open(run.path)


def test_a_module_allowed_by_name_is_not_taken_from_where_a_run_says(run: Run, machine: Path) -> None:
    shutil.rmtree(machine)
    if run.spec.family.parsed_base.module is None:
        with pytest.raises(UserError, match="if you trust it"):
            Run.open(run.path, ["box_env"])
    else:
        assert Run.open(run.path, ["box_env"]).spec.family.folder is None


def test_looking_at_a_family_is_trusted_alike(run: Run, machine: Path) -> None:
    assert trust.may_import(load_family("ode"))
    assert trust.may_import(run.spec.family)
    shutil.rmtree(machine)
    assert not trust.may_import(run.spec.family)


def test_a_record_that_cannot_be_written(tmp_path: Path, spec: RunSpec) -> None:
    (tmp_path / "state").write_text("in the way")
    with pytest.warns(HyperRLWarning, match=r"cannot be written .*will ask for allow_import=.*box_env\.py"):
        made = created(tmp_path / "run", spec_of(own(tmp_path / "mine"), spec))
    assert made.spec.source is not None


def test_a_relative_state_folder_counts_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    assert trust.record_folder() == Path(os.path.expanduser("~/.local/state/hyperrl/trusted"))


def test_a_file_of_the_working_folder_is_found_from_any_other(
    spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for base in BASES:
        working, families = tmp_path / f"working-{base}", tmp_path / f"families-{base}"
        own(working)
        families.mkdir()
        family = own(families / "inner", base)
        (families / "inner/box_env.py").unlink()
        monkeypatch.chdir(working)
        if base == BASES[1]:
            family = family.model_copy(update={"folder": None})  # as a recipe made in Python
        made = created(tmp_path / f"run-{base}", spec_of(family, spec))
        monkeypatch.chdir("/")
        assert Run.open(made.path).spec.family.folder == str(working)


def test_a_family_given_in_python_may_lie_elsewhere(run: Run, tmp_path: Path) -> None:
    family = Family(load_family(str(tmp_path / "mine/box.yaml")).model_copy(update={"folder": "/elsewhere"}))
    assert family_of(run, family) is family
    with pytest.raises(UserError, match="was trained on another family"):
        family_of(run, Family.load("ode"))


def test_a_huge_file_is_not_read(run: Run, tmp_path: Path) -> None:
    os.truncate(tmp_path / "mine/box_env.py", 1 << 34)  # a hole takes no room on the disk
    with pytest.raises(UserError, match="allow_import"):
        Run.open(run.path)


def test_a_file_that_changed_and_was_trained_on_with(run: Run, tmp_path: Path) -> None:
    """The run was then trained with both; it opens with the last."""
    file = tmp_path / "mine/box_env.py"
    before = file.read_text()
    changed(file)
    opened = Run.open(run.path, [str(file)])
    opened.note_sources(opened.spec.family)
    assert Run.open(run.path).spec == opened.spec != run.spec
    copies = sorted((run.path / "source").iterdir(), key=lambda copy: len(copy.name))
    assert [copy.read_text() for copy in copies] == [file.read_text(), before]
    opened.note_sources(opened.spec.family)
    assert len(list((run.path / "source").iterdir())) == 2


def with_wrapper(folder: Path, spec: RunSpec, name: str) -> RunSpec:
    """The spec with a wrapper of a file, or a module, in a folder, which would make a mess if imported."""
    folder.mkdir()
    (folder / "own_wrap.py").write_text("raise SystemError('imported')\n")
    wrapper = WrapperRecipe(name=name, folder=str(folder))
    agent = spec.agent.model_copy(update={"wrappers": (WrapperRecipe(name="TimeAwareObservation"), wrapper)})
    return RunSpec.now(agent, spec.family, seed=0, steps=64)


@pytest.mark.parametrize("name", ["own_wrap.py:Own", "own_wrap:Own"])
def test_an_agents_wrapper_is_trusted_as_a_base_environment_is(
    name: str, spec: RunSpec, machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = created(tmp_path / "run", with_wrapper(tmp_path / "mine", spec, name))
    monkeypatch.chdir("/")
    assert Run.open(run.path).spec == run.spec, "trained on this machine"
    assert (run.path / "source/own_wrap.py").is_file()
    file = tmp_path / "mine/own_wrap.py"
    record = machine.rename(tmp_path / "away")
    module = name.startswith("own_wrap:")
    with pytest.raises(UserError, match=rf"its wrapper '{name}' imports the .*own_wrap.*if you trust it"):
        Run.open(run.path)
    assert needed_imports(run.path, run.spec) == (("own_wrap",) if module else (str(file),))
    assert Run.open(run.path, [str(file)]).spec == run.spec
    if module:
        assert Run.open(run.path, ["own_wrap"]).spec.agent.wrappers[1].folder is None
    record.rename(machine)
    (tmp_path / "mine").rename(tmp_path / "moved")
    with pytest.raises(UserError, match="which is no longer there"):
        Run.open(run.path)
    shown = Run.open(run.path, [str(tmp_path / "moved/own_wrap.py")])
    assert shown.spec.agent.wrappers[1].folder == str(tmp_path / "moved")
    assert Run.open(run.path).spec == shown.spec, "its new place is on record"
    changed(tmp_path / "moved/own_wrap.py")
    with pytest.raises(UserError, match="no longer there"):
        Run.open(run.path)


def test_a_run_names_all_that_it_imports(run: Run, spec: RunSpec, machine: Path, tmp_path: Path) -> None:
    both = with_wrapper(tmp_path / "beside", run.spec, "own_wrap.py:Own")
    made = created(tmp_path / "both", both)
    assert {file.name for file in (made.path / "source").iterdir()} == {"box_env.py", "own_wrap.py"}
    shutil.rmtree(machine)
    needed = needed_imports(made.path, made.spec)
    assert len(needed) == 2
    with pytest.raises(UserError, match="its wrapper"):
        Run.open(made.path, needed[:1])
    assert Run.open(made.path, needed).spec.agent == both.agent


def test_a_run_that_says_nothing_of_wrappers_has_none(run: Run) -> None:
    text = (run.path / "run.yaml").read_text()
    older = re.sub(r"\n(  wrappers|wrapper_sources): \[\]", "", text)
    assert not re.search("^ *wrapper", older, re.MULTILINE)
    (run.path / "run.yaml").write_text(older)
    assert Run.open(run.path).spec == run.spec
