import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hyperrl import api, load_specialist
from hyperrl.cli import main
from hyperrl.store import Run
from tests.forgetting import forgetting_imports
from tests.runs import SMALL, message, untrained


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_by_everything_that_reads_them(
    runs: Path, tmp_path: Path, value: float
) -> None:
    """A checkpoint whose digest is right is refused where weights are read, and nothing is written."""
    run = Run.open(shutil.copytree(runs / "seed-0", tmp_path / "run"))
    for name in run.checkpoints():
        tensors, meta = run.load_checkpoint(name)
        spoiled = {
            key: torch.full_like(one, value) if key.startswith("policy/") else one
            for key, one in tensors.items()
        }
        run.save_checkpoint(name, spoiled, meta)
    before = sorted(run.path.rglob("*"))
    calls: list[Callable[[], Any]] = [
        lambda: api.load(run),
        lambda: api.evaluate(run),
        lambda: api.watch(run, video=tmp_path / "x.gif"),
        lambda: api.specialize(run, {"c0": 1}),
        lambda: api.export(run),
        lambda: api.resume(run, steps=128),
        lambda: api.train("hyper-ppo", "ode", steps=64, overrides=SMALL, out=tmp_path / "new", from_run=run),
    ]
    for call in calls:
        assert re.search(r"weights '.+': found numbers that are not finite", message(call))
    assert sorted(run.path.rglob("*")) == before
    assert not (tmp_path / "x.gif").exists()


def test_a_specialist_is_replaced_on_request(runs: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "one.safetensors"
    first = api.specialize(runs / "seed-0", {"c0": 1}, out=path)
    assert (first.file, first.context.unlisted) == (path, {})
    before = path.read_bytes()
    assert "replace it with force=True" in message(api.specialize, runs / "seed-0", {"c0": 2}, out=path)
    assert path.read_bytes() == before
    api.specialize(runs / "seed-0", {"c0": 2}, out=path, force=True)
    assert path.read_bytes() != before
    assert sorted(each.name for each in path.parent.iterdir()) == ["README.md", "one.safetensors"]


def test_an_agent_and_its_specialists_take_stacked_observations(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "hyper-ppo", "ode", ["frame_stack=3"])
    agent = api.load(run)
    env = agent.family.make()
    observation, _ = env.reset(seed=0, options={"context": {"c0": 2.0}})
    for _ in range(2):
        observation, *_ = env.step(env.action_space.sample())
    action = agent.act(observation["obs"], {"c0": 2.0})
    assert api.evaluate(run, contexts=[{"c0": 2.0}], episodes=1, save=False).tasks[0].context == {"c0": 2.0}
    written = api.specialize(run, {"c0": 2.0})
    special = load_specialist(written.file)
    (part,) = special.specialist.plan.inputs
    assert (part.name, part.shape) == ("obs", (3,))
    np.testing.assert_allclose(special(observation["obs"]), action, atol=1e-5)
    with pytest.raises(ValueError, match=r"obs: found shape \(1,\); allowed: \(3,\)"):
        agent.act([0.5], {"c0": 2.0})


OWN_WRAPPER = """
import gymnasium as gym

class Shifted(gym.ObservationWrapper):
    def __init__(self, env, by):
        super().__init__(env)
        self.by = by

    def observation(self, observation):
        return observation + self.by
"""
OWN_AGENT = """
about: PPO with a wrapper of one's own
algorithm: {name: ppo}
policy: {kind: hyper, net_arch: [8], hypernetwork: {hidden: [8]}}
wrappers: [shifted.py:Shifted: {by: 0.5}, TimeAwareObservation]
frame_stack: 2
"""


def test_a_wrapper_of_ones_own_lies_beside_the_agents_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is trained with, resumed, evaluated, watched and deployed; a stranger's is not imported unasked."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "shifted.py").write_text(OWN_WRAPPER)
    (tmp_path / "mine.yaml").write_text(OWN_AGENT)
    with forgetting_imports(tmp_path):
        run = api.train(tmp_path / "mine.yaml", "ode", steps=64, overrides=SMALL, out=tmp_path / "run")
        monkeypatch.chdir("/")
        api.resume(run.path, steps=96)
        agent = api.load(run.path)
        assert agent.act([1.5, 0.0, 1.2, 1.0], {"c0": 2.0}).shape == (2,)
        env = agent.family.make()
        observation, _ = env.reset(options={"context": {"c0": 2.0}, "x": 0.25})
        assert observation["obs"].tolist() == [0.0, 0.0, 0.75, 0.0]
        (task,) = api.evaluate(run.path, contexts=[{"c0": 2.0}], episodes=1, save=False).tasks
        assert 0 < task.mean < agent.family.oracle({"c0": 2.0})  # type: ignore[operator]
        special = load_specialist(api.specialize(run.path, {"c0": 2.0}).file)
        assert special.specialist.plan.inputs[0].shape == (4,)
        action = agent.act(observation["obs"], {"c0": 2.0})
        np.testing.assert_allclose(special(observation["obs"]), action, atol=1e-5)
        shutil.rmtree(tmp_path / "state")
        assert "its wrapper 'shifted.py:Shifted' imports the file" in message(api.load, run.path)
        api.load(run.path, allow_import=[str(tmp_path / "shifted.py")])


@pytest.mark.parametrize(("checkpoint", "steps", "deterministic"), [(None, 16, True), ("latest", 64, False)])
def test_watch(
    passed_arguments: Callable[..., dict[str, Any]], run: Run, tmp_path: Path, checkpoint: str | None,
    steps: int, deterministic: bool,
) -> None:  # fmt: skip
    options: dict[str, Any] = {"seed": 5, "deterministic": deterministic, "checkpoint": checkpoint}
    options["video"] = tmp_path / "x.gif"
    model, most_likely = passed_arguments("hyperrl.api.agents.ModelPolicy", api.watch, run, **options)[""]
    assert (model.num_timesteps, most_likely) == (steps, deterministic)
    arguments = passed_arguments(
        "hyperrl.api.agents.render_episodes", api.watch, run, contexts=[{"c0": 2}], **options
    )
    assert (arguments.pop("")[2], arguments) == ([{"c0": 2.0}], {"seed": 5})


def test_specialize_and_export(
    passed_arguments: Callable[..., dict[str, Any]], run: Run, tmp_path: Path
) -> None:
    written = tmp_path / "x.safetensors"
    options: dict[str, Any] = {"out": written, "budget": 0.5, "quantize": None, "flag": True, "force": True}
    arguments = passed_arguments(
        "hyperrl.api.agents.specialist_request", api.specialize, run, {"c0": 2}, **options
    )
    assert arguments[""][2:] == ({"c0": 2}, "torch", written, 0.5, None, True, True)
    for where, call, args in (
        ("hyperrl.deploy.export.specialize", api.specialize, ({"c0": 2},)),
        ("hyperrl.deploy.export.export", api.export, ()),
    ):
        for checkpoint, steps in ((None, 16), ("latest", 64)):
            arguments = passed_arguments(where, call, run, *args, checkpoint=checkpoint)
            assert arguments[""][0].model.num_timesteps == steps
    arguments = passed_arguments(
        "hyperrl.api.agents.generalist_request", api.export, run, out=tmp_path / "x.onnx", force=True
    )
    assert arguments[""][1:] == (tmp_path / "x.onnx", True)


def test_a_value_that_is_none_of_the_features_is_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = untrained(tmp_path / "run", "hyper-ppo", "pendulum-actuator")
    features = run.spec.family.features
    name = next(each for each, feature in features.items() if feature.values)
    values = features[name].values or ()
    between = (values[0] + values[1]) / 2
    assert main(["specialize", str(run.path), "--context", f"{name}={between}"]) == 0
    listed = ", ".join(f"{value:g}" for value in values)
    assert f"note: {name}={between:g} is none of the feature's values: {listed}" in capsys.readouterr().out
    assert api.specialize(run, {name: values[1]}).context.unlisted == {}
