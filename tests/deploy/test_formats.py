"""Every format acts as the agent that it comes from."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from stable_baselines3 import DQN
from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl import UserError, load_specialist
from hyperrl.deploy import files
from hyperrl.deploy.compress import quantize
from hyperrl.deploy.extract import extract_specialist
from hyperrl.deploy.layers import Linear
from hyperrl.deploy.numpy_runtime import NumpyRuntime
from hyperrl.deploy.sb3 import plain_model, zip_bytes
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model
from tests.deploy.conftest import IMAGES, Made, agree, made
from tests.project.pages import ROOT, blocks

WITHOUT_SB3 = {"ppo layer norm", "ppo residual", "ppo adapter", "ppo generated convolutions"}


def test_as_tensors(every: Made, tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    path.write_bytes(files.safetensors_bytes(every.specialist))
    act = load_specialist(path)
    agree(every, act(every.observations))
    first = one(every.observations)
    np.testing.assert_allclose(act(first), every.actions[0], atol=1e-5)


def test_as_a_graph(every: Made, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import onnx_bytes

    path = tmp_path / "one.onnx"
    path.write_bytes(onnx_bytes(every.specialist))
    agree(every, load_specialist(path)(every.observations))


@pytest.mark.parametrize("name", ["dqn", "ppo multi-discrete"])
@pytest.mark.parametrize("wild", [np.nan, np.inf])
def test_the_graph_chooses_as_numpy_where_numbers_are_not_finite(name: str, wild: float) -> None:
    """ONNX's ArgMax passes over NaN, which NumPy and torch take for the largest."""
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import onnx_bytes

    given = made(name)
    last = given.specialist.plan.layers[-1]
    assert isinstance(last, Linear)
    bias = given.specialist.arrays[last.bias].copy()
    bias[[0, 1]] = -1e9, wild
    odd = replace(given.specialist, arrays=given.specialist.arrays | {last.bias: bias})
    session = runtime.InferenceSession(onnx_bytes(odd), providers=["CPUExecutionProvider"])
    seen = given.observations[:50]
    (actions,) = session.run(None, {given.specialist.plan.inputs[0].name: seen})
    np.testing.assert_array_equal(actions, NumpyRuntime(odd)(seen))
    assert (actions.reshape(50, -1)[:, 0] == 1).all()


def test_an_answer_in_eight_bits_does_not_depend_on_the_rest_of_the_batch() -> None:
    """onnxruntime's own dynamic quantization finds its scale over the whole batch."""
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import OnnxRuntime, onnx_bytes

    given = made("ppo")
    act = OnnxRuntime(onnx_bytes(quantize(given.specialist)), "made")
    seen = given.observations[:4].copy()
    alone = [act(each) for each in seen]
    beside = act(np.concatenate([seen, np.full((1, seen.shape[1]), 1e4, np.float32)]))[:4]
    np.testing.assert_allclose(beside, alone, atol=1e-6)
    assert np.ptp(alone) > 1e-3


@pytest.mark.parametrize("kind", ["hyper", "concat", "blind"])
def test_an_agent_that_remembers_is_refused_by_every_format(kind: str) -> None:
    pytest.importorskip("sb3_contrib", reason="needs the extra contrib")
    pytest.importorskip("onnxscript", reason="needs the extra export")
    from hyperrl.deploy.generalist import onnx_bytes

    family = Family.load("pendulum")
    agent = f"{kind}-recurrent-ppo"
    recipe = resolve(load_agent(agent), family.recipe, ("policy.net_arch=[8]", "policy.lstm_hidden_size=4"))
    model = bare_model(recipe, family.observation_space, family.action_space, to_learn=False)
    told = f"agent '{agent}': remembers what it saw; only agents without a memory are exported"
    with pytest.raises(UserError, match=told):
        extract_specialist(model, agent, family, family.space.default)
    with pytest.raises(UserError, match=told):
        onnx_bytes(model, agent, family)


def test_the_graph_alone_acts_too(tmp_path: Path) -> None:
    """As a program in another language runs it, by the names and types that the file tells."""
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import onnx_bytes

    given = made("ppo dictionary")
    session = runtime.InferenceSession(onnx_bytes(given.specialist), providers=["CPUExecutionProvider"])
    types = {each.name: each.type for each in session.get_inputs()}
    assert types == {"buttons": "tensor(int8)", "place": "tensor(float)", "tile": "tensor(int64)"}
    (actions,) = session.run(["action"], given.observations)
    agree(given, actions)
    assert session.get_modelmeta().custom_metadata_map.keys() == {"specialist"}


def test_as_a_model_of_sb3(every: Made, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    name = request.node.callspec.params["every"]
    if name in WITHOUT_SB3:
        with pytest.raises(UserError, match="sb3 has no policy of its "):
            plain_model(every.specialist, every.model, every.family)
        return
    data = zip_bytes(plain_model(every.specialist, every.model, every.family))
    kind = DQN if every.specialist.plan.algorithm == "qrdqn" else type(every.model)
    loaded: Any = kind.load(io.BytesIO(data))
    actions, _ = loaded.predict(every.observations, deterministic=True)
    if every.actions.dtype.kind == "f":
        np.testing.assert_allclose(actions, every.actions, atol=1e-5)
    else:
        assert np.mean(actions == every.actions) > 1 - 2e-4
    judged_alike(every, loaded)


def judged_alike(every: Made, loaded: BaseAlgorithm) -> None:
    """The critics are the task's too."""
    import torch

    ours: Any = every.model.policy
    theirs: Any = loaded.policy
    rows = 20
    seen = {name: part[:rows] for name, part in parts(every).items()}
    descriptor = every.family.space.descriptors([every.context])
    own = ours.obs_to_tensor({**seen, "context": np.repeat(descriptor, rows, axis=0)})[0]
    other = theirs.obs_to_tensor(seen if len(seen) > 1 else next(iter(seen.values())))[0]
    close = partial(torch.testing.assert_close, atol=1e-4, rtol=1e-4)
    with torch.no_grad(), ExitStack() as quiet:
        for part in getattr(ours, "parts", {}).values():
            quiet.enter_context(part.inputs.acting(deterministic=True))
        if hasattr(ours, "predict_values"):
            close(ours.predict_values(own), theirs.predict_values(other))
        elif hasattr(ours, "critic"):
            actions = torch.rand(rows, *every.actions.shape[1:])
            close(ours.critic(own, actions), theirs.critic(other, actions))
            close(theirs.critic_target(other, actions), theirs.critic(other, actions))


def test_the_zip_needs_nothing_of_ours(tmp_path: Path) -> None:
    given = made("sac")
    path = tmp_path / "plain.zip"
    path.write_bytes(zip_bytes(plain_model(given.specialist, given.model, given.family)))
    with zipfile.ZipFile(path) as archive:
        assert b"hyperrl" not in archive.read("data")
    code = (
        "import sys; sys.modules['hyperrl'] = None\nfrom stable_baselines3 import SAC; SAC.load(sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


@pytest.fixture(scope="module")
def shown() -> Any:
    """The function of docs/deploying.md."""
    names: dict[str, Any] = {}
    (block,) = [b for b in blocks(ROOT / "docs/deploying.md") if "def load_policy" in b.text]
    imports, _, rest = block.text.partition("def load_policy")
    function = "def load_policy" + rest.partition("\n\n")[0]
    assert len(function.splitlines()) <= 30
    assert "hyperrl" not in imports + function
    exec(imports + function, names)
    return names["load_policy"]


def test_the_documented_function_acts_alike(every: Made, shown: Any, tmp_path: Path) -> None:
    import torch

    path = tmp_path / "one.safetensors"
    path.write_bytes(files.safetensors_bytes(every.specialist))
    act = shown(path)
    rows = {name: torch.as_tensor(part[:IMAGES]) for name, part in parts(every).items()}
    agree(every, act(rows).numpy(), slice(IMAGES))


def one(observations: Any) -> Any:
    if isinstance(observations, dict):
        return {name: part[0] for name, part in observations.items()}
    return observations[0]


def parts(every: Made) -> dict[str, NDArray[Any]]:
    seen = every.observations
    return dict(seen) if isinstance(seen, dict) else {every.specialist.plan.inputs[0].name: seen}
