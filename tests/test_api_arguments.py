"""Every argument of the Python functions reaches what does the work: none is swallowed on the way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hyperrl import api
from hyperrl.evaluation.policy_act import PolicyAct
from hyperrl.recipes import load_agent, resolve
from hyperrl.store import Run, RunSpec
from hyperrl.tasks import Family
from hyperrl.training import load_model
from hyperrl.training.build import bare_model
from hyperrl.training.checkpoint import save_state
from tests.store.conftest import created


class Called(Exception):
    """What would have been done is not."""


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Calls a function and gives what it hands to another, whose work is not done."""

    def hand(where: str, call: Callable[..., Any], *given: Any, **options: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def called(*received: Any, **named: Any) -> None:
            found.update({"": received, **named})
            raise Called

        with monkeypatch.context() as patch:
            patch.setattr(where, called)
            with pytest.raises(Called):
                call(*given, **options)
        return found

    return hand


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with two checkpoints that nobody trained."""
    family = Family.load("ode")
    agent = resolve(load_agent("hyper-ppo"), family.recipe, ["policy.net_arch=[4]"])
    made = created(tmp_path / "run", RunSpec.now(agent, family.recipe, seed=3, steps=64))
    model = bare_model(agent, family.observation_space, family.action_space)
    for name, steps in (("best", 16), ("latest", 64)):
        save_state(made, name, {"steps": steps, "policy": model.policy.state_dict()})
    return made


def told(done: int, total: int) -> None:
    """A hook."""


def test_train(handed: Callable[..., dict[str, Any]], run: Run, tmp_path: Path) -> None:
    found = handed(
        "hyperrl.training.train", api.train, "hyper-ppo", "ode", steps=64, seed=5, overrides=["n_envs=2"],
        out=tmp_path / "new", leave_out=[{"c0": 1}], from_run=run, keep=3, detect_anomaly=True,
        device="cuda:1", progress=told,
    )  # fmt: skip
    agent, family = found.pop("")
    assert agent.n_envs == 2
    assert [task["c0"] for task in family.tasks("train")] == [-5.0, -1.0, 5.0]
    assert found.pop("from_run").path == run.path
    assert found == {
        "out": tmp_path / "new", "seed": 5, "steps": 64, "device": "cuda:1", "overrides": ["n_envs=2"],
        "keep": 3, "detect_anomaly": True, "progress": told,
    }  # fmt: skip


def test_resume(handed: Callable[..., dict[str, Any]], run: Run) -> None:
    options: dict[str, Any] = {
        "steps": 96, "device": "cuda:1", "family": Family.load("ode"), "detect_anomaly": True,
        "progress": told,
    }  # fmt: skip
    found = handed("hyperrl.training.resume", api.resume, run.path, **options)
    assert [each.path for each in found.pop("")] == [run.path]
    assert found == options


@pytest.mark.parametrize(("checkpoint", "steps"), [(None, 16), ("latest", 64)])
@pytest.mark.parametrize("deterministic", [True, False])
def test_evaluate_and_watch(
    handed: Callable[..., dict[str, Any]], run: Run, tmp_path: Path, checkpoint: str | None, steps: int,
    deterministic: bool,
) -> None:  # fmt: skip
    options: dict[str, Any] = {"seed": 5, "deterministic": deterministic, "checkpoint": checkpoint}
    acting = handed("hyperrl.api.evaluation.act_of", api.evaluate, run, **options)
    shown = handed("hyperrl.api.agents.act_of", api.watch, run, video=tmp_path / "x.gif", **options)
    for found in (acting, shown):
        model, drawn = found[""]
        assert (model.num_timesteps, drawn) == (steps, deterministic)
    played = handed(
        "hyperrl.api.evaluation.evaluate_tasks", api.evaluate, run, splits=["validation"],
        contexts=[{"c0": 9}], sweep=[("c0", -10.0, 10.0, 2)], episodes=7, progress=told, **options,
    )  # fmt: skip
    act, family, contexts = played.pop("")
    assert isinstance(act, PolicyAct)
    assert contexts == (*family.tasks("validation"), {"c0": 9.0}, {"c0": -10.0}, {"c0": 10.0})
    assert callable(played.pop("progress"))
    splits = (*["validation"] * 8, *["extrapolation"] * 3)
    assert played == {"episodes": 7, "seed": 5, "splits": splits}
    scene = handed(
        "hyperrl.api.agents.render_episodes",
        api.watch,
        run,
        contexts=[{"c0": 2}],
        video=tmp_path / "x.gif",
        **options,
    )
    assert (scene.pop("")[2], scene) == ([{"c0": 2.0}], {"seed": 5})


@pytest.mark.parametrize(("checkpoint", "steps"), [(None, 16), ("latest", 64), (64, None)])
def test_load(run: Run, checkpoint: str | int | None, steps: int | None) -> None:
    if steps is None:
        save_state(run, "64", {"steps": 64, "policy": load_model(run).policy.state_dict()})
    assert api.load(run, checkpoint=checkpoint).model.num_timesteps == (steps or 64)


def test_specialize_and_export(handed: Callable[..., dict[str, Any]], run: Run, tmp_path: Path) -> None:
    written = tmp_path / "x.safetensors"
    asked: dict[str, Any] = {"out": written, "budget": 0.5, "quantize": None, "force": True}
    found = handed("hyperrl.api.agents.specialist_request", api.specialize, run, {"c0": 2}, **asked)
    assert found[""][2:] == ({"c0": 2}, "torch", written, 0.5, None, True)
    for where, call, given in (
        ("hyperrl.deploy.export.specialize", api.specialize, ({"c0": 2},)),
        ("hyperrl.deploy.export.export", api.export, ()),
    ):
        for checkpoint, steps in ((None, 16), ("latest", 64)):
            found = handed(where, call, run, *given, checkpoint=checkpoint)
            assert found[""][0].model.num_timesteps == steps
    asked = handed(
        "hyperrl.api.agents.generalist_request", api.export, run, out=tmp_path / "x.onnx", force=True
    )
    assert asked[""][1:] == (tmp_path / "x.onnx", True)
