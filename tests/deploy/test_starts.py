"""Choices that the base environment does not count from 0: what acts on it counts as it does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from hyperrl import UserError
from hyperrl.deploy import files
from hyperrl.deploy.extract import extract_specialist, in_base_terms
from hyperrl.deploy.numpy_runtime import NumpyRuntime
from hyperrl.deploy.plan import Specialist
from hyperrl.deploy.sb3 import plain_model
from hyperrl.evaluation.agent import Agent
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family, contextualize
from hyperrl.training.build import bare_model
from tests.deploy.test_formats import shown
from tests.policies.worlds import disturb
from tests.project.pages import ROOT

__all__ = ["shown"]

ROWS = 200
CASES: dict[str, tuple[spaces.Space[Any], spaces.Space[Any]]] = {
    "dictionary": (
        spaces.Dict(
            place=spaces.Discrete(4, start=-3), tiles=spaces.MultiDiscrete([3, 2], start=np.array([5, -1]))
        ),
        spaces.Discrete(3, start=1),
    ),
    "several actions": (spaces.Discrete(6, start=2), spaces.MultiDiscrete([3, 4], start=np.array([1, -2]))),
}


class Shifted(gym.Env[Any, Any]):
    """An environment of given spaces, which is never played."""

    def __init__(self, seen: spaces.Space[Any], done: spaces.Space[Any]) -> None:
        self.observation_space, self.action_space, self.gravity = seen, done, 1.0


def made(name: str) -> tuple[Family, Any]:
    family = contextualize(lambda: Shifted(*CASES[name]), features={"gravity": {"train": [0.5, 2.0]}})
    recipe = resolve(load_agent("hyper-ppo"), family.recipe, ("policy.net_arch=[16]",))
    torch.manual_seed(0)
    model = bare_model(recipe, family.observation_space, family.action_space, to_learn=False)
    disturb(model.policy)
    return family, model


def batch(space: spaces.Space[Any]) -> Any:
    space.seed(0)
    drawn: Any = [space.sample() for _ in range(ROWS)]
    if isinstance(space, spaces.Dict):
        return {key: np.stack([each[key] for each in drawn]) for key in space.spaces}
    return np.stack(drawn)


def found(name: str) -> tuple[Family, Any, Specialist, Any, Any]:
    """The family, a model, the specialist of the base's terms, observations and what the agent does there."""
    family, model = made(name)
    own = in_base_terms(extract_specialist(model, "hyper-ppo", family, {}), family.adapter)
    seen = batch(CASES[name][0])
    run: Any = None
    return family, model, own, seen, Agent(run, family, model).act(seen, {})


@pytest.mark.parametrize("name", CASES)
def test_all_that_acts_counts_as_the_base_does(name: str, shown: Any, tmp_path: Path) -> None:
    family, model, own, seen, wanted = found(name)
    assert all(CASES[name][1].contains(each) for each in wanted)
    assert len(np.unique(wanted, axis=0)) > 1
    data = files.safetensors_bytes(own)
    np.testing.assert_array_equal(NumpyRuntime(files.read_safetensors(data, "here"))(seen), wanted)
    (tmp_path / "one.safetensors").write_bytes(data)
    parts = seen if isinstance(seen, dict) else {"obs": seen}
    act = shown(tmp_path / "one.safetensors")
    np.testing.assert_array_equal(act({key: torch.as_tensor(part) for key, part in parts.items()}), wanted)
    with pytest.raises(UserError, match="sb3 counts choices from 0"):
        plain_model(own, model, family)


@pytest.mark.parametrize("name", CASES)
def test_a_graph_counts_as_the_base_does(name: str) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import OnnxRuntime, onnx_bytes

    *_, own, seen, wanted = found(name)
    np.testing.assert_array_equal(OnnxRuntime(onnx_bytes(own), "here")(seen), wanted)


_EXPORT = """
import sys
import numpy as np
from hyperrl.deploy.generalist import onnx_bytes
from tests.deploy.test_starts import found
name, path = sys.argv[1:]
family, model, _, seen, wanted = found(name)
open(path, "wb").write(onnx_bytes(model, "hyper-ppo", family))
parts = seen if isinstance(seen, dict) else {"obs": seen}
np.savez(path + ".npz", wanted=wanted, **parts)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_generalist_counts_as_the_base_does(name: str, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    pytest.importorskip("onnxscript", reason="needs the extra export")
    path = tmp_path / "agent.onnx"
    subprocess.run([sys.executable, "-c", _EXPORT, name, str(path)], check=True, cwd=ROOT)
    arrays = dict(np.load(f"{path}.npz"))
    wanted = arrays.pop("wanted")
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    (actions,) = session.run(["action"], {**arrays, "context": np.ones((ROWS, 1), np.float32)})
    np.testing.assert_array_equal(actions, wanted)
