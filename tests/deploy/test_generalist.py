"""The agent as one graph acts as the agent, whatever the task of a row and the number of rows."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hyperrl import api
from hyperrl.cli import describe_file
from hyperrl.deploy.generalist import ContextEncoder, Far
from hyperrl.evaluation import ModelPolicy
from hyperrl.evaluation.context_flag import flag_context, flag_rule
from hyperrl.tasks import Family
from tests.deploy.cases import (
    CONTRIBUTED,
    MASKED,
    assert_masked,
    example,
    masked_example,
    observations_of,
)
from tests.deploy.shifted import SPACES
from tests.policies.worlds import disturb
from tests.project.pages import ROOT
from tests.runs import untrained

ROWS = 2000
HYPER = "policy.hypernetwork."
AGENTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "low-rank": ("hyper-ppo", "pendulum", ()),
    "full": ("hyper-ppo-full", "cartpole", ()),
    "chunked": ("hyper-ppo", "pendulum", (f"{HYPER}strategy=chunked",)),
    "adapter": ("hyper-ppo", "pendulum", (f"{HYPER}strategy=adapter", f"{HYPER}adapter_activation=relu")),
    "modulation": ("hyper-ppo", "pendulum", (f"{HYPER}strategy=modulation",)),
    "mask": ("hyper-ppo", "pendulum", (f"{HYPER}strategy=mask",)),
    "state": ("hyper-ppo", "pendulum", (f"{HYPER}inputs=[context, state]",)),
    "embedding, noise": ("hyper-ppo", "pendulum", (f"{HYPER}inputs=[context, embedding, noise]",)),
    "spectral": ("hyper-ppo", "pendulum", (f"{HYPER}head_norm=spectral", f"{HYPER}magnitude_invariant=true")),
    "layer norm": ("hyper-ppo", "pendulum", ("policy.layer_norm=true", "policy.residual=true")),
    "saturate": ("hyper-ppo", "pendulum", ("policy.beyond=saturate",)),
    "concat saturate": ("concat-ppo", "pendulum", ("policy.beyond=saturate",)),
    "gSDE": ("hyper-ppo", "pendulum", ("algorithm.use_sde=true",)),
    "normalized": ("hyper-ppo", "pendulum", ("normalize={clip_obs: 1.2}",)),
    "normalized, state": ("hyper-sac", "pendulum", (f"{HYPER}inputs=[context, state]", "normalize=true")),
    "sac": ("hyper-sac", "pendulum", ()),
    "td3": ("hyper-td3", "point-goal", ()),
    "dqn": ("hyper-dqn", "cartpole", ()),
    "concat": ("concat-ppo", "pendulum", ()),
    "blind": ("blind-sac", "pendulum", ()),
    "maskable": ("hyper-maskable-ppo", "wall-gap", ()),
    "concat maskable": ("concat-maskable-ppo", "wall-gap", ()),
    "tqc": ("hyper-tqc", "pendulum", ()),
    "crossq": ("hyper-crossq", "pendulum", ()),
    "trpo": ("hyper-trpo", "cartpole", ()),
    "qrdqn": ("hyper-qrdqn", "cartpole", ()),
    "concat td3": ("concat-td3", "pendulum", ()),
    "concat dqn": ("concat-dqn", "cartpole", ()),
    "concat tqc": ("concat-tqc", "pendulum", ()),
    "concat crossq": ("concat-crossq", "pendulum", ()),
    "concat trpo": ("concat-trpo", "pendulum", ()),
    "concat qrdqn": ("concat-qrdqn", "cartpole", ()),
    "blind ppo": ("blind-ppo", "cartpole", ()),
    "blind tqc": ("blind-tqc", "pendulum", ()),
    "blind qrdqn": ("blind-qrdqn", "cartpole", ()),
}
SLOW = set(AGENTS) - {"full"}
"""`hyperrl export` of a low-rank agent is in tests/acceptance."""

_EXPORT = """
import pickle, sys, torch
import numpy as np
from hyperrl.evaluation import ModelPolicy
from hyperrl.recipes import load_agent, resolve
from hyperrl.deploy.generalist import onnx_bytes
from hyperrl.policies.registry import view
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model, training_descriptors
agent, family, overrides, seen, values, path = pickle.load(sys.stdin.buffer)
tasks = Family.load(family)
recipe = resolve(load_agent(agent), tasks.recipe, ("policy.net_arch=[16, 16]", *overrides))
torch.manual_seed(2)
model = bare_model(
    recipe, tasks.observation_space, tasks.action_space, to_learn=False,
    descriptors=training_descriptors(recipe, tasks),
)
with torch.no_grad():
    for parameter in model.policy.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    normalization = view(model).normalization
    for part in [] if normalization is None else normalization.parts.values():
        part.mean.uniform_(0.3, 0.7)
        part.var.uniform_(0.2, 3.0)
open(path, "wb").write(onnx_bytes(model, agent, tasks))
context = tasks.space.descriptors(tasks.space.contexts(values.astype(np.float64)))
act = ModelPolicy(model)
np.save(path + ".npy", act({**seen, "context": context}))
if act.masked:
    masks = np.random.default_rng(0).random((len(context), 4)) < 0.5
    masks[:, 1] = True
    np.savez(path + ".npz", masks=masks, actions=act({**seen, "context": context}, masks))
"""
"""In a process of its own: shapes that are checked as tests have them cannot be traced."""


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[pytest.mark.slow] if each in SLOW else []) for each in AGENTS]
)
def test_it_acts_as_the_agent(name: str, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    pytest.importorskip("onnxscript", reason="needs the extra export")
    onnx = pytest.importorskip("onnx", reason="needs the extra export")
    agent, family, overrides = AGENTS[name]
    if agent.endswith(CONTRIBUTED):
        pytest.importorskip("sb3_contrib", reason="needs the extra contrib")
    tasks = Family.load(family)
    seen, values = observations_and_tasks(tasks)
    path = tmp_path / "agent.onnx"
    sent = pickle.dumps((agent, family, overrides, seen, values, str(path)))
    subprocess.run([sys.executable, "-c", _EXPORT], input=sent, check=True, cwd=ROOT)
    wanted = np.load(f"{path}.npy")
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == ["obs", "context"]
    about = session.get_modelmeta().custom_metadata_map
    assert about["context"].split(",") == list(tasks.space.names)
    assert list(json.loads(about["generalist"])["features"]) == list(tasks.space.names)
    for rows in (1, 3, ROWS):
        batch = {"obs": seen["obs"][:rows], "context": values[:rows]}
        (actions,) = session.run(["action"], batch)
        if wanted.dtype.kind == "f":
            np.testing.assert_allclose(actions, wanted[:rows], atol=1e-5)
        else:
            assert np.mean(actions == wanted[:rows]) > 1 - 1e-3
    operators = {node.op_type for node in onnx.load(path).graph.node}
    assert "ArgMax" not in operators or "IsNaN" in operators, "ArgMax alone passes over NaN; torch does not"
    assert len(np.unique(wanted, axis=0)) > 1
    if not name.endswith("maskable"):
        assert sorted(each.name for each in tmp_path.iterdir()) == ["agent.onnx", "agent.onnx.npy"]
        return
    masked = np.load(f"{path}.npz")
    batch = {"obs": seen["obs"], "context": values, "action_masks": masked["masks"]}
    (actions,) = session.run(["action"], batch)
    assert masked["masks"][np.arange(ROWS), actions].all()
    assert np.mean(actions == masked["actions"]) > 1 - 1e-3
    assert np.mean(actions == wanted) < 0.95
    (actions,) = session.run(["action"], {**batch, "action_masks": masked["masks"][:1]})
    assert masked["masks"][0, actions].all()


@pytest.mark.parametrize("name", ["ppo bounds", "ppo matrix"])
def test_actions_are_clipped_to_their_bounds(name: str) -> None:
    """What is traced, before it is a graph; the agent's own networks give more than the bounds allow."""
    pytest.importorskip("onnx", reason="needs the extra export")
    from hyperrl.deploy.generalist import Generalist

    family = example(name).family
    model = deepcopy(example(name).model)
    disturb(model.policy, 1.0)
    seen = observations_of(family, 500)
    values = family.space.values([{"gravity": each} for each in np.linspace(0.1, 4, 500)])
    wanted = ModelPolicy(model)({**seen, "context": family.space.descriptors(family.space.contexts(values))})
    box: Any = family.action_space
    for bound in (box.low, box.high):
        assert 0.05 < np.mean(wanted == bound) < 0.95
    with torch.no_grad():
        inputs = [torch.as_tensor(seen["obs"]), torch.tensor(values, dtype=torch.float32)]
        found = Generalist(model.policy, family).eval()(*inputs).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-4)


IMAGES = ("ppo image", "sac image", "qrdqn image", "concat ppo image", "ppo generated convolutions")

_EXPORT_EXAMPLE = """
import pickle, sys
from hyperrl.deploy.generalist import onnx_bytes
from tests.deploy.cases import example
name, path = sys.argv[1:]
found = example(name)
open(path, "wb").write(onnx_bytes(found.model, name, found.family))
values = found.family.space.values([found.context])
pickle.dump((found.observations, values, found.actions), open(path + ".pickle", "wb"))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", IMAGES)
def test_it_acts_on_images_as_the_environment_gives_them(name: str, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    pytest.importorskip("onnxscript", reason="needs the extra export")
    if name.startswith(CONTRIBUTED):
        pytest.importorskip("sb3_contrib", reason="needs the extra contrib")
    path = tmp_path / "agent.onnx"
    subprocess.run([sys.executable, "-c", _EXPORT_EXAMPLE, name, str(path)], check=True, cwd=ROOT)
    seen, values, wanted = pickle.loads(Path(f"{path}.pickle").read_bytes())
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    context = np.repeat(values, len(seen), axis=0).astype(np.float32)
    (actions,) = session.run(["action"], {"obs": seen, "context": context})
    np.testing.assert_allclose(actions, wanted, atol=1e-5)
    assert len(np.unique(wanted, axis=0)) > 1


def observations_and_tasks(tasks: Family) -> tuple[dict[str, Any], Any]:
    """Random observations, each with a task of its own."""
    space: Any = tasks.observation_space
    box = space["obs"]
    draw = np.random.default_rng(0)
    seen = draw.uniform(np.clip(box.low, -3, 3), np.clip(box.high, -3, 3), (ROWS, *box.shape))
    ranges = np.array([tasks.space.features[name].widest for name in tasks.space.names])
    values = draw.uniform(ranges[:, 0], ranges[:, 1], (ROWS, len(ranges)))
    return {"obs": seen.astype(box.dtype)}, values.astype(np.float32)


_EXPORT_SHIFTED = """
import sys
import numpy as np
from hyperrl.deploy.generalist import onnx_bytes
from tests.deploy.shifted import shifted
name, path = sys.argv[1:]
family, model, _, seen, wanted = shifted(name)
open(path, "wb").write(onnx_bytes(model, "hyper-ppo", family))
parts = seen if isinstance(seen, dict) else {"obs": seen}
np.savez(path + ".npz", wanted=wanted, **parts)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", SPACES)
def test_the_generalist_counts_as_the_base_does(name: str, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    pytest.importorskip("onnxscript", reason="needs the extra export")
    path = tmp_path / "agent.onnx"
    subprocess.run([sys.executable, "-c", _EXPORT_SHIFTED, name, str(path)], check=True, cwd=ROOT)
    arrays = dict(np.load(f"{path}.npz"))
    wanted = arrays.pop("wanted")
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    (actions,) = session.run(["action"], {**arrays, "context": np.ones((len(wanted), 1), np.float32)})
    np.testing.assert_array_equal(actions, wanted)


@pytest.mark.parametrize("name", MASKED)
def test_no_masked_choice_is_made(name: str) -> None:
    """What is traced, before it is a graph."""
    pytest.importorskip("onnx", reason="needs the extra export")
    from hyperrl.deploy.generalist import Generalist

    made, masks, wanted = masked_example(name)
    values = np.repeat(made.family.space.values([made.context]), len(masks), axis=0)
    inputs = [torch.as_tensor(made.observations), torch.tensor(values, dtype=torch.float32)]
    with torch.no_grad():
        generalist = Generalist(made.model.policy, made.family).eval()
        assert_masked(made, masks, wanted, generalist(*inputs, torch.as_tensor(masks)).numpy())
        np.testing.assert_array_equal(
            generalist(*inputs), generalist(*inputs, torch.ones(masks.shape, dtype=torch.bool))
        )


@pytest.mark.parametrize("name", ["ode", "cartpole", "double-integrator"])
def test_far_contexts_are_those_of_the_flag(name: str) -> None:
    family = Family.load(name)
    rule = flag_rule(family)
    tasks = [task for split in ("train", "validation", "interpolation", "extrapolation")
             for task in family.tasks(split)]  # fmt: skip
    values = torch.tensor(family.space.values(tasks), dtype=torch.float32)
    found = Far(rule, family.space)(values, ContextEncoder(family.space)(values))
    assert found.tolist() == [flag_context(rule, family, task).far for task in tasks]
    assert found.any()
    assert not found.all()


@pytest.mark.slow
def test_a_second_output_tells_which_contexts_are_far(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    run = untrained(tmp_path / "run", "hyper-ppo", "ode")
    path = api.export(run, flag=True)
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    contexts = np.array([[2.5], [8.0], [-4.9], [-5.5]], np.float32)
    action, far = session.run(["action", "far"], {"obs": np.zeros((4, 1), np.float32), "context": contexts})
    assert action.shape == (4, 2)
    assert far.tolist() == [False, True, False, True]
    plain = api.export(run, out=tmp_path / "plain.onnx")
    one = runtime.InferenceSession(str(plain), providers=["CPUExecutionProvider"])
    (alone,) = one.run(None, {"obs": np.zeros((4, 1), np.float32), "context": contexts})
    np.testing.assert_array_equal(alone, action)
    describe_file.describe(str(path))
    assert "output 'far': outside of a training range, or more than 0.8 from" in capsys.readouterr().out
