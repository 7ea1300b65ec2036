"""What `hyperrl.specialize` returns beside the file that it writes."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from hyperrl import UserError, load_specialist
from hyperrl.api.runs import family_of, load_agent
from hyperrl.deploy import export
from hyperrl.deploy.export import specialize, write_new
from hyperrl.deploy.request import SUFFIXES, SpecialistRequest
from hyperrl.evaluation.agent import Agent
from tests import masked
from tests.deploy.cases import example
from tests.runs import untrained


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Agent:
    monkeypatch.setattr(export, "CALLS", 10)
    case = example("ppo")
    run: Any = SimpleNamespace(spec=SimpleNamespace(agent=SimpleNamespace(name="mine")))
    return Agent(run, case.family, case.model)


def request(agent: Agent, path: Path, format: str = "torch", **fields: Any) -> SpecialistRequest:
    task = agent.family.space.complete(example("ppo").context)
    return SpecialistRequest(task, format, path, fields.get("budget"), fields.get("quantize", False))


@pytest.mark.parametrize("format", SUFFIXES)
def test_a_file_and_its_cost(format: str, agent: Agent, tmp_path: Path) -> None:
    if format == "onnx":
        pytest.importorskip("onnxruntime", reason="needs the extra export")
    path = tmp_path / "new" / f"one{SUFFIXES[format]}"
    written = specialize(agent, request(agent, path, format))
    shown = json.loads(json.dumps(written.to_json()))
    assert (shown["file"], shown["format"], shown["agent"]) == (str(path), format, "mine")
    assert (shown["family"], shown["context"]) == ("pendulum", example("ppo").context)
    assert (shown["outside"], shown["unlisted"], shown["return"]) == ({}, {}, None)
    assert shown["bytes"] == path.stat().st_size
    assert 0 < shown["parameters"] < shown["generalist"]["parameters"]
    assert min(shown["microseconds"], shown["generalist"]["microseconds"]) > 0


def test_statistics_are_written_beside_a_model_of_sb3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "CALLS", 10)
    case = example("ppo normalized")
    run: Any = SimpleNamespace(spec=SimpleNamespace(agent=SimpleNamespace(name="mine")))
    normalized = Agent(run, case.family, case.model)
    task, path = case.family.space.complete(case.context), tmp_path / "new" / "one.zip"
    written = specialize(
        normalized, SpecialistRequest(task, "sb3", path, None, False, path.with_suffix(".pkl"))
    )
    assert written.statistics == path.with_suffix(".pkl")
    assert written.to_json()["statistics"] == str(written.statistics)
    env: Any = VecNormalize.load(str(written.statistics), DummyVecEnv([lambda: gym.make("Pendulum-v1")]))
    actions, _ = PPO.load(path).predict(env.normalize_obs(case.observations), deterministic=True)
    np.testing.assert_allclose(actions, case.actions, atol=1e-5)


def test_a_smaller_one_is_compared_on_its_task(agent: Agent, tmp_path: Path) -> None:
    path, progress = tmp_path / "small.safetensors", []
    asked = request(agent, path, budget=0.5, quantize=True)
    written = specialize(agent, asked, lambda done, total: progress.append((done, total)))
    assert written.returns is not None
    assert progress
    assert np.isfinite(written.returns).all()
    assert written.returns[0] != written.returns[1]
    assert load_specialist(path).specialist.arrays["0.weight"].dtype == np.int8
    assert written.to_json()["return"] == {
        "episodes": written.episodes, "before": written.returns[0], "after": written.returns[1]
    }  # fmt: skip


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match=r"out '.*/file/x': cannot be written"):
        write_new(tmp_path / "file" / "x", b"data")


@pytest.mark.parametrize("format", SUFFIXES)
@pytest.mark.parametrize("actions", masked.ACTIONS)
def test_specialists_of_every_format_play_the_base_and_take_no_masked_action(
    actions: str, format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base raises where one is taken. Pruned ones are evaluated with masks too."""
    contrib = pytest.importorskip("sb3_contrib", reason="needs the extra contrib")
    if format == "onnx":
        pytest.importorskip("onnxruntime", reason="needs the extra export")
    if format == "sb3" and "from" in actions:
        pytest.skip("sb3 counts choices from 0")
    monkeypatch.setattr(export, "CALLS", 10)
    family = masked.masked_family(actions)
    run: Any = SimpleNamespace(spec=SimpleNamespace(agent=SimpleNamespace(name="mine")))
    agent = Agent(run, family, masked.masked_model(family))
    task, path = family.space.complete({"pay": 2.0}), tmp_path / f"one{SUFFIXES[format]}"
    written = specialize(agent, SpecialistRequest(task, format, path, 0.5, False))
    assert written.returns is not None
    act = partial(contrib.MaskablePPO.load(path).predict, deterministic=True) if format == "sb3" else None
    base, chosen = masked.Masked(actions), set()
    observation, _ = base.reset(seed=0)
    for _ in range(9):
        if act is None:
            action = load_specialist(path)(observation, action_masks=base.mask)
        else:
            action = act(observation, action_masks=base.mask)[0]
        chosen.add(str(action))
        observation = base.step(action)[0]
    assert len(chosen) > 1


def test_a_flag_tells_in_the_file_whether_the_task_is_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "CALLS", 10)
    run = untrained(tmp_path / "run", "hyper-ppo", "ode", ["policy.hypernetwork.inputs=[context, noise]"])
    agent = load_agent(run, family_of(run), None)
    for format in ("torch", "onnx"):
        if format == "onnx":
            pytest.importorskip("onnxruntime", reason="needs the extra export")
        verdicts = []
        for c0 in (2.5, 8.0):
            path = tmp_path / f"{c0}{SUFFIXES[format]}"
            task = agent.family.space.complete({"c0": c0})
            written = specialize(agent, SpecialistRequest(task, format, path, None, False, flag=True))
            flag = load_specialist(path).flag
            assert flag == written.specialist.plan.flag
            assert flag.disagreement > 0
            assert flag.largest_distance == pytest.approx(0.8)
            assert json.loads(json.dumps(written.to_json()))["flag"]["far"] == flag.far
            verdicts.append(flag.far)
            assert ("c0" in flag.outside) == (c0 == 8)
        assert verdicts[1]
        plain = tmp_path / f"plain{SUFFIXES[format]}"
        specialize(agent, SpecialistRequest(task, format, plain, None, False))
        assert load_specialist(plain).flag is None
        assert b'"flag"' not in plain.read_bytes()
