import os
import subprocess
import sys

import pytest
import torch

from hyperrl.errors import UserError
from hyperrl.recipes import FamilyRecipe
from hyperrl.store import Run


def test_a_run_opens_as_it_was_created(run: Run) -> None:
    assert Run.open(run.path).spec == run.spec
    assert run.spec.versions.keys() >= {"python", "torch", "stable-baselines3", "gymnasium", "numpy"}
    assert run.spec.started.endswith("+00:00")
    assert run.figures.is_dir()


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


def test_what_a_killed_process_was_writing_is_removed(run: Run) -> None:
    left = [
        run.path / ".status.json.x.unfinished",
        run.path / "checkpoints" / ".latest.safetensors.x.unfinished",
    ]
    for path in left:
        path.touch()
    with run.writing():
        assert not any(path.exists() for path in left)


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
