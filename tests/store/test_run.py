import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from hyperrl.errors import UserError
from hyperrl.recipes import FamilyRecipe, load_family, shipped
from hyperrl.store import Resumed, Run, RunSpec, fault, refuse_links, runs_below
from hyperrl.store.spec import read_spec, spec_text
from tests.store.conftest import created


def test_a_run_opens_as_it_was_created(run: Run) -> None:
    assert Run.open(run.path).spec == run.spec
    assert run.spec.versions.keys() >= {"python", "torch", "stable-baselines3", "gymnasium", "numpy"}
    assert run.spec.started.endswith("+00:00")
    assert run.figures.is_dir()


def test_all_that_a_run_is_started_with_is_noted(spec: RunSpec, tmp_path: Path) -> None:
    given: dict[str, Any] = {"overrides": ("n_envs=2",), "from_run": "runs/other", "keep": 3}
    noted = RunSpec.now(spec.agent, spec.family, seed=0, steps=1, **given)
    (tmp_path / "run.yaml").write_text(spec_text(noted), encoding="utf-8")
    found = read_spec(tmp_path / "run.yaml")
    assert (found.seed, found.steps, found.agent, found.family) == (0, 1, spec.agent, spec.family)
    assert {name: getattr(found, name) for name in given} == given


@pytest.mark.parametrize("name", sorted(shipped("envs")))
def test_every_shipped_family_survives_run_yaml(name: str, spec: RunSpec, tmp_path: Path) -> None:
    written = spec.model_copy(update={"family": load_family(name)})
    (tmp_path / "run.yaml").write_text(spec_text(written), encoding="utf-8")
    assert read_spec(tmp_path / "run.yaml") == written


def test_text_that_looks_like_a_number_stays_text(spec: RunSpec, tmp_path: Path) -> None:
    family = spec.family.model_copy(
        update={"kwargs": {"version": "1e3", "flag": "true", "n": "12", "x": "1.5"}}
    )
    written = spec.model_copy(update={"family": family})
    (tmp_path / "run.yaml").write_text(spec_text(written), encoding="utf-8")
    assert read_spec(tmp_path / "run.yaml").family.kwargs == family.kwargs


def test_an_existing_run_is_refused_and_kept(run: Run, spec: RunSpec) -> None:
    before = (run.path / "run.yaml").read_bytes()
    with pytest.raises(UserError, match=r"holds a run already.*hyperrl\.resume.*out"):
        created(run.path, spec.model_copy(update={"seed": 9}))
    assert (run.path / "run.yaml").read_bytes() == before


def test_checkpoints_without_a_run_yaml_are_refused_too(run: Run, spec: RunSpec) -> None:
    (run.path / "run.yaml").unlink()
    with pytest.raises(UserError, match=r"hyperrl\.resume.*out"):
        created(run.path, spec)


def test_a_directory_without_a_run_is_used(tmp_path: Path, spec: RunSpec) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    created(tmp_path, spec)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_in_the_way_is_refused(tmp_path: Path, spec: RunSpec) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="a file is in the way"):
        created(tmp_path / "file", spec)
    with pytest.raises(UserError, match="cannot be written"):
        created(tmp_path / "file" / "run", spec)


def test_a_missing_run_offers_the_nearest(run: Run) -> None:
    with pytest.raises(UserError, match=r"no such directory; did you mean '.*hyper-ppo/seed-3'"):
        Run.open(run.path.parent / "seed-4")
    with pytest.raises(UserError, match=r"no such directory; did you mean '.*hyper-ppo/seed-3'"):
        Run.open(run.path.parent.parent / "hyper-pp" / "seed-3")


def test_a_directory_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not a run, it has no run\.yaml$"):
        Run.open(tmp_path)


def test_a_folder_of_runs_is_refused_with_the_runs_below_it(run: Run, spec: RunSpec) -> None:
    folder = run.path.parent.parent
    with pytest.raises(UserError, match=rf"it has no run\.yaml; below it: '{run.path}'$"):
        Run.open(folder)
    created(run.path.parent / "seed-4", spec)
    with pytest.raises(UserError, match=rf"below it: '{run.path}' and 1 more$"):
        Run.open(folder)


def test_a_file_is_refused_with_the_run_that_holds_it(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"found a file; allowed: a run's directory, such as '{run.path}'"):
        Run.open(run.path / "run.yaml")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match=r"found a file; allowed: a run's directory$"):
        Run.open(tmp_path / "notes.txt")


def test_a_corrupt_run_yaml_is_told_in_one_line(run: Run) -> None:
    path = run.path / "run.yaml"
    whole = path.read_text(encoding="utf-8")
    broken = [
        "",
        whole[: len(whole) // 3],
        whole[: len(whole) // 2],
        whole.replace("seed: 3", "seed: -3"),
        whole.replace("format: 1", "format: 2", 1),
        whole + "seed: 4\n",
        whole + "color: red\n",
        "!!python/object/apply:os.system ['true']",
        "\x00\x01",
    ]
    for text in broken:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UserError) as caught:
            Run.open(run.path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="UTF-8"):
        Run.open(run.path)


def test_a_base_that_imports_is_refused_unless_allowed(run: Run) -> None:
    data = run.spec.family.model_dump(by_alias=True) | {"base": "their.module:Env-v0", "oracle": None}
    run.write_spec(run.spec.model_copy(update={"family": FamilyRecipe.parse(data, "family")}))
    with pytest.raises(
        UserError, match=r"imports the module 'their\.module'.*allow_import=\['their\.module'\]"
    ):
        Run.open(run.path)
    with pytest.raises(UserError, match="allow_import"):
        Run.open(run.path, allow_import=["their"])
    assert Run.open(run.path, allow_import=["their.module"]).spec.family.base == "their.module:Env-v0"


def test_evaluations_are_kept(run: Run) -> None:
    run.save_evaluation({"steps": 2}, "final")
    run.save_evaluation({"steps": 1}, "early")
    assert run.evaluations() == [{"steps": 1}, {"steps": 2}]
    with pytest.raises(UserError, match="only letters"):
        run.save_evaluation({}, "../../run")
    (run.path / "evaluations" / "final.json").write_text("{")
    with pytest.raises(UserError, match=r"final\.json.*truncated or not a JSON object"):
        run.evaluations()


def test_a_run_is_running_while_its_lock_is_held(run: Run) -> None:
    assert (run.state, run.status.steps) == ("killed", 0)
    with run.writing():
        assert run.state == "running"
    run.write_status("finished", 4096)
    assert (run.state, run.status.steps) == ("finished", 4096)
    with run.writing():
        assert run.state == "running"


@pytest.mark.parametrize(
    ("error", "state"), [(RuntimeError("broken"), "failed"), (KeyboardInterrupt(), "interrupted")]
)
def test_what_ends_a_training_is_its_state(run: Run, error: BaseException, state: str) -> None:
    def training() -> None:
        with run.writing():
            run.write_status("running", 0)
            run.save_checkpoint("latest", {}, {"steps": 8})
            raise error

    with pytest.raises(type(error)):
        training()
    assert (run.state, run.status.steps) == (state, 8)


def test_an_error_before_a_training_begins_leaves_its_state(run: Run) -> None:
    run.write_status("finished", 4096)
    with pytest.raises(UserError), run.writing():
        raise UserError("nothing is left to do")
    assert (run.state, run.status.steps) == ("finished", 4096)


def test_a_full_disk_does_not_hide_why_a_training_ended(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hyperrl.store.run.atomic_write", full)
    with pytest.raises(RuntimeError, match="broken"), run.writing():
        raise RuntimeError("broken")
    assert run.state == "killed"


def test_steps_without_a_checkpoint_are_a_fault(run: Run) -> None:
    assert fault(run) is None
    run.write_status("finished", 4096)
    assert fault(run) == "checkpoint 'latest' is missing"
    run.save_checkpoint("latest", {}, {"steps": 4096})
    assert fault(run) is None


@pytest.mark.parametrize("folder", ["checkpoints", "evaluations", "figures", "specialists"])
def test_a_folder_that_leads_elsewhere_or_is_none_is_refused(run: Run, tmp_path: Path, folder: str) -> None:
    path = run.path / folder
    if path.exists():
        path.rmdir()
    path.symlink_to(tmp_path)
    with pytest.raises(UserError, match=f"{folder} is a link, which may lead out of the run"):
        Run.open(run.path)
    path.unlink()
    path.write_text("")
    with pytest.raises(UserError, match=f"{folder} is no directory"):
        Run.open(run.path)


@pytest.mark.parametrize("name", ["status.json", "progress.csv"])
def test_a_file_that_is_none_is_refused_and_never_waited_for(run: Run, name: str) -> None:
    (run.path / name).unlink(missing_ok=True)
    os.mkfifo(run.path / name)
    told = f"{name} is a directory or a device; allowed: a file"
    with pytest.raises(UserError, match=told):
        Run.open(run.path)
    assert [told in str(found) for _, found in runs_below(run.path)] == [True]


def test_a_checkpoint_that_is_no_file_is_none(run: Run) -> None:
    (run.path / "checkpoints" / "best.safetensors").mkdir()
    os.mkfifo(run.path / "checkpoints" / "latest.safetensors")
    assert run.checkpoints() == []
    for name in ("best", "latest"):
        with pytest.raises(UserError, match=f"no checkpoint '{name}'; it has: none"):
            run.load_checkpoint(name)


def test_the_best_checkpoint_plays_or_else_the_latest(run: Run) -> None:
    with pytest.raises(UserError, match="has no checkpoint yet"):
        run.default_checkpoint()
    for steps, name in enumerate(("0", "latest", "best"), 1):
        run.save_checkpoint(name, {"a": torch.zeros(1)}, {"steps": steps})
        if name != "0":
            assert (run.default_checkpoint(), run.checkpoint_steps(name)) == (name, steps)
    with pytest.raises(UserError, match="no checkpoint '7'; it has: 0, best, latest"):
        run.checkpoint_steps("7")


def test_links_anywhere_in_a_run_are_found(run: Run, tmp_path: Path) -> None:
    refuse_links(run.path)
    for name in ("projector_config.pbtxt", "04096/generated_weights", "checkpoints/latest.safetensors"):
        path = run.path / name
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(tmp_path / "nothing")
        with pytest.raises(UserError, match=f"{name} is a link, which may lead out of the run"):
            refuse_links(run.path)
        path.unlink()


def test_what_a_killed_process_was_writing_is_removed(run: Run) -> None:
    left = [
        run.path / ".status.json.x.unfinished",
        run.path / "checkpoints" / ".latest.safetensors.x.unfinished",
    ]
    for path in left:
        path.touch()
    with run.writing():
        assert not any(path.exists() for path in left)


def test_a_broken_status_reads_as_killed(run: Run) -> None:
    (run.path / "status.json").write_text("{")
    assert (run.state, run.status.steps) == ("killed", 0)


def test_resumptions_are_kept(run: Run) -> None:
    run.write_status("running", 8, (Resumed(steps=8, exact=False),))
    run.write_status("finished", 16)
    assert run.status.resumed == (Resumed(steps=8, exact=False),)


def test_runs_are_found_and_broken_ones_told(run: Run, spec: RunSpec) -> None:
    root = run.path.parents[2]
    other = created(root / "other", spec)
    broken = created(root / "broken", spec)
    (broken.path / "run.yaml").write_text("seed: [")
    found = dict(runs_below(root))
    assert list(found) == sorted([broken.path, other.path, run.path])
    assert {path for path, each in found.items() if isinstance(each, Run)} == {other.path, run.path}
    assert str(broken.path) in str(found[broken.path])


def test_the_store_needs_no_torch() -> None:
    code = "import sys, hyperrl.store; print([m for m in ('torch', 'stable_baselines3') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_runs_start_and_its_named_checkpoints_are_kept_beside_the_newest(run: Run) -> None:
    for name in ("0", "5", "10", "20", "latest", "best"):
        run.save_checkpoint(name, {"a": torch.zeros(1)}, {})
    run.keep_checkpoints(1)
    assert run.checkpoints() == ["0", "20", "best", "latest"]
    run.keep_checkpoints(0)
    assert run.checkpoints() == ["0", "best", "latest"]
